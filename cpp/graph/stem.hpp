#pragma once
// A fourth channel for the first convolution of a quantised network.
//
// Pictures have three channels, and integer kernels take their operands four at a time: the
// runtime's fast convolution (MlasConvSym) asks for a multiple of four, and what does not fit goes
// through copies (im2col) into a product of matrices. A channel of zero points, under weights of
// zero, adds zero to every sum of integers: the results are equal bit for bit.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

// A convolution that the runtime computes in integers, of uint8 that the file's input holds or is
// quantised to, by constant int8 weights without zero points.
struct Stem {
    // QLinearConv, or the two DequantizeLinear before a Conv. Indices in Graph::nodes.
    std::size_t data = 0, weights = 0;
    std::size_t weights_slot = 0;  // the input of `weights` that holds them
    std::uint8_t zero_point = 0;   // of the data
};

inline constexpr std::int64_t kStemChannels = 4;

// Those of less than four channels. Cost: one pass over the graph.
std::vector<Stem> find_stems(const Model& model);

// The model with a Pad before each stem, and zeros in its weights. The stems must be of this model.
std::vector<std::byte> widen_stems(const Model& model, const std::vector<Stem>& stems);

}  // namespace ei::graph
