#pragma once
// What a caller hands to run(), in the network's order: inputs by name or alone, names of outputs.

#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <vector>

#include "bindings/tensors.hpp"
#include "flow/network.hpp"

namespace ei::bindings {

// What one run reads: values in the model's order, and whatever keeps their memory alive.
struct Inputs {
    std::vector<ort::Value> values;
    std::vector<InputTensor> tensors;
};

// A dict, any other mapping, or the one array of a model of one input. Error(input) for a name that
// is unknown or missing, or an array that does not fit.
Inputs gather(const flow::Network& network, const pybind11::handle& inputs);

// Indices of the outputs asked for; None: all. Error(input) for none, one twice or one unknown.
std::vector<std::size_t> choose(const flow::Network& network,
                                const std::optional<pybind11::list>& names);

// Error(input) with all names when there is none like it; `what` is the argument's name.
std::size_t index_of(const std::vector<ort::TensorSpec>& specs, const std::string& name,
                     const char* what);

}  // namespace ei::bindings
