#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "bindings/beside.hpp"
#include "bindings/register.hpp"
#include "bindings/tensors.hpp"
#include "ort/cancellation.hpp"
#include "ort/library.hpp"
#include "ort/session.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

py::tuple shape_of(const ort::TensorSpec& spec) {
    py::tuple shape(spec.shape.size());
    for (std::size_t i = 0; i < spec.shape.size(); ++i) {
        const auto* size = std::get_if<std::int64_t>(&spec.shape[i]);
        shape[i] = size != nullptr ? py::object(py::int_(*size))
                                   : py::object(py::str(std::get<std::string>(spec.shape[i])));
    }
    return shape;
}

}  // namespace

void register_ort(py::module_& module) {
    py::class_<ort::TensorSpec>(module, "TensorSpec")
        .def_readonly("name", &ort::TensorSpec::name)
        .def_property_readonly("dtype", [](const ort::TensorSpec& s) { return name_of(s.type); })
        .def_property_readonly("shape", &shape_of);

    py::enum_<ort::GraphLevel>(module, "GraphLevel")
        .value("off", ort::GraphLevel::off)
        .value("basic", ort::GraphLevel::basic)
        .value("extended", ort::GraphLevel::extended)
        .value("all", ort::GraphLevel::all);

    py::enum_<ort::Spin>(module, "Spin")
        .value("auto", ort::Spin::automatic)
        .value("on", ort::Spin::on)
        .value("off", ort::Spin::off);

    py::class_<ort::Pool>(module, "Pool")
        .def_readonly("shared", &ort::Pool::shared)
        .def_readonly("threads", &ort::Pool::threads)
        .def_readonly("spin_us", &ort::Pool::spin_us)
        .def_readonly("why", &ort::Pool::why);

    py::class_<ort::BoundedArena::Told>(module, "ArenaTold")
        .def_readonly("bound", &ort::BoundedArena::Told::bound)
        .def_readonly("in_use", &ort::BoundedArena::Told::in_use)
        .def_readonly("kept", &ort::BoundedArena::Told::kept)
        .def_readonly("most", &ort::BoundedArena::Told::most);

    py::class_<ort::Options>(module, "RuntimeOptions")
        .def(py::init<>())
        .def_readwrite("threads", &ort::Options::threads)
        .def_readwrite("spin", &ort::Options::spin)
        .def_readwrite("graph", &ort::Options::graph)
        .def_readwrite("arena", &ort::Options::arena)
        .def_readwrite("memory_pattern", &ort::Options::memory_pattern)
        .def_readwrite("flush_denormals", &ort::Options::flush_denormals)
        .def_readwrite("timeout_s", &ort::Options::timeout_s)
        .def_readwrite("cpu_fallback", &ort::Options::cpu_fallback)
        .def_readwrite("free_dimensions", &ort::Options::free_dimensions)
        .def_readwrite("profile", &ort::Options::profile)
        .def_readwrite("config", &ort::Options::config)
        .def(
            "bound_arena",
            [](ort::Options& options, std::size_t bytes) {
                options.bound = ort::BoundedArena::make(bytes, options.arena);
            },
            py::arg("bytes"), "To be called last, since it takes `arena` as it is set then.")
        .def(
            "add_provider",
            [](ort::Options& options, const std::string& name, const ort::Entries& settings) {
                options.providers.push_back({name, settings});
            },
            py::arg("name"), py::arg("settings"));

    py::class_<ort::Cancellation>(module, "Cancellation")
        .def(py::init<>())
        .def("cancel", &ort::Cancellation::cancel)
        .def_property_readonly("requested", &ort::Cancellation::requested);

    module.def(
        "open_runtime",
        [](const std::string& wanted, const std::vector<std::string>& candidates,
           const std::optional<py::function>& meanwhile) {
            const auto open = [&] { return &ort::Library::open(wanted, candidates); };
            const ort::Library* const library =
                meanwhile ? beside(open, *meanwhile) : before_the_end(open);
            return std::pair(library->path(), library->version());
        },
        py::arg("wanted"), py::arg("candidates"), py::arg("meanwhile") = py::none(),
        "Open libonnxruntime once for the process; returns (path, version). `meanwhile` is called "
        "while it opens, and always comes to its end.");
    module.def(
        "runtime_providers", [] { return ort::Library::get().providers(); },
        "Execution providers the open library has.");
    module.def(
        "ort_slots",
        [] {
            std::vector<std::pair<int, std::string>> slots;
#define EI_ORT_ROW(slot, name, result, parameters) slots.emplace_back(slot, #name);
            EI_ORT_SLOTS(EI_ORT_ROW)
#undef EI_ORT_ROW
            return slots;
        },
        "(slot, name) of every function of the runtime's table that is used.");
}

}  // namespace ei::bindings
