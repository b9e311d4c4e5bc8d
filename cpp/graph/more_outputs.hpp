#pragma once
// A model whose inner tensors can be read.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

// The model with these tensors among its outputs, behind those it has; all else byte for byte.
// Names that are inputs or outputs already change nothing. Error(input) for a name that no node of
// the main graph makes, and for a tensor that is known to be of another type than float32.
std::vector<std::byte> with_outputs(const Model& model, std::span<const std::string> names);

}  // namespace ei::graph
