#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/error.hpp"
#include "bindings/arrays.hpp"
#include "bindings/gather.hpp"
#include "bindings/named.hpp"
#include "bindings/register.hpp"
#include "bindings/tensors.hpp"
#include "bindings/without_gil.hpp"
#include "calib/choose_range.hpp"
#include "calib/state.hpp"
#include "flow/observe.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

using calib::TensorStatistics;

constexpr Named<calib::Method> kMethods[] = {
    {"minmax", calib::Method::minmax},
    {"moving_average", calib::Method::moving_average},
    {"percentile", calib::Method::percentile},
    {"entropy", calib::Method::entropy},
    {"mse", calib::Method::mse},
};

py::array contiguous(const py::handle& object) {
    const py::array array = as_array(object, "values");
    if (element_type(array.dtype()) != ElementType::float32) {
        throw Error(ErrorKind::input, "values: found " + describe(array) +
                                          ", wanted float32; convert it with .astype('float32')");
    }
    // Also what is in foreign order of bytes, or unaligned. Raises what NumPy raises where there is
    // no memory for a copy; ensure() would give a null object.
    return py::array_t<float, py::array::c_style | py::array::forcecast>(array);
}

// How many values of one channel lie beside each other.
std::size_t inner_of(const py::array& array, std::optional<py::ssize_t> axis,
                     std::size_t channels) {
    if (!axis) {
        if (channels == 1) return static_cast<std::size_t>(array.size());
        throw Error(ErrorKind::input, "channel_axis: found None, wanted the axis of the " +
                                          std::to_string(channels) + " channels");
    }
    const py::ssize_t at = *axis < 0 ? *axis + array.ndim() : *axis;
    if (at < 0 || at >= array.ndim()) {
        throw Error(ErrorKind::input, "channel_axis: found " + std::to_string(*axis) +
                                          ", wanted an axis of " + describe(array));
    }
    if (static_cast<std::size_t>(array.shape(at)) != channels) {
        throw Error(ErrorKind::input, "values: found " + describe(array) + ", wanted " +
                                          std::to_string(channels) + " channels on axis " +
                                          std::to_string(at));
    }
    std::size_t inner = 1;
    for (py::ssize_t i = at + 1; i < array.ndim(); ++i) {
        inner *= static_cast<std::size_t>(array.shape(i));
    }
    return inner;
}

// Under the interpreter lock, so that two threads cannot change one object at once.
void observe(TensorStatistics& statistics, const py::handle& object,
             std::optional<py::ssize_t> axis) {
    const py::array values = contiguous(object);
    const std::size_t inner = inner_of(values, axis, statistics.channels().size());
    calib::Workspace workspace;
    statistics.observe(
        {static_cast<const float*>(values.data()), static_cast<std::size_t>(values.size())}, inner,
        workspace);
}

template <class Read>
py::array_t<double> by_channel(const TensorStatistics& statistics, Read&& read) {
    statistics.expect_observed();
    std::vector<double> values;
    for (const calib::Channel& channel : statistics.channels()) {
        values.push_back(channel.count == 0 ? std::numeric_limits<double>::quiet_NaN()
                                            : read(channel));
    }
    return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

using Counts = std::tuple<py::array_t<std::uint64_t>, double, double>;

Counts histogram_of(const TensorStatistics& statistics) {
    statistics.expect_observed();
    const calib::Histogram& histogram = statistics.histogram();
    const auto& counts = histogram.counts();
    py::array_t<std::uint64_t> copy(static_cast<py::ssize_t>(counts.size()), counts.data());
    if (counts.empty()) return {std::move(copy), 0.0, 0.0};
    return {std::move(copy), histogram.grid().first_edge(), histogram.grid().width()};
}

void register_observer(py::module_& module) {
    using flow::Observer;
    py::class_<Observer>(module, "Observer",
                         "Statistics of a float model's tensors, read where the runtime leaves "
                         "them, one sample at a time.")
        .def(py::init(
                 [](const py::bytes& model,
                    const std::vector<std::pair<std::string, std::optional<std::int64_t>>>& tensors,
                    int threads, std::size_t bins) {
                     std::vector<flow::Watched> watched;
                     for (const auto& [name, axis] : tensors) watched.push_back({name, axis});
                     const std::string_view bytes = model;  // `model` outlives the call
                     const WithoutGil without_gil;
                     return std::make_unique<Observer>(std::as_bytes(std::span(bytes)),
                                                       std::move(watched), threads, bins);
                 }),
             py::arg("model"), py::arg("tensors"), py::arg("threads"), py::arg("bins"),
             "tensors: (name, channel axis or None) of inputs, outputs and tensors between.")
        .def(
            "run",
            [](Observer& observer, const py::object& inputs) {
                const Inputs gathered = gather(observer.network(), inputs);
                const WithoutGil without_gil;  // reads only what `gathered` keeps alive
                observer.run(gathered.values);
            },
            py::arg("inputs"),
            "Run one sample, {input: array}, and observe it; where it raises, nothing was "
            "observed.")
        .def(
            "statistics",
            [](const Observer& observer, const std::string& name) {
                const WithoutGil without_gil;  // may wait for a run in another thread
                return observer.statistics(name);
            },
            py::arg("name"), "A copy of what was observed so far.")
        .def(
            "merge",
            [](Observer& observer, const std::string& name, const TensorStatistics& statistics) {
                const TensorStatistics copy = statistics;  // under the lock that guards it
                const WithoutGil without_gil;
                observer.merge(name, copy);
            },
            py::arg("name"), py::arg("statistics"))
        .def_property_readonly(
            "not_finite",
            [](const Observer& observer) {
                const WithoutGil without_gil;
                return observer.not_finite();
            },
            "Names of the tensors with values that were NaN or infinite.");
}

}  // namespace

void register_calib(py::module_& module) {
    py::class_<TensorStatistics, std::shared_ptr<TensorStatistics>>(
        module, "TensorStatistics",
        "What is kept of one tensor over a calibration: 8 bytes for each of `bins`, 32 for each "
        "channel. Not finite values are counted and otherwise left out.")
        .def(py::init<std::size_t, std::size_t>(), py::arg("channels"), py::arg("bins") = 2048)
        .def("observe", &observe, py::arg("values"), py::arg("channel_axis"),
             "Take float32 values of one sample, or of a part of it, of any shape.")
        .def("end_sample", &TensorStatistics::end_sample,
             "Close the sample that observe() gave the parts of.")
        .def("merge", &TensorStatistics::merge, py::arg("other"))
        .def_property_readonly("samples", &TensorStatistics::samples)
        .def_property_readonly("count", &TensorStatistics::count, "Finite values, zeros included.")
        .def_property_readonly("zeros",
                               [](const TensorStatistics& s) { return s.histogram().zeros(); })
        .def_property_readonly("not_finite", &TensorStatistics::not_finite)
        .def_property_readonly("low", [](const TensorStatistics& s) { return s.low(); })
        .def_property_readonly("high", [](const TensorStatistics& s) { return s.high(); })
        .def_property_readonly("channels",
                               [](const TensorStatistics& s) { return s.channels().size(); })
        .def_property_readonly("bins",
                               [](const TensorStatistics& s) { return s.histogram().most_bins(); })
        .def("histogram", &histogram_of,
             "(counts uint64 (n,), first_edge, width): bin i holds the values from first_edge + i "
             "* width on; exact zeros are in none of them. An edge belongs to the bin that lies "
             "farther from zero.")
        .def("channel_low",
             [](const TensorStatistics& s) {
                 return by_channel(s, [](const auto& channel) { return channel.low; });
             })
        .def("channel_high",
             [](const TensorStatistics& s) {
                 return by_channel(s, [](const auto& channel) { return channel.high; });
             })
        .def("channel_mean",
             [](const TensorStatistics& s) {
                 return by_channel(s, [](const auto& channel) { return channel.mean(); });
             })
        .def("channel_variance",
             [](const TensorStatistics& s) {
                 return by_channel(s, [](const auto& channel) { return channel.variance(); });
             })
        .def(
            "range",
            [](const TensorStatistics& statistics, const std::string& method,
               std::optional<double> parameter) {
                const calib::Range range =
                    calib::choose_range(statistics, named("method", method, kMethods), parameter);
                return std::pair(range.low, range.high);
            },
            py::arg("method"), py::arg("parameter") = py::none(),
            "(low, high) by 'minmax', 'moving_average', 'percentile' (parameter: per cent kept at "
            "each end, 99.99), 'entropy' or 'mse' (parameter: levels of the quantiser, 256).")
        .def(
            "state",
            [](const TensorStatistics& statistics) {
                const std::vector<std::byte> bytes = calib::write_state(statistics);
                return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            },
            "Bytes for from_state(), the same on every machine.")
        .def_static(
            "from_state",
            [](const py::bytes& state) {
                const std::string_view bytes = state;
                return calib::read_state(std::as_bytes(std::span(bytes)));
            },
            py::arg("state"));
    register_observer(module);
}

}  // namespace ei::bindings
