#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <span>

#include "bindings/arrays.hpp"
#include "bindings/register.hpp"
#include "bindings/tensors.hpp"
#include "bindings/without_gil.hpp"
#include "flow/binding.hpp"
#include "flow/network.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

// Optional, so that the stubs say that None is taken.
using Token = std::optional<ort::Cancellation*>;
using NetworkPtr = std::shared_ptr<const flow::Network>;

std::string names_of(const std::vector<ort::TensorSpec>& specs) {
    std::string text;
    for (const auto& spec : specs) text += (text.empty() ? "'" : ", '") + spec.name + "'";
    return text.empty() ? "none" : text;
}

std::size_t index_of(const std::vector<ort::TensorSpec>& specs, const std::string& name,
                     const char* what) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].name == name) return i;
    }
    throw Error(ErrorKind::input, std::string(what) + ": found the name '" + name +
                                      "', wanted one of " + names_of(specs));
}

// What one run reads: values in the model's order, and whatever keeps their memory alive.
struct Inputs {
    std::vector<ort::Value> values;
    std::vector<InputTensor> tensors;
};

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
    if (!py::isinstance<py::dict>(inputs)) {
        if (network.required() != 1) {
            throw Error(ErrorKind::input, "inputs: found one array for a model of " +
                                              std::to_string(network.required()) +
                                              " inputs, wanted a dict with " + names_of(specs));
        }
        put(0, inputs);
        return gathered;
    }
    // A copy: Python code that runs in between (DLPack, other threads) may change the caller's.
    const auto named = py::reinterpret_steal<py::dict>(PyDict_Copy(inputs.ptr()));
    if (!named) throw py::error_already_set();
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

py::dict run(const NetworkPtr& network, const py::handle& inputs,
             const std::optional<py::list>& outputs, const std::optional<py::dict>& out,
             const ort::Limits& limits) {
    const Inputs gathered = gather(*network, inputs);
    const std::vector<std::size_t> wanted = choose(*network, outputs);
    std::vector<ort::Value> results(wanted.size());
    std::vector<Place> places(wanted.size());
    if (out) {
        for (const auto& [key, object] : *out) {
            const std::string name = text_of(key, "out");
            const std::size_t at = index_of(network->outputs(), name, "out");
            const auto place = std::find(wanted.begin(), wanted.end(), at);
            if (place == wanted.end()) {
                throw Error(ErrorKind::input,
                            "out: found '" + name + "', which outputs=[...] leaves out");
            }
            const auto k = static_cast<std::size_t>(place - wanted.begin());
            Place& own = places[k];
            own.array = as_array(object, "out['" + name + "']");
            own.given = py::reinterpret_borrow<py::object>(object);
            results[k] = to_output(*own.array, network->outputs()[at]);
            own.copied = !results[k];
        }
        expect_apart(*network, gathered, wanted, places);
    }
    {
        // Safe: the run touches only memory that `gathered`, `places` and `results` keep alive.
        const WithoutGil without_gil;
        network->run(gathered.values, wanted, results, limits);
    }
    py::dict named;
    for (std::size_t k = 0; k < wanted.size(); ++k) {
        const std::string& name = network->outputs()[wanted[k]].name;
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

// (classes (H, W) uint8 or uint16, areas int64 (C,)), both owning their memory.
py::tuple to_arrays(flow::Segmentation&& mask) {
    std::uint8_t* const pixels = mask.classes.release();
    const py::capsule owner(pixels, [](void* p) { delete[] static_cast<std::uint8_t*>(p); });
    const std::vector<py::ssize_t> shape{mask.height, mask.width};
    const py::dtype dtype =
        mask.wide ? py::dtype::of<std::uint16_t>() : py::dtype::of<std::uint8_t>();
    py::array classes(dtype, shape, pixels, owner);
    py::array_t<std::int64_t> areas(static_cast<py::ssize_t>(mask.areas.size()), mask.areas.data());
    return py::make_tuple(std::move(classes), std::move(areas));
}

py::tuple segment(const NetworkPtr& network, const py::handle& inputs,
                  const std::optional<flow::SizeHw>& size, const ort::Limits& limits) {
    const Inputs gathered = gather(*network, inputs);
    flow::Segmentation mask;
    {
        // Safe: the run touches only memory that `gathered` keeps alive.
        const WithoutGil without_gil;
        mask = network->segment(gathered.values, size, limits);
    }
    return to_arrays(std::move(mask));
}

using BindingPtr = std::shared_ptr<flow::Binding>;

py::dict views(const std::vector<std::shared_ptr<flow::BoundTensor>>& tensors) {
    py::dict named;
    for (const auto& tensor : tensors) {
        named[py::str(tensor->name)] =
            view_of(tensor->type, tensor->shape, tensor->buffer.data(), tensor);
    }
    return named;
}

}  // namespace

void register_flow(py::module_& module) {
    WithoutGil::watch_the_end();

    py::class_<flow::Tally::Reading>(module, "Tally")
        .def_property_readonly("ends", [](const flow::Tally::Reading& r) { return r.ends; })
        .def_readonly("total_ns", &flow::Tally::Reading::total_ns)
        .def_readonly("longest_ns", &flow::Tally::Reading::longest_ns)
        .def_readonly("counts", &flow::Tally::Reading::buckets)
        .def_property_readonly("edges_ns", [](const flow::Tally::Reading& reading) {
            std::vector<std::uint64_t> edges;
            for (std::size_t i = 0; i < reading.buckets.size() + 1; ++i) {
                edges.push_back(flow::Tally::edge_of(reading.first_bucket + i));
            }
            return edges;
        });

    py::class_<flow::QuantizedInput>(module, "QuantizedInput")
        .def_property_readonly("name", [](const flow::QuantizedInput& q) { return q.spec.name; })
        .def_property_readonly("dtype",
                               [](const flow::QuantizedInput& q) { return name_of(q.spec.type); })
        .def_readonly("scale", &flow::QuantizedInput::scale)
        .def_readonly("zero_point", &flow::QuantizedInput::zero_point)
        .def_property_readonly("cut",
                               [](const flow::QuantizedInput& q) { return q.quantize != nullptr; });

    py::class_<flow::Uint8>(module, "Uint8", "Which int8 activations were moved to uint8, and why.")
        .def_readonly("moved", &flow::Uint8::moved)
        .def_readonly("left", &flow::Uint8::left)
        .def_readonly("why", &flow::Uint8::why);
    py::class_<flow::LoadOptions>(module, "LoadOptions")
        .def(py::init<>())
        .def_readwrite("runtime", &flow::LoadOptions::session)
        .def_readwrite("fuse_tail", &flow::LoadOptions::fuse_tail)
        .def_readwrite("cut_head", &flow::LoadOptions::cut_head)
        .def_readwrite("to_uint8", &flow::LoadOptions::to_uint8)
        .def_property(
            "max_tensor_bytes",
            [](const flow::LoadOptions& options) { return options.sizes.tensor_bytes; },
            [](flow::LoadOptions& options, std::int64_t bytes) {
                options.sizes.tensor_bytes = bytes;
            });

    py::class_<flow::Network, std::shared_ptr<flow::Network>>(module, "Network")
        .def_static(
            "from_file",
            [](const std::filesystem::path& path, const flow::LoadOptions& options) {
                prepare_for_arrays();
                const WithoutGil without_gil;  // no Python object is touched
                return std::const_pointer_cast<flow::Network>(
                    flow::Network::from_file(path.string(), options));
            },
            py::arg("path"), py::arg("options"))
        .def_static(
            "from_bytes",
            [](const py::bytes& model, const flow::LoadOptions& options) {
                const std::string_view bytes = model;  // `model` outlives the call
                prepare_for_arrays();
                const WithoutGil without_gil;
                return std::const_pointer_cast<flow::Network>(
                    flow::Network::from_bytes(std::as_bytes(std::span(bytes)), "", options));
            },
            py::arg("model"), py::arg("options"))
        .def(
            "input_address",
            [](const flow::Network& network, const std::string& name, const py::object& object) {
                const auto& specs = network.inputs();
                const InputTensor tensor = to_input(object, specs[index_of(specs, name, "inputs")]);
                return reinterpret_cast<std::uintptr_t>(tensor.value.data());
            },
            py::arg("name"), py::arg("object"),
            "Where the runtime would read this object in run(); for proofs that nothing is copied.")
        .def_property_readonly("inputs", &flow::Network::inputs)
        .def_property_readonly("outputs", &flow::Network::outputs)
        .def_property_readonly("file_inputs", &flow::Network::file_inputs)
        .def_property_readonly("file_outputs", &flow::Network::file_outputs)
        .def_property_readonly("required", &flow::Network::required)
        .def(
            "tally", [](const flow::Network& n, bool reset) { return n.tally().read(reset); },
            py::arg("reset"))
        .def("end_profiling",
             [](const flow::Network& network) {
                 const WithoutGil without_gil;  // writes a file
                 return network.end_profiling();
             })
        .def_property_readonly("looked_at",
                               [](const flow::Network& n) { return n.checked().looked; })
        .def_property_readonly("warnings",
                               [](const flow::Network& n) { return n.checked().warnings; })
        .def_property_readonly("may_loop",
                               [](const flow::Network& n) { return n.checked().may_loop; })
        .def_property_readonly("loops", [](const flow::Network& n) { return n.checked().loops; })
        .def_property_readonly("timeout_s",
                               [](const flow::Network& n) { return n.checked().timeout_s; })
        .def_property_readonly("quantized", [](const flow::Network& n) { return n.quantized(); })
        .def_property_readonly("head_why", &flow::Network::head_why)
        .def_property_readonly("uint8", &flow::Network::uint8)
        .def_property_readonly("appended_providers", &flow::Network::appended)
        .def_property_readonly("cpu_fallback",
                               [](const flow::Network& n) { return n.options().cpu_fallback; })
        .def_property_readonly("tail_cut", [](const flow::Network& n) { return n.tail().cut; })
        .def_property_readonly("tail_why", [](const flow::Network& n) { return n.tail().why; })
        .def_property_readonly("tail_steps", [](const flow::Network& n) { return n.tail().steps; })
        .def(
            "run",
            [](const std::shared_ptr<flow::Network>& network, const py::object& inputs,
               const std::optional<py::list>& outputs, const std::optional<py::dict>& out,
               double timeout_s, const Token& cancel) {
                return run(network, inputs, outputs, out, {timeout_s, cancel.value_or(nullptr)});
            },
            py::arg("inputs"), py::arg("outputs"), py::arg("out"), py::arg("timeout_s"),
            py::arg("cancel"))
        .def(
            "segment",
            [](const std::shared_ptr<flow::Network>& network, const py::object& inputs,
               const std::optional<flow::SizeHw>& size, double timeout_s, const Token& cancel) {
                return segment(network, inputs, size, {timeout_s, cancel.value_or(nullptr)});
            },
            py::arg("inputs"), py::arg("size"), py::arg("timeout_s"), py::arg("cancel"));

    py::class_<flow::Binding, BindingPtr>(module, "Binding")
        .def(py::init([](const std::shared_ptr<flow::Network>& network,
                         const std::map<std::string, std::vector<std::int64_t>>& shapes,
                         const std::optional<py::list>& outputs, bool quantized) {
                 const std::vector<std::size_t> wanted = choose(*network, outputs);
                 const WithoutGil without_gil;  // may run the network to learn shapes
                 return std::make_shared<flow::Binding>(network, shapes, wanted, quantized);
             }),
             py::arg("network"), py::arg("shapes"), py::arg("outputs"), py::arg("quantized"))
        .def("inputs", [](const BindingPtr& binding) { return views(binding->inputs()); })
        .def("outputs",
             [](const BindingPtr& binding) {
                 const std::vector<std::shared_ptr<flow::BoundTensor>>* tensors = nullptr;
                 {
                     // May run the rest to learn shapes, or wait for a run in another thread.
                     const WithoutGil without_gil;
                     tensors = &binding->outputs();
                 }
                 return views(*tensors);
             })
        .def(
            "run",
            [](const BindingPtr& binding, double timeout_s, const Token& cancel) {
                const WithoutGil without_gil;  // buffers belong to `binding`
                binding->run({timeout_s, cancel.value_or(nullptr)});
            },
            py::arg("timeout_s"), py::arg("cancel"))
        .def(
            "segment",
            [](const BindingPtr& binding, const std::optional<flow::SizeHw>& size, double timeout_s,
               const Token& cancel) {
                flow::Segmentation mask;
                {
                    const WithoutGil without_gil;  // buffers belong to `binding`
                    mask = binding->segment(size, {timeout_s, cancel.value_or(nullptr)});
                }
                return to_arrays(std::move(mask));
            },
            py::arg("size"), py::arg("timeout_s"), py::arg("cancel"))
        .def(
            "time_bare_loop",
            [](const BindingPtr& binding, std::size_t count) {
                const WithoutGil without_gil;  // buffers belong to `binding`
                binding->run_bare(count);
            },
            py::arg("count"),
            "A C++ loop over the runtime's RunWithBinding; what measurements compare run() with.")
        .def_property_readonly("last_times_ms", [](const flow::Binding& binding) {
            const flow::StageTimes times = [&] {
                const WithoutGil without_gil;  // may wait for a run in another thread
                return binding.last_times();
            }();
            return std::pair(times.run_ms, times.tail_ms);
        });
}

}  // namespace ei::bindings
