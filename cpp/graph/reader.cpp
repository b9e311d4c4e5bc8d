#include "graph/reader.hpp"

#include <string>

#include "base/error.hpp"
#include "graph/fields.hpp"
#include "graph/value_reader.hpp"

namespace ei::graph {
namespace {

class Reader {
  public:
    Reader(const std::byte* origin, const Limits& limits) : leaves_(origin, limits) {}

    Model model(Bytes message);

  private:
    std::string_view counted_name(const Field& field) {
        ValueReader::take(leaves_.names);
        return leaves_.name(field);
    }

    Graph graph(Bytes message, std::size_t depth);
    Node node(Bytes message, std::size_t depth);
    Attribute attribute(Bytes message, std::size_t depth);
    Function function(Bytes message);

    ValueReader leaves_;
};

Attribute Reader::attribute(Bytes message, std::size_t depth) {
    ValueReader::take(leaves_.attributes);
    Attribute out;
    out.message = message;
    bool one_tensor = false, one_graph = false;
    WireReader fields = leaves_.open(message);
    for (Field field; fields.next(field);) {
        if (field.type == WireType::length) {
            switch (field.number) {
                case attribute_field::name:
                    out.name = leaves_.name(field);
                    break;
                case attribute_field::s:
                    out.s = field.text();
                    break;
                case attribute_field::reference:
                    out.reference = leaves_.name(field);
                    break;
                case attribute_field::t:
                    ValueReader::once(one_tensor, "the tensor of an attribute");
                    out.tensors.push_back(leaves_.tensor(field.payload));
                    break;
                case attribute_field::tensors:
                    out.tensors.push_back(leaves_.tensor(field.payload));
                    break;
                case attribute_field::g:
                    ValueReader::once(one_graph, "the graph of an attribute");
                    out.graphs.push_back(graph(field.payload, depth + 1));
                    break;
                case attribute_field::graphs:
                    out.graphs.push_back(graph(field.payload, depth + 1));
                    break;
                default:
                    break;
            }
        } else if (field.is(attribute_field::f, WireType::fixed32)) {
            out.f = field.as_float();
        } else if (field.is(attribute_field::i, WireType::varint)) {
            out.i = field.as_int64();
        } else if (field.is(attribute_field::type, WireType::varint)) {
            out.type = field.as_int32();
        }
    }
    return out;
}

Node Reader::node(Bytes message, std::size_t depth) {
    ValueReader::take(leaves_.nodes);
    Node out;
    out.message = message;
    WireReader fields = leaves_.open(message);
    for (Field field; fields.next(field);) {
        if (field.type != WireType::length) continue;
        switch (field.number) {
            case node_field::input:
                out.inputs.push_back(counted_name(field));
                break;
            case node_field::output:
                out.outputs.push_back(counted_name(field));
                break;
            case node_field::name:
                out.name = leaves_.name(field);
                break;
            case node_field::op_type:
                out.op_type = leaves_.name(field);
                break;
            case node_field::domain:
                out.domain = leaves_.name(field);
                break;
            case node_field::overload:
                out.overload = leaves_.name(field);
                break;
            case node_field::attribute:
                out.attributes.push_back(attribute(field.payload, depth));
                break;
            default:
                break;
        }
    }
    return out;
}

Graph Reader::graph(Bytes message, std::size_t depth) {
    if (depth > leaves_.limits().depth) {
        ValueReader::refuse("graphs are nested more than " +
                            std::to_string(leaves_.limits().depth) +
                            " deep; export the file again");
    }
    Graph out;
    out.message = message;
    WireReader fields = leaves_.open(message);
    for (Field field; fields.next(field);) {
        if (field.type != WireType::length) continue;
        switch (field.number) {
            case graph_field::node:
                out.nodes.push_back(node(field.payload, depth));
                break;
            case graph_field::name:
                out.name = leaves_.name(field);
                break;
            case graph_field::initializer:
                out.initializers.push_back(leaves_.tensor(field.payload));
                break;
            case graph_field::sparse_initializer:
                out.sparse_initializers.push_back(leaves_.sparse_tensor(field.payload));
                break;
            case graph_field::input:
                out.inputs.push_back(leaves_.value_info(field.payload));
                break;
            case graph_field::output:
                out.outputs.push_back(leaves_.value_info(field.payload));
                break;
            case graph_field::value_info:
                out.value_infos.push_back(leaves_.value_info(field.payload));
                break;
            default:
                break;
        }
    }
    return out;
}

Function Reader::function(Bytes message) {
    Function out;
    WireReader fields = leaves_.open(message);
    for (Field field; fields.next(field);) {
        if (field.type != WireType::length) continue;
        switch (field.number) {
            case function_field::name:
                out.name = leaves_.name(field);
                break;
            case function_field::domain:
                out.domain = leaves_.name(field);
                break;
            case function_field::overload:
                out.overload = leaves_.name(field);
                break;
            case function_field::input:
                out.inputs.push_back(counted_name(field));
                break;
            case function_field::output:
                out.outputs.push_back(counted_name(field));
                break;
            case function_field::node:
                out.nodes.push_back(node(field.payload, 0));
                break;
            case function_field::opset_import:
                out.opsets.push_back(leaves_.opset(field.payload));
                break;
            default:
                break;
        }
    }
    return out;
}

Model Reader::model(Bytes message) {
    Model out;
    out.message = message;
    bool has_graph = false;
    WireReader fields = leaves_.open(message);
    for (Field field; fields.next(field);) {
        if (field.is(model_field::ir_version, WireType::varint)) {
            out.ir_version = field.as_int64();
        } else if (field.is(model_field::model_version, WireType::varint)) {
            out.model_version = field.as_int64();
        }
        if (field.type != WireType::length) continue;
        switch (field.number) {
            case model_field::producer_name:
                out.producer_name = field.text();
                break;
            case model_field::producer_version:
                out.producer_version = field.text();
                break;
            case model_field::domain:
                out.domain = field.text();
                break;
            case model_field::doc:
                out.doc = field.text();
                break;
            case model_field::graph:
                ValueReader::once(has_graph, "the graph");
                out.graph = graph(field.payload, 0);
                break;
            case model_field::opset_import:
                out.opsets.push_back(leaves_.opset(field.payload));
                break;
            case model_field::metadata:
                out.metadata.push_back(leaves_.entry(field.payload));
                break;
            case model_field::functions:
                ValueReader::take(leaves_.entries);
                out.functions.push_back(function(field.payload));
                break;
            default:
                break;
        }
    }
    if (!has_graph)
        ValueReader::refuse("it holds no graph; this is no ONNX model, or only part of one");
    return out;
}

}  // namespace

Model read(Bytes file, const Limits& limits) {
    if (file.empty()) {
        throw Error(ErrorKind::model, "ONNX file refused: it is empty; fetch it again");
    }
    if (file.size() > limits.file_bytes) {
        throw Error(ErrorKind::model, "ONNX file refused: it has " + std::to_string(file.size()) +
                                          " bytes, the limit is " +
                                          std::to_string(limits.file_bytes) +
                                          "; keep large weights as external data beside it");
    }
    return Reader(file.data(), limits).model(file);
}

}  // namespace ei::graph
