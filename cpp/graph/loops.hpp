#pragma once
// Can a run of this graph last as long as the file likes? The iterations of a Loop may be computed,
// or as large as a 64-bit number; those of Scan and SequenceMap are as many as their input is long,
// and multiply with what is around them.

#include <string>

#include "graph/model.hpp"

namespace ei::graph {

struct Loops {
    bool bounded = true;
    std::string why;  // one sentence
};

// Bounded: every Loop, in graphs of any depth, has a constant number of iterations, every Scan goes
// along an initialiser or an input of the model that declares its sizes, and all iterations
// together, counted through the loops around them, are at most kMostIterations. SequenceMap, and
// either of the others in a function, count as unbounded.
inline constexpr long long kMostIterations = 100'000;

// Cost: one pass over the graph.
Loops find_loops(const Model& model);

}  // namespace ei::graph
