#pragma once
// An ONNX model as views into the bytes it was read from. Nothing here owns text or weights: the
// bytes must outlive the Model. Field numbers and meanings: onnx.proto of the ONNX project.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/element_type.hpp"
#include "graph/wire.hpp"

namespace ei::graph {

struct Graph;

struct Entry {  // StringStringEntryProto
    std::string_view key, value;
};

struct Tensor {
    std::string_view name;
    ElementType type = ElementType::undefined;  // as the file says; may be no known enumerator
    std::vector<std::int64_t> dims;             // as the file says; may be negative
    bool has_raw = false;
    Bytes raw;                  // where has_raw
    bool external = false;      // data_location = EXTERNAL
    std::vector<Entry> stored;  // external_data: location, offset, length, checksum
    Bytes message;              // the whole TensorProto; typed data is read from it on demand
};

struct SparseTensor {
    Tensor values, indices;
    std::vector<std::int64_t> dims;
};

// The list fields (ints, floats, strings) are decoded on demand: see values.hpp.
struct Attribute {
    std::string_view name;
    std::int32_t type = 0;       // AttributeProto.AttributeType
    std::string_view reference;  // ref_attr_name: taken from the caller of a function
    float f = 0;
    std::int64_t i = 0;
    std::string_view s;
    std::vector<Tensor> tensors;  // t, or tensors
    std::vector<Graph> graphs;    // g, or graphs
    Bytes message;
};

struct Node {
    std::string_view op_type, domain, overload, name;
    std::vector<std::string_view> inputs, outputs;  // an empty name stands for "not given"
    std::vector<Attribute> attributes;
    Bytes message;

    const Attribute* attribute(std::string_view wanted) const noexcept;
    // Input `index`; empty when it is not given.
    std::string_view input(std::size_t index) const noexcept {
        return index < inputs.size() ? inputs[index] : std::string_view{};
    }
    // "" and "ai.onnx" name the same domain.
    bool is_onnx() const noexcept { return domain.empty() || domain == "ai.onnx"; }
    bool is(std::string_view wanted) const noexcept { return is_onnx() && op_type == wanted; }
};

struct Dim {
    std::optional<std::int64_t> value;
    std::string_view symbol;  // where there is no value; empty = unknown
};

enum class ValueKind { unknown, tensor, sequence, map, optional, sparse_tensor, opaque };

struct ValueInfo {
    std::string_view name;
    ValueKind kind = ValueKind::unknown;
    ElementType type = ElementType::undefined;  // of tensor and sparse_tensor
    std::optional<std::vector<Dim>> dims;       // none: rank unknown
    Bytes message;
};

struct Graph {
    std::string_view name;
    std::vector<Node> nodes;
    std::vector<Tensor> initializers;
    std::vector<SparseTensor> sparse_initializers;
    std::vector<ValueInfo> inputs, outputs, value_infos;
    Bytes message;
};

struct OpsetImport {
    std::string_view domain;
    std::int64_t version = 0;
};

struct Function {
    std::string_view name, domain, overload;
    std::vector<std::string_view> inputs, outputs;
    std::vector<OpsetImport> opsets;
    std::vector<Node> nodes;
};

struct Model {
    std::int64_t ir_version = 0;
    std::string_view producer_name, producer_version, domain, doc;
    std::int64_t model_version = 0;
    std::vector<OpsetImport> opsets;
    std::vector<Entry> metadata;
    std::vector<Function> functions;
    Graph graph;
    Bytes message;  // the whole file

    // Version of the standard operators; none when absent or given twice with different versions.
    std::optional<std::int64_t> onnx_opset() const noexcept;
};

inline const Attribute* Node::attribute(std::string_view wanted) const noexcept {
    for (const Attribute& attribute : attributes) {
        if (attribute.name == wanted) return &attribute;
    }
    return nullptr;
}

inline std::optional<std::int64_t> Model::onnx_opset() const noexcept {
    std::optional<std::int64_t> found;
    for (const OpsetImport& opset : opsets) {
        if (!opset.domain.empty() && opset.domain != "ai.onnx") continue;
        if (found && *found != opset.version) return std::nullopt;
        found = opset.version;
    }
    return found;
}

}  // namespace ei::graph
