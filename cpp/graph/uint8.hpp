#pragma once
// Moves the int8 activations of a statically quantised network to uint8.
//
// An integer that is 128 higher under a zero point that is 128 higher is the same real value, so
// the moved graph computes what the file computes: bit for bit where the runtime executes
// QuantizeLinear and DequantizeLinear as they stand, and with integer kernels of another type,
// hence another rounding, where it fuses them. Weights stay int8, and so do the integers that a
// caller gives or gets.
//
// Why: x86 multiplies uint8 by int8 (VNNI). The runtime makes the same move by itself, but only for
// tensors that one DequantizeLinear reads, and computes in float around all others; it leaves the
// operators that are quantised already (QLinearConv) to slow kernels.

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

struct Uint8Move {
    // The int8 tensors between operators that can move.
    std::set<std::string_view> moved;
    // DequantizeLinear nodes of constants that Add, Mul or Concat reads beside moved tensors only;
    // index in Graph::nodes. The runtime's integer kernels take their operands in one type.
    std::set<std::size_t> constants;
    // Nothing that is quantised already moves: its own arithmetic may round otherwise.
    bool exact = true;
    // How many cannot, by reason: "an output of the file". Reasons are text.
    std::map<std::string, std::size_t> left;
};

// Cost: a few passes over the graph. Tensors that one operator ties together move together or not.
Uint8Move find_uint8_move(const Model& model);

// The model with `move.moved` as uint8, and what it declares of them. `move` must be of this model.
std::vector<std::byte> move_to_uint8(const Model& model, const Uint8Move& move);

}  // namespace ei::graph
