#include "bindings/frames.hpp"

#include <cstdint>

#include "base/error.hpp"
#include "bindings/arrays.hpp"
#include "bindings/named.hpp"
#include "plan/recipe.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

constexpr Named<PixelFormat> kFormats[] = {
    {"RGB", PixelFormat::rgb},   {"BGR", PixelFormat::bgr},   {"RGBA", PixelFormat::rgba},
    {"BGRA", PixelFormat::bgra}, {"GRAY", PixelFormat::gray}, {"NV12", PixelFormat::nv12},
    {"NV21", PixelFormat::nv21}, {"I420", PixelFormat::i420}, {"YUYV", PixelFormat::yuyv},
};
constexpr Named<Matrix> kMatrices[] = {
    {"bt601", Matrix::bt601},
    {"bt709", Matrix::bt709},
};

[[noreturn]] void refuse(const std::string& text) {
    throw Error(ErrorKind::input, text);
}

std::string strides_of(const py::array& array) {
    std::string text = "(";
    for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
        if (axis > 0) text += ", ";
        text += std::to_string(array.strides(axis));
    }
    return text + (array.ndim() == 1 ? ",)" : ")");
}

// The array's own memory as rows of samples.
PlaneView plane_view(const py::array& array, py::ssize_t bytes) {
    const bool flat = array.ndim() == 2;  // one byte a sample
    if (!py::isinstance<py::array_t<std::uint8_t>>(array)) {
        refuse("frame: found " + describe(array) +
               ", wanted uint8; convert it with frame.astype(numpy.uint8)");
    }
    if (flat ? bytes != 1 : (array.ndim() != 3 || array.shape(2) != bytes)) {
        refuse("frame: found " + describe(array) + ", wanted uint8 (H, W" +
               (bytes == 1 ? ") or (H, W, 1)" : ", " + std::to_string(bytes) + ")") +
               " for this pixel format");
    }
    constexpr py::ssize_t kMost = plan::kMaxSide;
    if (array.shape(0) > kMost || array.shape(1) > kMost || array.size() == 0) {
        refuse("frame: found " + describe(array) + ", wanted sides within 1.." +
               std::to_string(kMost));
    }
    // Strides of axes with one element mean nothing, and NumPy leaves anything in them.
    const bool bytes_adjoin = flat || bytes == 1 || array.strides(2) == 1;
    const bool pixels_adjoin = array.shape(1) == 1 || array.strides(1) == bytes;
    const bool rows_apart = array.shape(0) == 1 || array.strides(0) >= array.shape(1) * bytes;
    if (!bytes_adjoin || !pixels_adjoin || !rows_apart) {
        refuse("frame: found " + describe(array) + " with strides " + strides_of(array) +
               " bytes, wanted adjoining pixels and rows at a positive distance; convert it with "
               "numpy.ascontiguousarray(frame)");
    }
    return {static_cast<const std::uint8_t*>(array.data()),
            array.shape(0) == 1 ? array.shape(1) * bytes : array.strides(0)};
}

void check_count(std::size_t found, int wanted, const std::string& format) {
    if (found == static_cast<std::size_t>(wanted)) return;
    refuse("frame: found " + std::to_string(found) + " arrays, wanted " + std::to_string(wanted) +
           ", one for each plane of " + format);
}

}  // namespace

HeldFrame hold_frame(const py::object& planes, const std::string& format, const std::string& matrix,
                     bool full_range) {
    HeldFrame held;
    FrameView& view = held.view;
    view.format = named("format", format, kFormats);
    view.matrix = named("matrix", matrix, kMatrices);
    view.full_range = full_range;
    if (py::isinstance<py::tuple>(planes)) {
        for (const py::handle plane : planes) held.planes.push_back(as_array(plane, "frame"));
    } else {
        held.planes.push_back(as_array(planes, "frame"));
    }
    check_count(held.planes.size(), plane_count(view.format), format);
    for (std::size_t p = 0; p < held.planes.size(); ++p) {
        const py::array& array = held.planes[p];
        const PlaneShape shape = plane_shape(view.format, static_cast<int>(p));
        view.planes[p] = plane_view(array, shape.pixel_bytes);
        if (p == 0) {
            view.height = static_cast<int>(array.shape(0));
            view.width = static_cast<int>(array.shape(1));
            plan::check_sides(view);
        }
        const int height = shape.half_height ? view.height / 2 : view.height;
        const int width = shape.half_width ? view.width / 2 : view.width;
        if (array.shape(0) != height || array.shape(1) != width) {
            refuse("frame: found " + describe(array) + " as plane " + std::to_string(p) + " of " +
                   format + ", wanted " + std::to_string(height) + " rows and " +
                   std::to_string(width) + " columns beside luma of " +
                   std::to_string(view.height) + " and " + std::to_string(view.width));
        }
    }
    return held;
}

}  // namespace ei::bindings
