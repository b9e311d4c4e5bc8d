#pragma once
// What a loaded model takes and gives.

#include <vector>

#include "ort/tensor.hpp"

namespace ei::ort {

// The inputs or the outputs, in the file's order. Error(model) for an input that is no tensor.
std::vector<TensorSpec> read_specs(const Library& library, const OrtSession* session,
                                   bool of_inputs);

}  // namespace ei::ort
