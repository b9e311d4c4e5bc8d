#include "bindings/graph_dump.hpp"

#include <pybind11/stl.h>

#include <string_view>

#include "graph/values.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

using namespace py::literals;

constexpr std::size_t kAll = std::size_t{1} << 40;

// Names may hold any bytes.
py::bytes text(std::string_view value) {
    return {value.data(), value.size()};
}

template <class T, class Convert>
py::list list(const std::vector<T>& items, Convert convert) {
    py::list out;
    for (const T& item : items) out.append(convert(item));
    return out;
}

py::list texts(const std::vector<std::string_view>& items) {
    return list(items, text);
}

py::dict tensor(const graph::Tensor& one) {
    const auto small_ints = graph::int_values(one, kAll);
    const auto small_floats = graph::float_values(one, kAll);
    return py::dict(
        "name"_a = text(one.name), "type"_a = static_cast<int>(one.type), "dims"_a = one.dims,
        "external"_a = one.external,
        "raw"_a = one.has_raw ? py::object(text(graph::as_text(one.raw))) : py::object(py::none()),
        "stored"_a = list(one.stored,
                          [](const graph::Entry& entry) {
                              return py::make_tuple(text(entry.key), text(entry.value));
                          }),
        "mismatch"_a = graph::data_mismatch(one), "ints"_a = small_ints, "floats"_a = small_floats);
}

py::dict value(const graph::ValueInfo& one) {
    py::object shape = py::none();
    if (one.dims) {
        shape = list(*one.dims, [](const graph::Dim& dim) {
            return dim.value ? py::object(py::int_(*dim.value)) : py::object(text(dim.symbol));
        });
    }
    return py::dict("name"_a = text(one.name), "kind"_a = static_cast<int>(one.kind),
                    "type"_a = static_cast<int>(one.type), "shape"_a = shape);
}

py::dict graph_dump(const graph::Graph& one);

py::dict attribute(const graph::Attribute& one) {
    return py::dict(
        "name"_a = text(one.name), "type"_a = one.type, "reference"_a = text(one.reference),
        "f"_a = one.f, "i"_a = one.i, "s"_a = text(one.s), "ints"_a = graph::ints(one, kAll),
        "floats"_a = graph::floats(one, kAll), "strings"_a = texts(graph::strings(one, kAll)),
        "tensors"_a = list(one.tensors, tensor), "graphs"_a = list(one.graphs, graph_dump));
}

py::dict node(const graph::Node& one) {
    return py::dict("op_type"_a = text(one.op_type), "domain"_a = text(one.domain),
                    "overload"_a = text(one.overload), "name"_a = text(one.name),
                    "inputs"_a = texts(one.inputs), "outputs"_a = texts(one.outputs),
                    "attributes"_a = list(one.attributes, attribute));
}

py::dict graph_dump(const graph::Graph& one) {
    return py::dict("name"_a = text(one.name), "nodes"_a = list(one.nodes, node),
                    "initializers"_a = list(one.initializers, tensor),
                    "sparse_initializers"_a = list(one.sparse_initializers,
                                                   [](const graph::SparseTensor& sparse) {
                                                       return py::dict(
                                                           "values"_a = tensor(sparse.values),
                                                           "indices"_a = tensor(sparse.indices),
                                                           "dims"_a = sparse.dims);
                                                   }),
                    "inputs"_a = list(one.inputs, value), "outputs"_a = list(one.outputs, value),
                    "value_infos"_a = list(one.value_infos, value));
}

py::object opset(const graph::OpsetImport& one) {
    return py::make_tuple(text(one.domain), one.version);
}

}  // namespace

py::dict dump(const graph::Model& model) {
    return py::dict(
        "ir_version"_a = model.ir_version, "producer_name"_a = text(model.producer_name),
        "producer_version"_a = text(model.producer_version), "domain"_a = text(model.domain),
        "model_version"_a = model.model_version, "doc"_a = text(model.doc),
        "opsets"_a = list(model.opsets, opset),
        "metadata"_a = list(model.metadata,
                            [](const graph::Entry& entry) {
                                return py::make_tuple(text(entry.key), text(entry.value));
                            }),
        "functions"_a =
            list(model.functions,
                 [](const graph::Function& one) {
                     return py::dict(
                         "name"_a = text(one.name), "domain"_a = text(one.domain),
                         "overload"_a = text(one.overload), "inputs"_a = texts(one.inputs),
                         "outputs"_a = texts(one.outputs), "opsets"_a = list(one.opsets, opset),
                         "nodes"_a = list(one.nodes, node));
                 }),
        "graph"_a = graph_dump(model.graph));
}

}  // namespace ei::bindings
