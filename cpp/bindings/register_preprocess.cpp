#include <pybind11/stl.h>

#include <array>
#include <string>

#include "base/error.hpp"
#include "bindings/arrays.hpp"
#include "bindings/register.hpp"
#include "bindings/without_gil.hpp"
#include "plan/preprocess.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

template <class Value>
struct Named {
    const char* name;
    Value value;
};

constexpr Named<PixelFormat> kFormats[] = {
    {"RGB", PixelFormat::rgb},   {"BGR", PixelFormat::bgr},   {"RGBA", PixelFormat::rgba},
    {"BGRA", PixelFormat::bgra}, {"GRAY", PixelFormat::gray},
};
constexpr Named<plan::ChannelOrder> kOrders[] = {
    {"RGB", plan::ChannelOrder::rgb},
    {"BGR", plan::ChannelOrder::bgr},
};

template <class Value, std::size_t N>
Value named(const std::string& what, const std::string& name, const Named<Value> (&table)[N]) {
    std::string wanted;
    for (const Named<Value>& entry : table) {
        if (name == entry.name) return entry.value;
        if (!wanted.empty()) wanted += ", ";
        wanted += entry.name;
    }
    throw Error(ErrorKind::input, what + ": found '" + name + "'; wanted one of " + wanted);
}

plan::Resize resize_named(const std::string& name) {
    std::string wanted;
    for (const plan::Method& method : plan::kMethods) {
        if (name == method.name) return method.resize;
        wanted.append(wanted.empty() ? "" : ", ").append(method.name);
    }
    throw Error(ErrorKind::input, "resize: found '" + name + "'; wanted one of " + wanted);
}

std::string strides_of(const py::array& array) {
    std::string text = "(";
    for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
        if (axis > 0) text += ", ";
        text += std::to_string(array.strides(axis));
    }
    return text + (array.ndim() == 1 ? ",)" : ")");
}

// The array's own memory as a frame: rows may lie apart, the bytes of a row may not.
FrameView frame_view(const py::array& array, PixelFormat format) {
    const int channels = plane_shape(format, 0).pixel_bytes;
    const bool gray = format == PixelFormat::gray;
    const bool flat = array.ndim() == 2;
    if (!py::isinstance<py::array_t<std::uint8_t>>(array)) {
        throw Error(ErrorKind::input, "frame: found " + describe(array) +
                                          ", wanted uint8; convert it with "
                                          "frame.astype(numpy.uint8)");
    }
    if (flat ? !gray : (array.ndim() != 3 || array.shape(2) != channels)) {
        throw Error(ErrorKind::input,
                    "frame: found " + describe(array) + ", wanted uint8 (H, W" +
                        (gray ? ") or (H, W, 1)" : ", " + std::to_string(channels) + ")") +
                        " for this pixel format");
    }
    constexpr py::ssize_t kMost = plan::kMaxSide;
    if (array.shape(0) > kMost || array.shape(1) > kMost || array.size() == 0) {
        throw Error(ErrorKind::input, "frame: found " + describe(array) +
                                          ", wanted sides within 1.." + std::to_string(kMost));
    }
    // Strides of axes with one element mean nothing, and NumPy leaves anything in them.
    const bool bytes_adjoin = flat || channels == 1 || array.strides(2) == 1;
    const bool pixels_adjoin = array.shape(1) == 1 || array.strides(1) == channels;
    const bool rows_apart =
        array.shape(0) == 1 || array.strides(0) >= array.shape(1) * py::ssize_t{channels};
    if (!bytes_adjoin || !pixels_adjoin || !rows_apart) {
        throw Error(ErrorKind::input,
                    "frame: found " + describe(array) + " with strides " + strides_of(array) +
                        " bytes, wanted adjoining pixels and rows at a positive distance; convert "
                        "it with numpy.ascontiguousarray(frame)");
    }
    return one_plane(static_cast<const std::uint8_t*>(array.data()),
                     static_cast<int>(array.shape(1)), static_cast<int>(array.shape(0)),
                     array.shape(0) == 1 ? array.shape(1) * channels : array.strides(0), format);
}

float* tensor_for(const plan::Recipe& recipe, const py::array& out) {
    const bool fits = py::isinstance<py::array_t<float>>(out) && out.ndim() == 4 &&
                      out.shape(0) == 1 && out.shape(1) == 3 && out.shape(2) == recipe.height &&
                      out.shape(3) == recipe.width;
    if (!fits || !is_c_contiguous(out) || !out.writeable() ||
        reinterpret_cast<std::uintptr_t>(out.data()) % alignof(float) != 0) {
        throw Error(ErrorKind::input,
                    "out: found " + describe(out) +
                        (fits ? " that is read-only, unaligned or not "
                                "C-contiguous"
                              : "") +
                        ", wanted float32 (1, 3, " + std::to_string(recipe.height) + ", " +
                        std::to_string(recipe.width) + "), C-contiguous and writable");
    }
    return static_cast<float*>(const_cast<void*>(out.data()));
}

std::unique_ptr<plan::Preprocess> make_plan(int height, int width, const std::string& resize,
                                            const std::string& color, double scale,
                                            const std::array<double, 3>& mean,
                                            const std::array<double, 3>& std, bool scalar) {
    plan::Recipe recipe;
    recipe.height = height;
    recipe.width = width;
    recipe.resize = resize_named(resize);
    recipe.order = named("color", color, kOrders);
    recipe.scale = scale;
    recipe.mean = mean;
    recipe.std = std;
    return std::make_unique<plan::Preprocess>(recipe, scalar ? cpu::kNone : cpu::enabled());
}

py::tuple run(const plan::Preprocess& plan, const py::object& frame, const std::string& format,
              const py::array& out) {
    const py::array pixels = as_array(frame, "frame");
    const FrameView view = frame_view(pixels, named("format", format, kFormats));
    float* tensor = tensor_for(plan.recipe(), out);
    Placement placement;
    {
        // Both arrays are kept alive by the caller's references; the plan is safe from any thread.
        const WithoutGil without_gil;
        placement = plan.run(view, tensor);
    }
    return py::make_tuple(placement.scale_x, placement.scale_y, placement.pad_x, placement.pad_y,
                          placement.frame_width, placement.frame_height, placement.model_width,
                          placement.model_height);
}

py::array resized(const plan::Preprocess& plan, const py::object& frame,
                  const std::string& format) {
    const py::array pixels = as_array(frame, "frame");
    const FrameView view = frame_view(pixels, named("format", format, kFormats));
    const py::ssize_t channels = plan::resized_bytes_per_pixel(view.format);
    py::array_t<std::uint8_t> out(
        {py::ssize_t{plan.recipe().height}, py::ssize_t{plan.recipe().width}, channels});
    std::uint8_t* bytes = out.mutable_data();
    {
        const WithoutGil without_gil;  // as in run()
        plan.resize(view, bytes);
    }
    return out;
}

}  // namespace

void register_preprocess(py::module_& module) {
    py::class_<plan::Preprocess>(module, "PreprocessPlan", "A compiled edgeinfer.Preprocess.")
        .def(py::init(&make_plan), py::kw_only(), py::arg("height"), py::arg("width"),
             py::arg("resize"), py::arg("color"), py::arg("scale"), py::arg("mean"), py::arg("std"),
             py::arg("scalar") = false, "scalar=True keeps to the scalar kernels, for comparison.")
        .def("run", &run, py::arg("frame"), py::arg("format"), py::arg("out"),
             "Writes `out`; returns the placement's (scale_x, scale_y, pad_x, pad_y, frame_width, "
             "frame_height, model_width, model_height).")
        .def("resize", &resized, py::arg("frame"), py::arg("format"),
             "The resized bytes (h, w, 3 or 1), channels in frame order.")
        .def_property_readonly("variants", &plan::Preprocess::variants,
                               "The kernel variants chosen, as 'operation=variant ...'.");
}

}  // namespace ei::bindings
