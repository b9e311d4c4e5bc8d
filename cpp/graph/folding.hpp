#pragma once
// Small integers that a graph computes from constants, as far as the sizes of tensors need them.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "graph/scopes.hpp"

namespace ei::graph {

// Values of `name` where they follow from constants by Add, Sub, Mul, Div, Min, Max, Neg, Concat,
// ReduceProd, a Cast between integers or from a constant float, and what Scope::source() follows;
// lists of up to 64 values and up to 32 nodes. None where they do not, or where a result leaves 62
// bits: good to find sizes that are too large, no proof that one is small.
std::optional<std::vector<std::int64_t>> folded(const Scope& scope, std::string_view name);

// One number, of any of the above or a constant float.
std::optional<double> folded_number(const Scope& scope, std::string_view name);

}  // namespace ei::graph
