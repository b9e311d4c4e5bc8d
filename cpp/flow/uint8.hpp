#pragma once
// Whether a file's int8 activations are moved to uint8 before the runtime sees it, and what came of
// it. How the move is made: graph/uint8.hpp.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flow/notes.hpp"
#include "graph/model.hpp"
#include "ort/session.hpp"

namespace ei::flow {

struct Uint8 {
    std::size_t moved = 0;                    // tensors
    std::map<std::string, std::size_t> left;  // int8 tensors that stay, by reason
    std::string why;                          // one sentence

    // What was moved stays as it is after all.
    void stay(const std::string& reason);
};

// Why a session on the CPU with default options moves nothing on this machine; empty: it moves what
// it can.
std::string uint8_kept_here();

// What may be moved, and whether it is. `wanted`: true: all that can be; none: where it pays, that
// is on x86 with VNNI, in sessions on the CPU alone that do not ask the runtime to keep int8;
// false: nothing.
struct Uint8Choice {
    Uint8 told;
    std::vector<std::byte> model;  // empty: the file stays as it is
    bool exact = true;             // see graph::Uint8Move
};
Uint8Choice choose_uint8(const graph::Model& model, std::optional<bool> wanted,
                         const ort::Options& options);

// Lets the file stay as it is unless the moved one gives what it gives (flow/uint8_check.hpp), by
// the verdict that `notes` hold of it, or by checking it. Where it cannot be checked, a move that
// was asked for is made all the same.
void confirm_uint8(Uint8Choice& choice, const graph::Model& file, std::optional<bool> wanted,
                   const std::string& folder, const ort::Options& options, const Notes* notes);

}  // namespace ei::flow
