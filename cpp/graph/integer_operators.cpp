#include "graph/integer_operators.hpp"

#include <algorithm>
#include <array>

#include "graph/values.hpp"

namespace ei::graph {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// Slots of the tensors and of their zero points, by the operators' pages: onnx/docs/Operators.md
// and onnxruntime/docs/ContribOperators.md.
struct Row {
    std::string_view op;
    bool standard;  // of ai.onnx; else of com.microsoft
    IntegerUse use;
    std::size_t first, first_zero;    // inputs
    std::size_t second, second_zero;  // inputs
    std::size_t result_zero;          // of output 0
};

constexpr auto kConvert = IntegerUse::convert;
constexpr auto kCompute = IntegerUse::compute;
constexpr Row kRows[] = {
    {"QuantizeLinear", true, kConvert, kNone, kNone, kNone, kNone, 2},
    {"QuantizeLinear", false, kConvert, kNone, kNone, kNone, kNone, 2},
    {"DequantizeLinear", true, kConvert, 0, 2, kNone, kNone, kNone},
    {"DequantizeLinear", false, kConvert, 0, 2, kNone, kNone, kNone},
    {"QLinearConv", true, kCompute, 0, 2, kNone, kNone, 7},
    {"QLinearMatMul", true, kCompute, 0, 2, kNone, kNone, 7},
    {"QLinearAdd", false, kCompute, 0, 2, 3, 5, 7},
    {"QLinearMul", false, kCompute, 0, 2, 3, 5, 7},
    {"QLinearGlobalAveragePool", false, kCompute, 0, 2, kNone, kNone, 4},
    {"QLinearAveragePool", false, kCompute, 0, 2, kNone, kNone, 4},
    {"QLinearLeakyRelu", false, kCompute, 0, 2, kNone, kNone, 4},
    {"QLinearSigmoid", false, kCompute, 0, 2, kNone, kNone, 4},
    {"QLinearSoftmax", false, kCompute, 0, 2, kNone, kNone, 4},
    {"QLinearReduceMean", false, kCompute, 0, 2, kNone, kNone, 4},
    {"QGemm", false, kCompute, 0, 2, kNone, kNone, 8},
};

constexpr std::string_view kPass[] = {
    "DepthToSpace", "Expand", "Flatten", "Gather",    "Identity", "MaxPool",   "Reshape",
    "Slice",        "Split",  "Squeeze", "Transpose", "Tile",     "Unsqueeze", "SpaceToDepth",
};
constexpr std::string_view kOrder[] = {"ArgMax", "ArgMin", "Shape", "Size"};

template <std::size_t N>
bool has(const std::string_view (&list)[N], std::string_view name) {
    return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

// (y_scale, y_zero_point, then for each input: x, x_scale, x_zero_point)
IntegerOperator concatenation(const Node& node) {
    IntegerOperator out;
    out.use = IntegerUse::compute;
    out.operands.push_back({true, 0, 1});
    for (std::size_t i = 2; i < node.inputs.size(); i += 3) {
        out.operands.push_back({false, i, i + 2});
    }
    return out;
}

IntegerOperator row(const Row& found, const Node& node) {
    IntegerOperator out;
    out.use = found.use;
    if (found.first != kNone) out.operands.push_back({false, found.first, found.first_zero});
    if (found.second != kNone) out.operands.push_back({false, found.second, found.second_zero});
    // A QGemm without a zero point of its result makes floats.
    const bool floats = node.op_type == "QGemm" && node.input(8).empty();
    if (found.result_zero != kNone && !floats) out.operands.push_back({true, 0, found.result_zero});
    return out;
}

// Nearest neighbours are picked; what lies outside is a value of the attribute's own.
bool picks(const Node& node) {
    return text_of(node, "mode", "nearest") == "nearest" &&
           text_of(node, "coordinate_transformation_mode", "") != "tf_crop_and_resize";
}

}  // namespace

IntegerOperator integer_operator(const Node& node) {
    IntegerOperator out;
    // A graph inside a node may read any tensor.
    const bool inner = std::any_of(node.attributes.begin(), node.attributes.end(),
                                   [](const Attribute& one) { return !one.graphs.empty(); });
    const bool runtimes = node.domain == "com.microsoft";
    if (inner || (!node.is_onnx() && !runtimes)) return out;
    for (const Row& one : kRows) {
        if (one.op == node.op_type && one.standard != runtimes) return row(one, node);
    }
    if (runtimes) return node.op_type == "QLinearConcat" ? concatenation(node) : out;
    // Only Split has results alike; the second one of MaxPool holds indices.
    const bool one = node.outputs.size() == 1 || node.op_type == "Split";
    if (one && (has(kPass, node.op_type) || (node.op_type == "Resize" && picks(node)))) {
        out.use = IntegerUse::pass;
        out.data_inputs = 1;
    } else if (node.op_type == "Concat") {
        out.use = IntegerUse::pass;
        out.data_inputs = node.inputs.size();
    } else if (has(kOrder, node.op_type)) {
        out.use = IntegerUse::order;
        out.data_inputs = 1;
    }
    return out;
}

}  // namespace ei::graph
