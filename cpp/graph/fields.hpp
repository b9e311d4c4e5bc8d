#pragma once
// Field numbers of onnx.proto that the reader and the editor know, message by message.

#include <cstdint>

namespace ei::graph {

namespace model_field {
enum : std::uint32_t {
    ir_version = 1,
    producer_name = 2,
    producer_version = 3,
    domain = 4,
    model_version = 5,
    doc = 6,
    graph = 7,
    opset_import = 8,
    metadata = 14,
    training = 20,
    functions = 25,
    configuration = 26,
};
}
namespace graph_field {
enum : std::uint32_t {
    node = 1,
    name = 2,
    initializer = 5,
    input = 11,
    output = 12,
    value_info = 13,
    annotation = 14,
    sparse_initializer = 15,
};
}
namespace node_field {
enum : std::uint32_t {
    input = 1,
    output = 2,
    name = 3,
    op_type = 4,
    attribute = 5,
    domain = 7,
    overload = 8,
};
}
namespace attribute_field {
enum : std::uint32_t {
    name = 1,
    f = 2,
    i = 3,
    s = 4,
    t = 5,
    g = 6,
    floats = 7,
    ints = 8,
    strings = 9,
    tensors = 10,
    graphs = 11,
    type = 20,
    reference = 21,
};
}
namespace tensor_field {
enum : std::uint32_t {
    dims = 1,
    data_type = 2,
    float_data = 4,
    int32_data = 5,
    string_data = 6,
    int64_data = 7,
    name = 8,
    raw_data = 9,
    double_data = 10,
    uint64_data = 11,
    external_data = 13,
    data_location = 14,
};
}
namespace function_field {
enum : std::uint32_t {
    name = 1,
    input = 4,
    output = 5,
    node = 7,
    opset_import = 9,
    domain = 10,
    overload = 13,
};
}

namespace value_info_field {
enum : std::uint32_t {
    name = 1,
    type = 2,
};
}

}  // namespace ei::graph
