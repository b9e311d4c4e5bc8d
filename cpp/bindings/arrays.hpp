#pragma once
// Checks on arrays at the boundary: what NumPy hands over becomes a pointer the core may use.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

namespace ei::bindings {

// Looks up NumPy's functions now instead of at the first array. That look-up imports, and a daemon
// thread that is in the middle of it when the interpreter ends would end the process with it.
void prepare_for_arrays();

// "uint8 (480, 640, 3)", for error texts.
std::string describe(const pybind11::array& array);

// The object as an ndarray, without a copy where the object allows it: an ndarray as it is, then
// the DLPack protocol (torch), then the buffer protocol. Raises Error(input) naming `what`.
pybind11::array as_array(const pybind11::handle& object, const std::string& what);

bool is_c_contiguous(const pybind11::array& array);

// Elements lie at multiples of their own size, as the runtime's code may assume.
bool is_aligned(const pybind11::array& array);

// The UTF-8 of a str. Raises Error(input) naming `what` for any other type, and for a str that has
// no UTF-8 (lone surrogates).
std::string text_of(const pybind11::handle& object, const std::string& what);

}  // namespace ei::bindings
