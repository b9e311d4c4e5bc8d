#pragma once
// What the standard and the runtime's own quantised operators do with 8-bit integers: which of
// their tensors have a zero point, and which pass integers on as they are.

#include <cstddef>
#include <string_view>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

// A tensor of a node and the input that holds its zero point.
struct Operand {
    bool output = false;
    std::size_t slot = 0;  // among the node's inputs or outputs
    std::size_t zero_point = 0;
};

enum class IntegerUse {
    none,     // nothing is known of it
    convert,  // QuantizeLinear and DequantizeLinear: integers on one side only
    compute,  // QLinear...: its operands have one type
    pass,     // Reshape, MaxPool, ...: moves or picks integers; adding a number to all its inputs
              // adds it to all its outputs
    order,    // ArgMax, Shape, ...: its result is the same for integers that are all higher by one
              // number
};

// Weights are no operands here: they have a type and a zero point of their own.
struct IntegerOperator {
    IntegerUse use = IntegerUse::none;
    std::vector<Operand> operands;  // of convert and compute; those the node gives
    std::size_t data_inputs = 0;    // of pass and order: how many of the first inputs hold integers
};

IntegerOperator integer_operator(const Node& node);

}  // namespace ei::graph
