#include "graph/reader.hpp"

#include <string>

#include "base/error.hpp"
#include "graph/fields.hpp"

namespace ei::graph {
namespace {

class Reader {
  public:
    Reader(const std::byte* origin, const Limits& limits)
        : origin_(origin),
          limits_(limits),
          nodes_{"nodes", limits.nodes},
          attributes_{"attributes", limits.attributes},
          names_{"input and output names", limits.names},
          tensors_{"tensors", limits.tensors},
          values_{"declared values", limits.values},
          entries_{"metadata and opset entries", limits.entries} {}

    Model model(Bytes message);

  private:
    struct Budget {
        const char* what;
        std::size_t left;
    };

    [[noreturn]] static void refuse(const std::string& what) {
        throw Error(ErrorKind::model, "ONNX file refused: " + what);
    }
    void take(Budget& budget) const {
        if (budget.left == 0) {
            refuse(std::string("it holds more ") + budget.what +
                   " than the limit allows; export a smaller network");
        }
        --budget.left;
    }
    static void once(bool& seen, const char* what) {
        if (seen) refuse(std::string(what) + " is given twice; export the file again");
        seen = true;
    }
    WireReader open(Bytes message) const noexcept { return WireReader(message, origin_); }

    std::string_view name(const Field& field) const {
        if (field.payload.size() > limits_.name_bytes) {
            refuse("a name has " + std::to_string(field.payload.size()) + " bytes, the limit is " +
                   std::to_string(limits_.name_bytes) + "; rename it");
        }
        return field.text();
    }
    std::string_view counted_name(const Field& field) {
        take(names_);
        return name(field);
    }

    Graph graph(Bytes message, std::size_t depth);
    Node node(Bytes message, std::size_t depth);
    Attribute attribute(Bytes message, std::size_t depth);
    Tensor tensor(Bytes message);
    SparseTensor sparse_tensor(Bytes message);
    ValueInfo value_info(Bytes message);
    void type(Bytes message, ValueInfo& value) const;
    void tensor_type(Bytes message, ValueInfo& value) const;
    Dim dim(Bytes message) const;
    Function function(Bytes message);
    OpsetImport opset(Bytes message) const;
    Entry entry(Bytes message) const;
    void dims(const Field& field, std::vector<std::int64_t>& out) const;

    const std::byte* origin_;
    const Limits& limits_;
    Budget nodes_, attributes_, names_, tensors_, values_, entries_;
};

void Reader::dims(const Field& field, std::vector<std::int64_t>& out) const {
    const auto push = [&](std::uint64_t value) {
        if (out.size() == limits_.dims) {
            refuse("a tensor has more than " + std::to_string(limits_.dims) +
                   " dimensions; export the file again");
        }
        out.push_back(static_cast<std::int64_t>(value));
    };
    if (field.type == WireType::varint) {
        push(field.value);
    } else if (field.type == WireType::length) {
        WireReader packed = open(field.payload);
        std::uint64_t value = 0;
        while (packed.next_packed_varint(value)) push(value);
    }
}

Entry Reader::entry(Bytes message) const {
    Entry out;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::length)) out.key = field.text();
        if (field.is(2, WireType::length)) out.value = field.text();
    }
    return out;
}

OpsetImport Reader::opset(Bytes message) const {
    OpsetImport out;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::length)) out.domain = name(field);
        if (field.is(2, WireType::varint)) out.version = field.as_int64();
    }
    return out;
}

Tensor Reader::tensor(Bytes message) {
    take(tensors_);
    Tensor out;
    out.message = message;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.number == tensor_field::dims) {
            dims(field, out.dims);
        } else if (field.is(tensor_field::data_type, WireType::varint)) {
            out.type = static_cast<ElementType>(field.as_int32());
        } else if (field.is(tensor_field::name, WireType::length)) {
            out.name = name(field);
        } else if (field.is(tensor_field::raw_data, WireType::length)) {
            out.has_raw = true;
            out.raw = field.payload;
        } else if (field.is(tensor_field::external_data, WireType::length)) {
            take(entries_);
            out.stored.push_back(entry(field.payload));
        } else if (field.is(tensor_field::data_location, WireType::varint)) {
            out.external = field.as_int32() == 1;
        }
    }
    return out;
}

SparseTensor Reader::sparse_tensor(Bytes message) {
    SparseTensor out;
    bool values = false, indices = false;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::length)) {
            once(values, "the values of a sparse tensor");
            out.values = tensor(field.payload);
        } else if (field.is(2, WireType::length)) {
            once(indices, "the indices of a sparse tensor");
            out.indices = tensor(field.payload);
        } else if (field.number == 3) {
            dims(field, out.dims);
        }
    }
    return out;
}

Dim Reader::dim(Bytes message) const {
    Dim out;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {  // a oneof: the last one counts
        if (field.is(1, WireType::varint)) {
            out = {field.as_int64(), {}};
        } else if (field.is(2, WireType::length)) {
            out = {std::nullopt, name(field)};
        }
    }
    return out;
}

void Reader::tensor_type(Bytes message, ValueInfo& value) const {
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::varint)) {
            value.type = static_cast<ElementType>(field.as_int32());
        } else if (field.is(2, WireType::length)) {
            if (value.dims) refuse("the shape of a value is given twice; export the file again");
            value.dims.emplace();
            WireReader shape = open(field.payload);
            for (Field item; shape.next(item);) {
                if (!item.is(1, WireType::length)) continue;
                if (value.dims->size() == limits_.dims) {
                    refuse("a value has more than " + std::to_string(limits_.dims) +
                           " dimensions; export the file again");
                }
                value.dims->push_back(dim(item.payload));
            }
        }
    }
}

void Reader::type(Bytes message, ValueInfo& value) const {
    bool seen = false;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        ValueKind kind = ValueKind::unknown;
        switch (field.type == WireType::length ? field.number : 0) {
            case 1:
                kind = ValueKind::tensor;
                break;
            case 4:
                kind = ValueKind::sequence;
                break;
            case 5:
                kind = ValueKind::map;
                break;
            case 7:
                kind = ValueKind::opaque;
                break;
            case 8:
                kind = ValueKind::sparse_tensor;
                break;
            case 9:
                kind = ValueKind::optional;
                break;
            default:
                continue;
        }
        once(seen, "the type of a value");
        value.kind = kind;
        if (kind == ValueKind::tensor || kind == ValueKind::sparse_tensor) {
            tensor_type(field.payload, value);
        }
    }
}

ValueInfo Reader::value_info(Bytes message) {
    take(values_);
    ValueInfo out;
    out.message = message;
    bool typed = false;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::length)) {
            out.name = name(field);
        } else if (field.is(2, WireType::length)) {
            once(typed, "the type of a value");
            type(field.payload, out);
        }
    }
    return out;
}

Attribute Reader::attribute(Bytes message, std::size_t depth) {
    take(attributes_);
    Attribute out;
    out.message = message;
    bool one_tensor = false, one_graph = false;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.type == WireType::length) {
            switch (field.number) {
                case attribute_field::name:
                    out.name = name(field);
                    break;
                case attribute_field::s:
                    out.s = field.text();
                    break;
                case attribute_field::reference:
                    out.reference = name(field);
                    break;
                case attribute_field::t:
                    once(one_tensor, "the tensor of an attribute");
                    out.tensors.push_back(tensor(field.payload));
                    break;
                case attribute_field::tensors:
                    out.tensors.push_back(tensor(field.payload));
                    break;
                case attribute_field::g:
                    once(one_graph, "the graph of an attribute");
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
    take(nodes_);
    Node out;
    out.message = message;
    WireReader fields = open(message);
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
                out.name = name(field);
                break;
            case node_field::op_type:
                out.op_type = name(field);
                break;
            case node_field::domain:
                out.domain = name(field);
                break;
            case node_field::overload:
                out.overload = name(field);
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
    if (depth > limits_.depth) {
        refuse("graphs are nested more than " + std::to_string(limits_.depth) +
               " deep; export the file again");
    }
    Graph out;
    out.message = message;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.type != WireType::length) continue;
        switch (field.number) {
            case graph_field::node:
                out.nodes.push_back(node(field.payload, depth));
                break;
            case graph_field::name:
                out.name = name(field);
                break;
            case graph_field::initializer:
                out.initializers.push_back(tensor(field.payload));
                break;
            case graph_field::sparse_initializer:
                out.sparse_initializers.push_back(sparse_tensor(field.payload));
                break;
            case graph_field::input:
                out.inputs.push_back(value_info(field.payload));
                break;
            case graph_field::output:
                out.outputs.push_back(value_info(field.payload));
                break;
            case graph_field::value_info:
                out.value_infos.push_back(value_info(field.payload));
                break;
            default:
                break;
        }
    }
    return out;
}

Function Reader::function(Bytes message) {
    Function out;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.type != WireType::length) continue;
        switch (field.number) {
            case function_field::name:
                out.name = name(field);
                break;
            case function_field::domain:
                out.domain = name(field);
                break;
            case function_field::overload:
                out.overload = name(field);
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
                take(entries_);
                out.opsets.push_back(opset(field.payload));
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
    WireReader fields = open(message);
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
                once(has_graph, "the graph");
                out.graph = graph(field.payload, 0);
                break;
            case model_field::opset_import:
                take(entries_);
                out.opsets.push_back(opset(field.payload));
                break;
            case model_field::metadata:
                take(entries_);
                out.metadata.push_back(entry(field.payload));
                break;
            case model_field::functions:
                take(entries_);
                out.functions.push_back(function(field.payload));
                break;
            default:
                break;
        }
    }
    if (!has_graph) refuse("it holds no graph; this is no ONNX model, or only part of one");
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
