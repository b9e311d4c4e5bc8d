#pragma once
// The head of a quantised network: where its values become integers, or are integers already.
//
// A float32 input that feeds nothing but one QuantizeLinear with a constant scale can be left out
// of the graph, so that a caller who quantises while preprocessing writes the integers themselves.
// An integer input that feeds a DequantizeLinear needs no cut; its scale and zero point are told.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

struct Head {
    std::size_t input = 0;                      // index in Graph::inputs
    std::string name;                           // of the input
    ElementType type = ElementType::undefined;  // uint8, int8, uint16 or int16
    float scale = 0;                            // real value = (integer - zero_point) * scale
    std::int64_t zero_point = 0;
    bool quantizes = false;  // the input is float32 and the node a QuantizeLinear: it can be cut
    std::size_t node = 0;    // that node, or the DequantizeLinear; index in Graph::nodes
    std::string integers;    // the tensor that holds the integers
    // The only reader of the integers is a DequantizeLinear of the same scale and zero point.
    bool paired = false;
};

// One for each input that has one. Cost: one pass over the graph.
std::vector<Head> find_heads(const Model& model);

struct HeadCut {
    Head head;  // with the type and zero point that the cut core takes
    // A model of the QuantizeLinear alone, from the file's input to the core's.
    std::vector<std::byte> quantize;
};

struct HeadsCut {
    // The model without its QuantizeLinear nodes: integer inputs stand in place of the float ones.
    std::vector<std::byte> core;
    std::vector<HeadCut> heads;
};

// Cuts every head that quantises; none: core is empty. `int8_becomes_uint8`: the runtime at hand
// moves pairs of int8 QuantizeLinear and DequantizeLinear to uint8 (onnxruntime does, but on Arm),
// with a zero point 128 higher and the same real values. It sees no pair where one half is cut off,
// and its integer kernels would round otherwise: so paired heads are moved here, and int8 ones that
// are not are left uncut.
HeadsCut cut_heads(const Model& model, const std::vector<Head>& heads, bool int8_becomes_uint8);

}  // namespace ei::graph
