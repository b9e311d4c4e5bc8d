#pragma once
// What a model file declares itself, where the loaded session no longer tells: free dimensions that
// were fixed at load, and initialisers that a caller may replace.

#include <span>
#include <string>
#include <vector>

#include "graph/model.hpp"
#include "ort/tensor.hpp"

namespace ei::flow {

// Initialisers that the graph lists among its inputs: defaults, since IR version 4.
std::vector<ort::TensorSpec> optional_inputs(const graph::Model& model);

// `loaded`, with every axis that the file leaves open as the file has it.
std::vector<ort::TensorSpec> as_declared(std::vector<ort::TensorSpec> loaded,
                                         std::span<const graph::ValueInfo> file);

// Error(input) when `name` is no symbolic axis of the model's inputs; names those that exist.
void expect_free_dimension(const graph::Model& model, const std::string& name);

}  // namespace ei::flow
