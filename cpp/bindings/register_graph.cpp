#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "bindings/graph_dump.hpp"
#include "bindings/register.hpp"
#include "bindings/without_gil.hpp"
#include "flow/uint8.hpp"
#include "graph/activations.hpp"
#include "graph/editor.hpp"
#include "graph/facts.hpp"
#include "graph/reader.hpp"
#include "graph/stem.hpp"
#include "graph/tail.hpp"
#include "graph/uint8.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

graph::Bytes view(const py::bytes& object) {
    return graph::as_bytes(static_cast<std::string_view>(object));
}

py::bytes as_python(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A path, or the file's own bytes; `fspath` turns anything with __fspath__ into str or bytes.
graph::Facts inspect(const py::object& model, const std::optional<std::string>& folder,
                     const graph::RuntimeLimits& runtime) {
    graph::Checks checks{runtime, {}, std::nullopt};
    if (folder) checks.folder = *folder;
    if (py::isinstance<py::bytes>(model)) {
        const graph::Bytes bytes = view(model);
        const WithoutGil without_gil;  // a large file takes milliseconds
        return graph::facts(graph::read(bytes), checks);
    }
    const py::module_ os = py::module_::import("os");
    const std::filesystem::path path(
        static_cast<std::string>(py::bytes(os.attr("fsencode")(model))));
    const WithoutGil without_gil;
    const MappedFile file(path);
    if (!checks.folder) checks.folder = path.parent_path();
    return graph::facts(graph::read(file.bytes()), checks);
}

std::optional<std::tuple<py::bytes, py::bytes, graph::Tail>> cut_tail(const py::bytes& model) {
    const graph::Model read = graph::read(view(model));
    graph::TailSearch search = graph::find_tail(read);
    if (!search.tail) return std::nullopt;
    const graph::Cut parts = graph::cut(read, *search.tail);
    return std::tuple(as_python(parts.core), as_python(parts.rest), std::move(*search.tail));
}

py::bytes rebuild_model(const py::bytes& model, const std::vector<std::size_t>& drop_nodes) {
    const graph::Model read = graph::read(view(model));
    graph::GraphEdit edit;
    for (const std::size_t index : drop_nodes) {
        if (index >= read.graph.nodes.size()) {
            throw Error(ErrorKind::input, "drop_nodes: found " + std::to_string(index) +
                                              ", the graph has " +
                                              std::to_string(read.graph.nodes.size()) + " nodes");
        }
        edit.nodes.drop_at(index);
    }
    return as_python(graph::rebuild(read, edit));
}

void register_facts(py::module_& module) {
    using graph::Facts;
    py::class_<graph::ValueFacts>(module, "ValueFacts", "A declared input or output of a graph.")
        .def_readonly("name", &graph::ValueFacts::name)
        .def_readonly("kind", &graph::ValueFacts::kind)
        .def_readonly("dtype", &graph::ValueFacts::dtype)
        .def_readonly("shape", &graph::ValueFacts::shape);
    py::class_<graph::OpsetFacts>(module, "OpsetFacts", "A set of operators a file uses.")
        .def_readonly("domain", &graph::OpsetFacts::domain)
        .def_readonly("version", &graph::OpsetFacts::version);
    py::class_<graph::Problem>(module, "ModelProblem",
                               "What speaks against a file, and the remedy.")
        .def_property_readonly("verdict",
                               [](const graph::Problem& self) { return name_of(self.verdict); })
        .def_readonly("code", &graph::Problem::code)
        .def_readonly("text", &graph::Problem::text)
        .def_readonly("remedy", &graph::Problem::remedy);
    py::class_<graph::Head>(module, "HeadFacts", "An input that is quantised, or integers already.")
        .def_readonly("name", &graph::Head::name)
        .def_property_readonly("dtype", [](const graph::Head& self) { return name_of(self.type); })
        .def_readonly("scale", &graph::Head::scale)
        .def_readonly("zero_point", &graph::Head::zero_point)
        .def_readonly("quantizes", &graph::Head::quantizes);
    py::class_<graph::Uint8Facts>(module, "Uint8Facts", "int8 tensors that could be uint8.")
        .def_readonly("movable", &graph::Uint8Facts::movable)
        .def_readonly("left", &graph::Uint8Facts::left);
    py::class_<Facts>(module, "ModelFacts", "What a model file is; see edgeinfer.inspect.")
        .def_readonly("file_bytes", &Facts::file_bytes)
        .def_readonly("ir_version", &Facts::ir_version)
        .def_readonly("producer_name", &Facts::producer_name)
        .def_readonly("producer_version", &Facts::producer_version)
        .def_readonly("graph_name", &Facts::graph_name)
        .def_readonly("opsets", &Facts::opsets)
        .def_readonly("metadata", &Facts::metadata)
        .def_readonly("inputs", &Facts::inputs)
        .def_readonly("outputs", &Facts::outputs)
        .def_readonly("parameters", &Facts::parameters)
        .def_readonly("weight_bytes", &Facts::weight_bytes)
        .def_readonly("operators", &Facts::operators)
        .def_readonly("weighted_nodes", &Facts::weighted_nodes)
        .def_readonly("quantised_nodes", &Facts::quantised_nodes)
        .def_readonly("external_files", &Facts::external_files)
        .def_readonly("heads", &Facts::heads)
        .def_readonly("uint8", &Facts::uint8)
        .def_readonly("problems", &Facts::problems)
        .def_property_readonly("may_loop", [](const Facts& self) { return !self.loops.bounded; })
        .def_property_readonly("loops", [](const Facts& self) { return self.loops.why; })
        .def_property_readonly("tail", [](const Facts& self) { return self.tail.tail; })
        .def_property_readonly("tail_why", [](const Facts& self) { return self.tail.why; });
}

void register_activations(py::module_& module) {
    using graph::Activation;
    py::class_<Activation>(module, "Activation", "A float tensor that a quantiser needs to know.")
        .def_readonly("name", &Activation::name)
        .def_readonly("layer", &Activation::layer)
        .def_readonly("channel_axis", &Activation::channel_axis)
        .def_readonly("channels", &Activation::channels)
        .def_readonly("same_range_as", &Activation::same_range_as,
                      "The tensor whose range holds for it; empty: to be observed.");
    module.def(
        "find_activations",
        [](const py::bytes& model, const std::vector<std::string>& also) {
            const graph::Bytes bytes = view(model);
            const WithoutGil without_gil;  // a large file takes milliseconds
            return graph::find_activations(graph::read(bytes), {also.begin(), also.end()});
        },
        py::arg("model"), py::arg("also") = std::vector<std::string>{},
        "The float tensors that quantisation needs the values of, and those of `also`, in the "
        "order of the graph.");
}

void register_tail_facts(py::module_& module) {
    using graph::Tail;
    py::class_<Tail>(module, "TailFacts", "The recognised segmentation tail of a graph.")
        .def_readonly("logits", &Tail::logits)
        .def_readonly("output", &Tail::output)
        .def_property_readonly("dtype", [](const Tail& self) { return name_of(self.type); })
        .def_readonly("scale", &Tail::scale)
        .def_readonly("zero_point", &Tail::zero_point)
        .def_property_readonly(
            "align_corners",
            [](const Tail& self) { return self.corners == graph::Corners::align_corners; })
        .def_readonly("resizes", &Tail::resizes)
        .def_readonly("batch", &Tail::batch)
        .def_readonly("classes", &Tail::classes)
        .def_readonly("height", &Tail::height)
        .def_readonly("width", &Tail::width)
        .def_readonly("out_height", &Tail::out_height)
        .def_readonly("out_width", &Tail::out_width)
        .def_readonly("softmax", &Tail::softmax)
        .def_readonly("quantizes", &Tail::quantizes)
        .def_readonly("transposes", &Tail::transposes)
        .def_readonly("argmax", &Tail::argmax)
        .def_readonly("nodes", &Tail::nodes)
        .def_readonly("steps", &Tail::steps);
}

}  // namespace

void register_graph(py::module_& module) {
    register_tail_facts(module);
    register_facts(module);
    register_activations(module);
    const graph::RuntimeLimits newest;
    module.def(
        "inspect_model",
        [](const py::object& model, const std::optional<std::string>& folder, std::int64_t max_ir,
           std::int64_t max_opset, std::int64_t max_ml_opset) {
            return inspect(model, folder, {max_ir, max_opset, max_ml_opset, true});
        },
        py::arg("model"), py::kw_only(), py::arg("folder") = py::none(),
        py::arg("max_ir") = newest.max_ir, py::arg("max_opset") = newest.max_opset,
        py::arg("max_ml_opset") = newest.max_ml_opset,
        "Facts about a model file, given as a path or as its bytes. folder: where external data "
        "is looked for (default: beside the path). Raises ModelError for a damaged file.");
    module.def("cut_tail", &cut_tail, py::arg("model"),
               "(core, rest, tail) of a model with a segmentation tail, else None.");
    module.def(
        "move_to_uint8",
        [](const py::bytes& model) -> std::optional<py::bytes> {
            const graph::Model read = graph::read(view(model));
            const graph::Uint8Move move = graph::find_uint8_move(read);
            if (move.moved.empty()) return std::nullopt;
            return as_python(graph::move_to_uint8(read, move));
        },
        py::arg("model"),
        "The model with its int8 activations as uint8; None where none can move.");
    module.def(
        "widen_stems",
        [](const py::bytes& model) -> std::optional<py::bytes> {
            const graph::Model read = graph::read(view(model));
            const std::vector<graph::Stem> stems = graph::find_stems(read);
            if (stems.empty()) return std::nullopt;
            return as_python(graph::widen_stems(read, stems));
        },
        py::arg("model"),
        "The model with a fourth channel for its first convolution; None where that is not one of "
        "integers that has less.");
    module.def("uint8_kept_here", &flow::uint8_kept_here,
               "Why a session with default options leaves int8 activations on this machine; empty: "
               "it moves them.");
    module.def("rebuild_model", &rebuild_model, py::arg("model"), py::kw_only(),
               py::arg("drop_nodes") = std::vector<std::size_t>{},
               "The model without the nodes of these indices, all else byte for byte.");
    module.def(
        "dump_model",
        [](const py::bytes& model) -> py::typing::Dict<py::str, py::object> {
            return dump(graph::read(view(model)));
        },
        py::arg("model"), "Everything the reader sees, as dicts and lists; for tests.");
}

}  // namespace ei::bindings
