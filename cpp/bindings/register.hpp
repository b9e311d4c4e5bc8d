#pragma once
// Each unit adds its names to the module; module.cpp calls them all.

#include <pybind11/pybind11.h>

namespace ei::bindings {

void register_cache(pybind11::module_& module);
void register_calib(pybind11::module_& module);
void register_errors(pybind11::module_& module);
void register_cpu(pybind11::module_& module);
void register_graph(pybind11::module_& module);
void register_preprocess(pybind11::module_& module);
void register_tail(pybind11::module_& module);
void register_ort(pybind11::module_& module);
void register_flow(pybind11::module_& module);

}  // namespace ei::bindings
