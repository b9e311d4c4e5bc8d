#pragma once
// What speaks against a model file before the runtime sees it. One rule a file (rule_*.cpp); each
// finding carries its verdict and what to do about it.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

enum class Verdict {
    refused,      // never handed to the runtime: it would crash, hang, guess or compute nonsense
    unsupported,  // the runtime at hand will most probably say no; it decides
    warning,      // runs, but is hardly what its maker meant
};

// "refused", "unsupported", "warning".
const char* name_of(Verdict verdict) noexcept;

struct Problem {
    Verdict verdict = Verdict::refused;
    std::string code;    // for programs: "ir-version", "opset", "scale", ...
    std::string text;    // what was found and what was wanted
    std::string remedy;  // what to do about it
};

// What the runtime at hand accepts. The defaults are those of onnxruntime 1.31, measured; older
// ones accept no more. Of a newer one nothing is known: there `measured` is false, and what lies
// above the limits is left to it.
struct RuntimeLimits {
    std::int64_t max_ir = 13;
    std::int64_t max_opset = 26;    // of ai.onnx
    std::int64_t max_ml_opset = 5;  // of ai.onnx.ml
    bool measured = true;
};

// No tensor of a network for small devices comes near these.
struct SizeLimits {
    std::int64_t tensor_bytes = std::int64_t{1} << 31;  // of any tensor of known shape
    // Of one computed from constants alone: the runtime does that while loading, and keeps it.
    std::int64_t constant_bytes() const noexcept { return tensor_bytes / 8; }
};

struct Checks {
    RuntimeLimits runtime;
    SizeLimits sizes;
    // Where external data is looked for; none: the model came as bytes and has no folder.
    std::optional<std::filesystem::path> folder;
};

// In the order: header, names, data, scales, sizes, weights. Cost: one pass over the graph and one
// over the floating-point weights, those in external files included.
std::vector<Problem> problems(const Model& model, const Checks& checks = {});

}  // namespace ei::graph
