#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <array>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "bindings/arrays.hpp"
#include "bindings/register.hpp"
#include "bindings/without_gil.hpp"
#include "plan/classify.hpp"
#include "plan/segment.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

ElementType logits_type(const py::array& logits) {
    const py::dtype type = logits.dtype();
    if (type.equal(py::dtype::of<float>())) return ElementType::float32;
    if (type.equal(py::dtype::of<std::uint8_t>())) return ElementType::uint8;
    if (type.equal(py::dtype::of<std::int8_t>())) return ElementType::int8;
    throw Error(ErrorKind::input, "logits: found " + describe(logits) +
                                      ", wanted float32, uint8 or int8 of shape (classes, height, "
                                      "width); convert with logits.astype('float32')");
}

int axis_length(const py::array& logits, py::ssize_t axis) {
    const py::ssize_t length = logits.shape(axis);
    if (length > std::numeric_limits<int>::max()) {
        throw Error(ErrorKind::input, "logits: found " + describe(logits) +
                                          ", wanted axes of at most 2147483647 elements");
    }
    return static_cast<int>(length);
}

// Logits as the plan reads them; `owner` keeps the memory alive.
struct HeldLogits {
    py::array owner;
    plan::LogitsView view;
};

HeldLogits hold_logits(const py::object& object) {
    py::array logits = as_array(object, "logits");
    const bool batched = logits.ndim() == 4 && logits.shape(0) == 1;
    if (logits.ndim() != 3 && !batched) {
        throw Error(ErrorKind::input, "logits: found " + describe(logits) +
                                          ", wanted (classes, height, width) or (1, classes, "
                                          "height, width); pass one frame at a time");
    }
    const ElementType type = logits_type(logits);
    const py::ssize_t first = batched ? 1 : 0;
    const plan::LogitsView shape{nullptr, type, axis_length(logits, first),
                                 axis_length(logits, first + 1), axis_length(logits, first + 2)};
    if (!is_c_contiguous(logits) || !is_aligned(logits)) logits = logits.attr("copy")("C");
    HeldLogits held{std::move(logits), shape};
    held.view.data = held.owner.data();
    return held;
}

py::tuple segment_with(const plan::Segment& plan, const HeldLogits& logits) {
    const std::array<py::ssize_t, 2> shape{plan.out_height(), plan.out_width()};
    py::array mask(plan.wide() ? py::dtype::of<std::uint16_t>() : py::dtype::of<std::uint8_t>(),
                   shape);
    py::array_t<std::int64_t> areas(logits.view.classes);
    void* classes = mask.mutable_data();
    std::int64_t* counts = areas.mutable_data();
    {
        const WithoutGil without_gil;
        plan.run(logits.view, classes, counts);
    }
    return py::make_tuple(std::move(mask), std::move(areas));
}

plan::Corners corners_of(bool align_corners) {
    return align_corners ? plan::Corners::align_corners : plan::Corners::half_pixel;
}

py::tuple segment(const py::object& object, int height, int width, bool align_corners) {
    const HeldLogits logits = hold_logits(object);
    const plan::Segment plan(logits.view.classes, logits.view.height, logits.view.width, height,
                             width, corners_of(align_corners));
    return segment_with(plan, logits);
}

py::tuple classify(const py::object& object, std::int64_t k, bool softmax) {
    py::array scores = as_array(object, "scores");
    const bool batched = scores.ndim() == 2 && scores.shape(0) == 1;
    if (scores.ndim() != 1 && !batched) {
        throw Error(ErrorKind::input, "scores: found " + describe(scores) +
                                          ", wanted (classes,) or (1, classes); pass one frame at "
                                          "a time");
    }
    const std::string name = py::str(scores.dtype());
    const char kind = scores.dtype().kind();
    const bool is_real = kind == 'f' || kind == 'i' || kind == 'u' || name == "bfloat16" ||
                         name.starts_with("float8");
    if (!is_real) {
        throw Error(ErrorKind::input, "scores: found " + describe(scores) +
                                          ", wanted real numbers; convert with "
                                          "scores.astype('float32')");
    }
    const py::array_t<double, py::array::c_style> values =
        scores.attr("astype")("float64", py::arg("order") = "C");
    const std::span<const double> span(values.data(), static_cast<std::size_t>(values.size()));
    plan::TopClasses top;
    {
        const WithoutGil without_gil;
        top = plan::classify(span, k, softmax);
    }
    const auto count = static_cast<py::ssize_t>(top.indices.size());
    return py::make_tuple(py::array_t<std::int64_t>(count, top.indices.data()),
                          py::array_t<float>(count, top.scores.data()));
}

}  // namespace

void register_tail(py::module_& module) {
    module.def("segment", &segment, py::arg("logits"), py::arg("height"), py::arg("width"),
               py::kw_only(), py::arg("align_corners") = false,
               "Logits (C, h, w) to (mask (height, width), areas (C,) int64): bilinear upsampling "
               "and argmax in one pass.");
    module.def("classify", &classify, py::arg("scores"), py::arg("k"), py::kw_only(),
               py::arg("softmax") = false,
               "Scores (N,) to (indices int64, scores float32) of the k best, best first.");
    py::class_<plan::Segment>(module, "SegmentPlan",
                              "Tables for logits of one shape and masks of one size, made once.")
        .def(py::init([](int classes, int height, int width, int out_height, int out_width,
                         bool align_corners) {
                 return plan::Segment(classes, height, width, out_height, out_width,
                                      corners_of(align_corners));
             }),
             py::arg("classes"), py::arg("height"), py::arg("width"), py::arg("out_height"),
             py::arg("out_width"), py::kw_only(), py::arg("align_corners") = false)
        .def(
            "__call__",
            [](const plan::Segment& plan, const py::object& logits) {
                return segment_with(plan, hold_logits(logits));
            },
            py::arg("logits"), "(mask, areas) of logits (C, h, w).")
        .def_property_readonly("variant", &plan::Segment::variant,
                               "Name of the kernel variant in use.");
}

}  // namespace ei::bindings
