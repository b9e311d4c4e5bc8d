#include "bindings/run.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <functional>
#include <span>

#include "base/error.hpp"
#include "bindings/arrays.hpp"
#include "bindings/direct_method.hpp"
#include "bindings/gather.hpp"
#include "bindings/tensors.hpp"
#include "bindings/without_gil.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

std::span<const std::byte> memory_of(const ort::Value& value) {
    const std::vector<std::int64_t> shape = value.shape();
    const std::size_t count = ort::count_elements(shape, value.type(), "tensor");
    return {static_cast<const std::byte*>(value.data()), bytes_of(value.type(), count)};
}

std::span<const std::byte> memory_of(const py::array& array) {
    return {static_cast<const std::byte*>(array.data()), static_cast<std::size_t>(array.nbytes())};
}

// An output of the caller's: its array, and where it goes in the results.
struct Place {
    py::object given;
    std::optional<py::array> array;  // held: a buffer may move, and a DLPack tensor go
    bool copied = false;
};

// The runtime may write an output before it has read the last input, and trusts that none overlap.
void expect_apart(const flow::Network& network, const Inputs& inputs,
                  std::span<const std::size_t> wanted, std::span<const Place> places) {
    struct Region {
        std::string name;
        std::span<const std::byte> memory;
    };
    std::vector<Region> taken;
    for (std::size_t i = 0; i < inputs.values.size(); ++i) {
        if (!inputs.values[i]) continue;
        taken.push_back({"input '" + network.inputs()[i].name + "'", memory_of(inputs.values[i])});
    }
    for (std::size_t k = 0; k < wanted.size(); ++k) {
        if (!places[k].given) continue;
        Region own{"out['" + network.outputs()[wanted[k]].name + "']", memory_of(*places[k].array)};
        const std::less<const std::byte*> before;
        for (const Region& other : taken) {
            if (before(own.memory.data(), other.memory.data() + other.memory.size()) &&
                before(other.memory.data(), own.memory.data() + own.memory.size())) {
                throw Error(ErrorKind::input, own.name +
                                                  ": found an array that shares memory with " +
                                                  other.name + ", wanted an array of its own");
            }
        }
        taken.push_back(std::move(own));
    }
}

py::dict run(const flow::Network& network, const py::handle& inputs,
             const std::optional<py::list>& outputs, const std::optional<py::dict>& out,
             const ort::Limits& limits) {
    const Inputs gathered = gather(network, inputs);
    const std::vector<std::size_t> wanted = choose(network, outputs);
    std::vector<ort::Value> results(wanted.size());
    std::vector<Place> places(wanted.size());
    if (out) {
        for (const auto& [key, object] : *out) {
            const std::string name = text_of(key, "out");
            const std::size_t at = index_of(network.outputs(), name, "out");
            const auto place = std::find(wanted.begin(), wanted.end(), at);
            if (place == wanted.end()) {
                throw Error(ErrorKind::input,
                            "out: found '" + name + "', which outputs=[...] leaves out");
            }
            const auto k = static_cast<std::size_t>(place - wanted.begin());
            Place& own = places[k];
            own.array = as_array(object, "out['" + name + "']");
            own.given = py::reinterpret_borrow<py::object>(object);
            results[k] = to_output(*own.array, network.outputs()[at]);
            own.copied = !results[k];
        }
        expect_apart(network, gathered, wanted, places);
    }
    {
        // Safe: the run touches only memory that `gathered`, `places` and `results` keep alive.
        const WithoutGil without_gil;
        network.run(gathered.values, wanted, results, limits);
    }
    py::dict named;
    for (std::size_t k = 0; k < wanted.size(); ++k) {
        const std::string& name = network.outputs()[wanted[k]].name;
        if (places[k].given && !places[k].copied) {
            named[py::str(name)] = places[k].given;
            continue;
        }
        py::array made = to_array(std::move(results[k]), name);
        if (!places[k].given) {
            named[py::str(name)] = std::move(made);
            continue;
        }
        copy_into(*places[k].array, made, "out['" + name + "']");
        named[py::str(name)] = places[k].given;
    }
    return named;
}

ort::Limits limits_of(PyObject* timeout_s, PyObject* cancel) {
    const double seconds = PyFloat_AsDouble(timeout_s);
    if (seconds == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
    return {seconds, cancel == Py_None ? nullptr : py::handle(cancel).cast<ort::Cancellation*>()};
}

py::object run_network(PyObject* self, Arguments given) {
    return run(inside<flow::Network>(self), given[0],
               py::handle(given[1]).cast<std::optional<py::list>>(),
               py::handle(given[2]).cast<std::optional<py::dict>>(), limits_of(given[3], given[4]));
}

// The package's own check of an argument that is seldom given.
py::object checked(const char* module, const char* function, PyObject* value) {
    return py::module_::import(module).attr(function)(py::handle(value));
}

py::object run_binding(PyObject* self, PyObject* names, Arguments given) {
    flow::Binding& binding = inside<flow::Binding>(self);
    double timeout_s = binding.timeout_s();
    ort::Cancellation* cancel = nullptr;
    py::object token;  // held while the run may look at it
    for (std::size_t i = 0; i < given.size(); ++i) {
        PyObject* const name = PyTuple_GET_ITEM(names, static_cast<Py_ssize_t>(i));
        const bool is_cancel = PyUnicode_CompareWithASCIIString(name, "cancel") == 0;
        if (!is_cancel && PyUnicode_CompareWithASCIIString(name, "timeout_s") != 0) {
            throw py::type_error("run: found the argument '" + std::string(py::str(name)) +
                                 "', wanted timeout_s and cancel alone");
        }
        if (given[i] == Py_None) continue;
        if (is_cancel) {
            token = checked("edgeinfer.cancellation", "checked_cancel", given[i]);
            cancel = token.cast<ort::Cancellation*>();
        } else {
            timeout_s = checked("edgeinfer._arguments", "checked_timeout", given[i]).cast<double>();
        }
    }
    {
        const WithoutGil without_gil;  // buffers belong to `binding`, which the caller holds
        binding.run({timeout_s, cancel});
    }
    return py::none();
}

}  // namespace

void add_run(py::class_<flow::Network, std::shared_ptr<flow::Network>>& network) {
    add_direct<run_network, 5>(
        network, "run",
        "run(self: edgeinfer._core.Network, inputs: object, outputs: list | None, out: dict | "
        "None, timeout_s: float, cancel: edgeinfer._core.Cancellation | None) -> dict");
}

void add_run(py::class_<flow::Binding, std::shared_ptr<flow::Binding>>& binding) {
    add_direct_named<run_binding>(
        binding, "run",
        "run(self: edgeinfer._core.Binding, *, timeout_s: float | None = None, cancel: "
        "object = None) -> None\n\nWhat edgeinfer.Binding.run tells; checks its arguments itself.");
}

}  // namespace ei::bindings
