#pragma once
// A frame at the boundary: the arrays of its planes, checked, and the view that the core reads.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "base/frame.hpp"

namespace ei::bindings {

// Keeps the arrays alive for as long as the view is used.
struct HeldFrame {
    FrameView view;
    std::vector<pybind11::array> planes;
};

// `planes` is one array or a tuple of arrays, one per plane of the format: (H, W, bytes), or (H, W)
// where a sample is one byte. Rows may lie apart, the bytes of a row may not. The first plane has
// the frame's height and width; YUYV counts two bytes a pixel. Raises Error(input).
HeldFrame hold_frame(const pybind11::object& planes, const std::string& format,
                     const std::string& matrix, bool full_range);

}  // namespace ei::bindings
