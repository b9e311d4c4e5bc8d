#pragma once
// A model as dicts and lists, so that tests can compare the reader with other readers.

#include <pybind11/pybind11.h>

#include "graph/model.hpp"

namespace ei::bindings {

pybind11::dict dump(const graph::Model& model);

}  // namespace ei::bindings
