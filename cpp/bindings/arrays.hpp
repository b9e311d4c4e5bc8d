#pragma once
// Checks on arrays at the boundary: what NumPy hands over becomes a pointer the core may use.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

namespace ei::bindings {

// "uint8 (480, 640, 3)", for error texts.
std::string describe(const pybind11::array& array);

// The object as an ndarray, without a copy where the object allows it: an ndarray as it is, then
// the DLPack protocol (torch), then the buffer protocol. Raises Error(input) naming `what`.
pybind11::array as_array(const pybind11::handle& object, const std::string& what);

bool is_c_contiguous(const pybind11::array& array);

}  // namespace ei::bindings
