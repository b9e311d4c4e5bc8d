#pragma once
// The calls of every frame: run() of a network and of a binding.

#include <pybind11/pybind11.h>

#include <memory>

#include "flow/binding.hpp"
#include "flow/network.hpp"

namespace ei::bindings {

void add_run(pybind11::class_<flow::Network, std::shared_ptr<flow::Network>>& network);
void add_run(pybind11::class_<flow::Binding, std::shared_ptr<flow::Binding>>& binding);

}  // namespace ei::bindings
