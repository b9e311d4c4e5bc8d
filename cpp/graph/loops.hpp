#pragma once
// Can a run of this graph last as long as the file likes? ONNX has one such operator, Loop: its
// number of iterations may be computed, or as large as a 64-bit number. Scan ends with its input.

#include <string>

#include "graph/model.hpp"

namespace ei::graph {

struct Loops {
    bool bounded = true;
    std::string why;  // one sentence
};

// Bounded: every Loop, in graphs of any depth, has a constant number of iterations, and all of them
// together, counted through the loops around them, are at most kMostIterations. A Loop in a
// function counts as unbounded.
inline constexpr long long kMostIterations = 100'000;

// Cost: one pass over the graph.
Loops find_loops(const Model& model);

}  // namespace ei::graph
