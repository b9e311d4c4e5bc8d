#pragma once
// From the bytes of a model file to sessions: what is checked before the runtime sees it, and what
// is cut off it.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flow/stem.hpp"
#include "flow/uint8.hpp"
#include "graph/problems.hpp"
#include "ort/session.hpp"
#include "plan/segment.hpp"

namespace ei::flow {

struct LoadOptions {
    ort::Options session;
    bool fuse_tail = true;
    bool cut_head = false;
    std::optional<bool> to_uint8;  // none: where it pays
    graph::SizeLimits sizes = {};
    bool cache = true;  // keep the optimised model for the next process
};

// What the fused pass needs to know, and what describe() tells.
struct Tail {
    bool cut = false;
    std::string why;                 // one sentence
    std::vector<std::string> steps;  // the nodes cut, in order
    std::string logits;              // name of the tensor the core ends in
    plan::Corners corners = plan::Corners::half_pixel;
    std::optional<int> out_height, out_width;
};

// An input whose integers a caller may give.
struct QuantizedInput {
    std::size_t input = 0;  // index in Network::inputs()
    ort::TensorSpec spec;   // the input's name, with the integers' type
    float scale = 0;        // real value = (integer - zero_point) * scale
    std::int64_t zero_point = 0;
    // Of a cut head, from the float input to the core's own; null: the file takes integers itself.
    std::shared_ptr<const ort::Session> quantize;
    std::string core_name;  // what the core calls it
};

// Of each run of a network that may loop without bound, unless the options name a limit.
inline constexpr double kLoopTimeoutS = 10;

inline double time_limit(bool may_loop, double wanted_s) noexcept {
    return may_loop && wanted_s == 0 ? kLoopTimeoutS : wanted_s;
}

// What was found while looking at the file.
struct Checked {
    bool looked = false;  // false: the runtime's own format, which only it can read
    std::vector<graph::Problem> warnings;
    bool may_loop = true;  // without bound; assumed of what cannot be looked at
    std::string loops;     // one sentence
    double timeout_s = 0;  // of each run, by options or by kLoopTimeoutS; 0: none
};

// What was done with the cache of optimised models.
struct CacheUse {
    std::string state;  // "off", "skipped", "miss", "hit"
    std::string why;    // one sentence
    std::string path;   // of the entry; empty: there is none
};

struct Loaded {
    std::shared_ptr<const ort::Session> core, rest;  // rest: null when nothing was cut
    Tail tail;
    Checked checked;
    Uint8 uint8;
    Stem stem;
    CacheUse cache;
    std::vector<QuantizedInput> quantized;
    std::string head_why;                                     // one sentence
    std::vector<ort::TensorSpec> given_inputs;                // what run() takes, heads uncut
    std::vector<std::string> outputs;                         // of the file, by name and in order
    std::vector<ort::TensorSpec> core_outputs, rest_outputs;  // as the file declares them
    std::vector<ort::TensorSpec> inputs;                      // as the file declares them
};

// Error(model) for a file that is damaged, refused by the checks, or refused by the runtime;
// Error(input) for options that do not fit it.
Loaded load_file(const std::string& path, const LoadOptions& options);

// `folder`: where external data may lie; empty: the model must hold all its weights.
Loaded load_bytes(std::span<const std::byte> model, const std::string& folder,
                  const LoadOptions& options);

}  // namespace ei::flow
