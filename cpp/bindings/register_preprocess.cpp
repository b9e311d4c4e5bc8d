#include <pybind11/stl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "bindings/arrays.hpp"
#include "bindings/frames.hpp"
#include "bindings/named.hpp"
#include "bindings/register.hpp"
#include "bindings/without_gil.hpp"
#include "plan/preprocess.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

constexpr Named<plan::Fit> kFits[] = {
    {"STRETCH", plan::Fit::stretch},
    {"LETTERBOX", plan::Fit::letterbox},
    {"CROP", plan::Fit::crop},
};
constexpr Named<plan::ChannelOrder> kOrders[] = {
    {"RGB", plan::ChannelOrder::rgb},
    {"BGR", plan::ChannelOrder::bgr},
};
constexpr Named<plan::Layout> kLayouts[] = {
    {"NCHW", plan::Layout::nchw},
    {"NHWC", plan::Layout::nhwc},
};
constexpr Named<ElementType> kTypes[] = {
    {"float32", ElementType::float32},
    {"uint8", ElementType::uint8},
    {"int8", ElementType::int8},
};

plan::Resize resize_named(const std::string& name) {
    std::string wanted;
    for (const plan::Method& method : plan::kMethods) {
        if (name == method.name) return method.resize;
        wanted.append(wanted.empty() ? "" : ", ").append(method.name);
    }
    throw Error(ErrorKind::input, "resize: found '" + name + "'; wanted one of " + wanted);
}

py::dtype dtype_of(ElementType type) {
    return py::dtype(name_of(type));
}

std::array<py::ssize_t, 4> shape_of(const plan::Recipe& recipe) {
    if (recipe.layout == plan::Layout::nchw) return {1, 3, recipe.height, recipe.width};
    return {1, recipe.height, recipe.width, 3};
}

void* tensor_for(const plan::Recipe& recipe, const py::array& out) {
    const auto shape = shape_of(recipe);
    bool fits = out.dtype().equal(dtype_of(recipe.dtype)) && out.ndim() == 4;
    std::string wanted;
    for (int axis = 0; axis < 4; ++axis) {
        const py::ssize_t extent = shape[static_cast<std::size_t>(axis)];
        fits = fits && out.shape(axis) == extent;
        wanted += (axis == 0 ? "" : ", ") + std::to_string(extent);
    }
    if (!fits || !is_c_contiguous(out) || !out.writeable() || !is_aligned(out)) {
        throw Error(ErrorKind::input,
                    "out: found " + describe(out) +
                        (fits ? " that is read-only, unaligned or not C-contiguous" : "") +
                        ", wanted " + name_of(recipe.dtype) + " (" + wanted +
                        "), C-contiguous and writable");
    }
    return const_cast<void*>(out.data());
}

// A row that is written may be one that is still to be read.
void refuse_overlap(const HeldFrame& held, const py::array& out) {
    const auto extent = [](const py::array& array) {
        const auto begin = reinterpret_cast<std::uintptr_t>(array.data());
        std::uintptr_t end = begin + static_cast<std::uintptr_t>(array.itemsize());
        for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
            end += static_cast<std::uintptr_t>((array.shape(axis) - 1) * array.strides(axis));
        }
        return std::pair(begin, end);
    };
    const auto [out_begin, out_end] = extent(out);
    for (const py::array& plane : held.planes) {
        const auto [begin, end] = extent(plane);
        if (begin < out_end && out_begin < end) {
            throw Error(ErrorKind::input,
                        "out: found memory that the frame lies in, wanted memory of its own; "
                        "leave out= away, or give a copy of the frame");
        }
    }
}

std::unique_ptr<plan::Preprocess> make_plan(int height, int width, const std::string& resize,
                                            const std::string& fit, const std::string& color,
                                            double scale, const std::array<double, 3>& mean,
                                            const std::array<double, 3>& std,
                                            const std::string& layout, const std::string& dtype,
                                            const std::optional<std::pair<double, int>>& quant,
                                            int pad, bool scalar, int threads) {
    prepare_for_arrays();
    plan::Recipe recipe;
    recipe.height = height;
    recipe.width = width;
    recipe.resize = resize_named(resize);
    recipe.fit = named("fit", fit, kFits);
    recipe.order = named("color", color, kOrders);
    recipe.scale = scale;
    recipe.mean = mean;
    recipe.std = std;
    recipe.layout = named("layout", layout, kLayouts);
    recipe.dtype = named("dtype", dtype, kTypes);
    if (quant) recipe.quant = plan::Quant{quant->first, quant->second};
    if (pad < 0 || pad > 255) {
        throw Error(ErrorKind::input,
                    "pad: found " + std::to_string(pad) + "; wanted a gray level within 0..255");
    }
    recipe.pad = static_cast<std::uint8_t>(pad);
    return std::make_unique<plan::Preprocess>(recipe, scalar ? cpu::kNone : cpu::enabled(),
                                              threads);
}

py::tuple run(const plan::Preprocess& plan, const py::object& frame, const std::string& format,
              const py::array& out, const std::string& matrix, bool full_range) {
    const HeldFrame held = hold_frame(frame, format, matrix, full_range);
    void* tensor = tensor_for(plan.recipe(), out);
    refuse_overlap(held, out);
    Placement placement;
    {
        // All arrays are kept alive by references here or at the caller's; the plan is safe from
        // any thread.
        const WithoutGil without_gil;
        placement = plan.run(held.view, tensor);
    }
    return py::make_tuple(placement.scale_x, placement.scale_y, placement.pad_x, placement.pad_y,
                          placement.frame_width, placement.frame_height, placement.model_width,
                          placement.model_height);
}

py::array resized(const plan::Preprocess& plan, const py::object& frame, const std::string& format,
                  const std::string& matrix, bool full_range) {
    const HeldFrame held = hold_frame(frame, format, matrix, full_range);
    const py::ssize_t channels = plan::resized_bytes_per_pixel(held.view.format);
    py::array_t<std::uint8_t> out(
        {py::ssize_t{plan.recipe().height}, py::ssize_t{plan.recipe().width}, channels});
    std::uint8_t* bytes = out.mutable_data();
    {
        const WithoutGil without_gil;  // as in run()
        plan.resize(held.view, bytes);
    }
    return out;
}

}  // namespace

void register_preprocess(py::module_& module) {
    py::class_<plan::Preprocess>(module, "PreprocessPlan", "A compiled edgeinfer.Preprocess.")
        .def(py::init(&make_plan), py::kw_only(), py::arg("height"), py::arg("width"),
             py::arg("resize"), py::arg("fit") = "STRETCH", py::arg("color"), py::arg("scale"),
             py::arg("mean"), py::arg("std"), py::arg("layout") = "NCHW",
             py::arg("dtype") = "float32", py::arg("quant") = py::none(), py::arg("pad") = 114,
             py::arg("scalar") = false, py::arg("threads") = cpu::SideBySide::kMost,
             "scalar=True keeps to the scalar kernels, for comparison. threads: at most.")
        .def("run", &run, py::arg("frame"), py::arg("format"), py::arg("out"),
             py::arg("matrix") = "bt601", py::arg("full_range") = false,
             "Writes `out`; `frame` is an array, or a tuple of one array a plane. Returns the "
             "placement's (scale_x, scale_y, pad_x, pad_y, frame_width, frame_height, model_width, "
             "model_height).")
        .def("resize", &resized, py::arg("frame"), py::arg("format"), py::arg("matrix") = "bt601",
             py::arg("full_range") = false,
             "The resized bytes (h, w, 3 or 1), channels in frame order, of YUV as RGB.")
        .def_property_readonly("variants", &plan::Preprocess::variants,
                               "The kernel variants chosen, as 'operation=variant ...'.");
}

}  // namespace ei::bindings
