#include "bindings/gather.hpp"

#include <pybind11/stl.h>

#include <algorithm>

#include "base/error.hpp"
#include "bindings/arrays.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

std::string names_of(const std::vector<ort::TensorSpec>& specs) {
    std::string text;
    for (const auto& spec : specs) text += (text.empty() ? "'" : ", '") + spec.name + "'";
    return text.empty() ? "none" : text;
}

bool is_mapping(const py::handle& object) {
    // An array is none, and asking an abstract class about its type takes longer than a small run.
    if (py::isinstance<py::array>(object)) return false;
    return py::isinstance(object, py::module_::import("collections.abc").attr("Mapping"));
}

py::dict copied(const py::handle& named) {
    if (!py::isinstance<py::dict>(named))
        return py::dict(py::reinterpret_borrow<py::object>(named));
    auto copy = py::reinterpret_steal<py::dict>(PyDict_Copy(named.ptr()));
    if (!copy) throw py::error_already_set();
    return copy;
}

}  // namespace

std::size_t index_of(const std::vector<ort::TensorSpec>& specs, const std::string& name,
                     const char* what) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].name == name) return i;
    }
    throw Error(ErrorKind::input, std::string(what) + ": found the name '" + name +
                                      "', wanted one of " + names_of(specs));
}

Inputs gather(const flow::Network& network, const py::handle& inputs) {
    const auto& specs = network.inputs();
    Inputs gathered;
    // A file may list each of its weights as optional: room is made for those that come.
    gathered.values.resize(network.required());
    gathered.tensors.reserve(network.required());
    const auto put = [&](std::size_t i, const py::handle& object) {
        if (const auto* integers = network.quantized(i); integers != nullptr) {
            const py::array array = as_array(object, "input '" + specs[i].name + "'");
            const bool given = element_type(array.dtype()) == integers->spec.type;
            gathered.tensors.push_back(to_input(array, given ? integers->spec : specs[i]));
        } else {
            gathered.tensors.push_back(to_input(object, specs[i]));
        }
        if (i >= gathered.values.size()) gathered.values.resize(i + 1);
        gathered.values[i] = std::move(gathered.tensors.back().value);
    };
    if (!py::isinstance<py::dict>(inputs) && !is_mapping(inputs)) {
        if (network.required() != 1) {
            throw Error(ErrorKind::input, "inputs: found one array for a model of " +
                                              std::to_string(network.required()) +
                                              " inputs, wanted a dict with " + names_of(specs));
        }
        put(0, inputs);
        return gathered;
    }
    // A copy: Python code that runs in between (DLPack, other threads) may change the caller's.
    const py::dict named = copied(inputs);
    for (const auto& [key, object] : named) {
        put(index_of(specs, text_of(key, "inputs"), "inputs"), object);
    }
    for (std::size_t i = 0; i < network.required(); ++i) {
        if (!gathered.values[i]) {
            throw Error(ErrorKind::input,
                        "inputs: '" + specs[i].name + "' is missing, wanted " + declared(specs[i]));
        }
    }
    return gathered;
}

std::vector<std::size_t> choose(const flow::Network& network,
                                const std::optional<py::list>& names) {
    std::vector<std::size_t> wanted;
    if (!names) {
        for (std::size_t i = 0; i < network.outputs().size(); ++i) wanted.push_back(i);
        return wanted;
    }
    for (const py::handle& item : *names) {
        const std::string name = text_of(item, "outputs");
        const std::size_t at = index_of(network.outputs(), name, "outputs");
        if (std::find(wanted.begin(), wanted.end(), at) != wanted.end()) {
            throw Error(ErrorKind::input,
                        "outputs: found '" + name + "' twice, wanted each name once");
        }
        wanted.push_back(at);
    }
    if (wanted.empty()) {
        throw Error(ErrorKind::input, "outputs: found an empty list, wanted one or more of " +
                                          names_of(network.outputs()));
    }
    return wanted;
}

}  // namespace ei::bindings
