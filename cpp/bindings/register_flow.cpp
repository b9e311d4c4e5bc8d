#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <span>

#include "bindings/arrays.hpp"
#include "bindings/beside.hpp"
#include "bindings/gather.hpp"
#include "bindings/numpy_environment.hpp"
#include "bindings/register.hpp"
#include "bindings/run.hpp"
#include "bindings/tensors.hpp"
#include "bindings/without_gil.hpp"
#include "flow/binding.hpp"
#include "flow/network.hpp"
#include "flow/uint8_check.hpp"
#include "graph/reader.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

// Optional, so that the stubs say that None is taken.
using Token = std::optional<ort::Cancellation*>;
using NetworkPtr = std::shared_ptr<const flow::Network>;
using BindingPtr = std::shared_ptr<flow::Binding>;

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

py::dict views(const std::vector<std::shared_ptr<flow::BoundTensor>>& tensors) {
    py::dict named;
    for (const auto& tensor : tensors) {
        named[py::str(tensor->name)] =
            view_of(tensor->type, tensor->shape, tensor->buffer.data(), tensor);
    }
    return named;
}

// Results are arrays: where nobody imported NumPy yet, that goes on beside the load. Denormals are
// flushed in the thread that loads, which has to be the caller's.
template <class Load>
std::shared_ptr<flow::Network> loaded(const flow::LoadOptions& options, Load&& load) {
    NetworkPtr network;
    const bool imported = py::module_::import("sys").attr("modules").contains("numpy");
    if (imported || options.session.flush_denormals) {
        network = before_the_end(load);
    } else {
        const NumpyEnvironment environment;
        network = beside(load, [] { py::module_::import("numpy"); });
    }
    prepare_for_arrays();
    return std::const_pointer_cast<flow::Network>(network);
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
    py::class_<flow::Stem>(module, "Stem", "Which first convolutions got a channel, and why.")
        .def_readonly("widened", &flow::Stem::widened)
        .def_readonly("why", &flow::Stem::why);
    module.def(
        "check_uint8",
        [](const py::bytes& file, const py::bytes& moved, bool exact) {
            const std::string_view a = file, b = moved;  // both outlive the call
            const WithoutGil without_gil;
            const flow::Uint8Verdict verdict = flow::check_uint8(
                graph::read(graph::as_bytes(a)), graph::read(graph::as_bytes(b)), exact, "", {});
            return std::pair(verdict.says == flow::Uint8Verdict::Says::same, verdict.why);
        },
        py::arg("file"), py::arg("moved"), py::kw_only(), py::arg("exact") = true,
        "Whether the second model gives what the first one gives, and why; for tests of the "
        "check.");
    py::class_<flow::LoadOptions>(module, "LoadOptions")
        .def(py::init<>())
        .def_readwrite("runtime", &flow::LoadOptions::session)
        .def_readwrite("fuse_tail", &flow::LoadOptions::fuse_tail)
        .def_readwrite("cut_head", &flow::LoadOptions::cut_head)
        .def_readwrite("cache", &flow::LoadOptions::cache)
        .def_readwrite("to_uint8", &flow::LoadOptions::to_uint8)
        .def_property(
            "max_tensor_bytes",
            [](const flow::LoadOptions& options) { return options.sizes.tensor_bytes; },
            [](flow::LoadOptions& options, std::int64_t bytes) {
                options.sizes.tensor_bytes = bytes;
            });

    py::class_<flow::Network, std::shared_ptr<flow::Network>> network_type(module, "Network");
    add_run(network_type);
    network_type
        .def_static(
            "from_file",
            [](const std::filesystem::path& path, const flow::LoadOptions& options) {
                return loaded(options,
                              [&] { return flow::Network::from_file(path.string(), options); });
            },
            py::arg("path"), py::arg("options"))
        .def_static(
            "from_bytes",
            [](const py::bytes& model, const flow::LoadOptions& options) {
                const std::string_view bytes = model;  // `model` outlives the call
                return loaded(options, [&] {
                    return flow::Network::from_bytes(std::as_bytes(std::span(bytes)), "", options);
                });
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
        .def_property_readonly("cache",
                               [](const flow::Network& n) {
                                   const flow::CacheUse& use = n.cache();
                                   return std::tuple(use.state, use.why, use.path);
                               })
        .def_property_readonly("uint8", &flow::Network::uint8)
        .def_property_readonly("stem", &flow::Network::stem)
        .def_property_readonly("pool", [](const flow::Network& n) { return n.pool(); })
        .def_property_readonly("arena",
                               [](const flow::Network& n) {
                                   const ort::BoundedArena* const arena = n.arena();
                                   return arena == nullptr ? std::nullopt
                                                           : std::optional(arena->told());
                               })
        .def_property_readonly("appended_providers", &flow::Network::appended)
        .def_property_readonly("cpu_fallback",
                               [](const flow::Network& n) { return n.options().cpu_fallback; })
        .def_property_readonly("tail_cut", [](const flow::Network& n) { return n.tail().cut; })
        .def_property_readonly("tail_why", [](const flow::Network& n) { return n.tail().why; })
        .def_property_readonly("tail_steps", [](const flow::Network& n) { return n.tail().steps; })
        .def(
            "segment",
            [](const std::shared_ptr<flow::Network>& network, const py::object& inputs,
               const std::optional<flow::SizeHw>& size, double timeout_s, const Token& cancel) {
                return segment(network, inputs, size, {timeout_s, cancel.value_or(nullptr)});
            },
            py::arg("inputs"), py::arg("size"), py::arg("timeout_s"), py::arg("cancel"));

    py::class_<flow::Binding, BindingPtr> binding_type(module, "Binding");
    add_run(binding_type);
    binding_type
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
