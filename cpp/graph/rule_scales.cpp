#include <algorithm>
#include <span>

#include "graph/finite.hpp"
#include "graph/links.hpp"
#include "graph/rules.hpp"
#include "graph/shapes.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

// Where an operator takes a scale and its zero point from, as indices of its inputs.
struct Pair {
    std::size_t scale;
    std::size_t zero_point;
};

struct Operator {
    std::string_view name;
    bool microsoft_only;
    std::vector<Pair> pairs;
};

// Sources: the ONNX operator pages, and onnxruntime's ContribOperators.md for com.microsoft.
const std::vector<Operator>& operators() {
    static const std::vector<Operator> kOperators = {
        {"QuantizeLinear", false, {{1, 2}}},
        {"DequantizeLinear", false, {{1, 2}}},
        {"QLinearConv", false, {{1, 2}, {4, 5}, {6, 7}}},
        {"QLinearMatMul", false, {{1, 2}, {4, 5}, {6, 7}}},
        {"QLinearConvTranspose", true, {{1, 2}, {4, 5}, {6, 7}}},
        {"QLinearAdd", true, {{1, 2}, {4, 5}, {6, 7}}},
        {"QLinearMul", true, {{1, 2}, {4, 5}, {6, 7}}},
        {"QLinearSigmoid", true, {{1, 2}, {3, 4}}},
        {"QLinearLeakyRelu", true, {{1, 2}, {3, 4}}},
        {"QLinearSoftmax", true, {{1, 2}, {3, 4}}},
        {"QLinearReduceMean", true, {{1, 2}, {3, 4}}},
        {"QLinearAveragePool", true, {{1, 2}, {3, 4}}},
        {"QLinearGlobalAveragePool", true, {{1, 2}, {3, 4}}},
        {"QLinearWhere", true, {{2, 3}, {5, 6}, {7, 8}}},
        {"QGemm", true, {{1, 2}, {4, 5}, {7, 8}}},
        {"QAttention", true, {{3, 6}, {4, 7}}},
        {"DynamicQuantizeMatMul", true, {{2, 3}}},
        {"MatMulIntegerToFloat", true, {{2, 4}, {3, 5}}},
    };
    return kOperators;
}

std::vector<Pair> pairs_of(const Node& node) {
    if (node.domain == "com.microsoft" && node.op_type == "QLinearConcat") {
        std::vector<Pair> pairs = {{0, 1}};  // the result's, then a triple for each tensor
        for (std::size_t i = 3; i + 1 < node.inputs.size(); i += 3) pairs.push_back({i, i + 1});
        return pairs;
    }
    if (!node.is_onnx() && node.domain != "com.microsoft") return {};
    for (const Operator& one : operators()) {
        if (one.name != node.op_type) continue;
        if (one.microsoft_only && node.is_onnx()) return {};
        return one.pairs;
    }
    return {};
}

bool is_quantised_type(ElementType type) {
    switch (type) {
        case ElementType::uint8:
        case ElementType::int8:
        case ElementType::uint16:
        case ElementType::int16:
        case ElementType::int32:  // of DequantizeLinear, for biases
        case ElementType::uint4:
        case ElementType::int4:
        case ElementType::float8e4m3fn:
        case ElementType::float8e4m3fnuz:
        case ElementType::float8e5m2:
        case ElementType::float8e5m2fnuz:
            return true;
        default:
            return static_cast<std::int32_t>(type) > 22;  // FP4 and what came after it
    }
}

class Check {
  public:
    Check(Context& context, const Scope& scope, Shapes* shapes)
        : context_(context), scope_(scope), shapes_(shapes) {}

    void node(const Node& node);

  private:
    void refuse(std::string text, const char* code = "scale", const char* more = "") {
        context_.findings.add(Verdict::refused, code, std::move(text),
                              std::string("quantise the model again; scales are positive, finite "
                                          "numbers and zero points have the type of the integers") +
                                  more);
    }
    void scale(const Node& node, std::string_view name);
    void zero_point(const Node& node, std::string_view scale, std::string_view name);
    void per_channel(const Node& node);
    // Blocks of packed 4-bit weights: onnxruntime's own quantiser makes their scales negative
    // where the largest value is, and zero for a block of zeros.
    bool in_blocks(const Node& node) const { return int_of(node, "block_size", 0) > 0; }

    Context& context_;
    const Scope& scope_;
    Shapes* shapes_;  // of the graph itself; null inside of graphs and functions
};

void Check::scale(const Node& node, std::string_view name) {
    const Scope::Origin origin = scope_.source(name, Scope::Casts::to_floats);
    const std::string what = label(node) + ": its scale " + in_quotes(name);
    OddValues odd;
    std::int64_t count = 0;
    if (const Tensor* const tensor = Scope::tensor(origin)) {
        const auto found = odd_values(*tensor, context_.bytes.of(*tensor));
        if (!found) return;  // of a type that is judged by the runtime
        context_.scales.insert(tensor);
        odd = *found;
        count = element_count(tensor->dims).value_or(0);
    } else if (origin.node != nullptr && origin.node->is("Constant")) {
        std::vector<float> values;
        if (const Attribute* const list = origin.node->attribute("value_floats")) {
            values = floats(*list);
        } else if (const Attribute* const one = origin.node->attribute("value_float")) {
            values = {one->f};
        }
        Tensor plain;
        plain.type = ElementType::float32;
        odd = odd_values(plain, std::as_bytes(std::span(values))).value_or(OddValues{});
        count = static_cast<std::int64_t>(values.size());
    }
    const std::string of = count > 1 ? " (of " + std::to_string(count) + " values)" : "";
    if (odd.nan > 0) {
        refuse(what + of + " is NaN");
    } else if (odd.infinite > 0) {
        refuse(what + of + " is infinite");
    } else if (odd.not_positive > 0 && !in_blocks(node)) {
        // Converters write 0 for a channel whose weights are all zero: any scale fits that one.
        refuse(what + of + " is zero or negative", "scale",
               count > 1 ? "; where channels are dead, set their scale to 1" : "");
    }
}

void Check::zero_point(const Node& node, std::string_view scale, std::string_view name) {
    const Tensor* const zero = Scope::tensor(scope_.origin(name));
    if (zero == nullptr) return;
    const std::string what = label(node) + ": its zero point " + in_quotes(name);
    if (!is_quantised_type(zero->type)) {
        refuse(what + " is " + name_of(zero->type) + ", no integer type of quantised values",
               "zero-point");
        return;
    }
    const Tensor* const other = Scope::tensor(scope_.origin(scale));
    if (other == nullptr) return;
    const auto found = element_count(zero->dims), wanted = element_count(other->dims);
    if (!found || !wanted || *found == *wanted) return;
    // One zero point for many scales is what QLinearConv and its like allow.
    if (*found == 1 && !node.is("QuantizeLinear") && !node.is("DequantizeLinear")) return;
    refuse(what + " has " + std::to_string(*found) + " values, its scale has " +
               std::to_string(*wanted),
           "zero-point");
}

// A scale for each channel: as many as the axis is long.
void Check::per_channel(const Node& node) {
    if (!node.is("QuantizeLinear") && !node.is("DequantizeLinear")) return;
    const Tensor* const scale = Scope::tensor(scope_.origin(node.input(1)));
    if (scale == nullptr || scale->dims.size() != 1 || in_blocks(node)) return;
    const std::int64_t count = scale->dims[0];
    if (count == 1) return;
    Sizes sizes;
    if (const Tensor* const tensor = Scope::tensor(scope_.origin(node.input(0)))) {
        sizes.assign(tensor->dims.begin(), tensor->dims.end());
    } else if (shapes_ != nullptr) {
        const Shape& shape = shapes_->of(node.input(0));
        if (!shape.dims) return;
        sizes = *shape.dims;
    } else {
        return;
    }
    const std::int64_t axis = int_of(node, "axis", 1);
    const auto rank = static_cast<std::int64_t>(sizes.size());
    const std::int64_t at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) {
        refuse(label(node) + ": its scales lie along axis " + std::to_string(axis) +
               " of a tensor of " + std::to_string(rank) + " dimensions");
        return;
    }
    const Size size = sizes[static_cast<std::size_t>(at)];
    if (!size || *size == count) return;
    refuse(label(node) + ": it has " + std::to_string(count) + " scales for axis " +
           std::to_string(axis) + " of length " + std::to_string(*size));
}

void Check::node(const Node& node) {
    for (const Pair& pair : pairs_of(node)) {
        scale(node, node.input(pair.scale));
        zero_point(node, node.input(pair.scale), node.input(pair.zero_point));
    }
    per_channel(node);
}

}  // namespace

void rule_scales(Context& context) {
    const Links links(context.model);
    Shapes shapes(context.model, links);
    each_scope(context.model, [&](const Scope& scope) {
        Check check(context, scope, scope.is_top() ? &shapes : nullptr);
        for (const Node& node : scope.nodes()) check.node(node);
    });
}

}  // namespace ei::graph
