#include "graph/facts.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "graph/external.hpp"
#include "graph/links.hpp"
#include "graph/shapes.hpp"
#include "graph/text.hpp"
#include "graph/uint8.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

const char* name_of_kind(ValueKind kind) {
    switch (kind) {
        case ValueKind::tensor:
            return "tensor";
        case ValueKind::sequence:
            return "sequence";
        case ValueKind::map:
            return "map";
        case ValueKind::optional:
            return "optional";
        case ValueKind::sparse_tensor:
            return "sparse_tensor";
        case ValueKind::opaque:
            return "opaque";
        case ValueKind::unknown:
            break;
    }
    return "unknown";
}

ValueFacts value_facts(const ValueInfo& value) {
    ValueFacts out;
    out.name = printable(value.name);
    out.kind = name_of_kind(value.kind);
    out.dtype = name_of(value.type);
    if (value.dims) {
        out.shape.emplace();
        for (const Dim& dim : *value.dims) {
            if (dim.value) {
                out.shape->emplace_back(*dim.value);
            } else {
                out.shape->emplace_back(printable(dim.symbol));
            }
        }
    }
    return out;
}

// What a node counts as in the share of quantised work.
enum class Work { other, real, quantised };

class Counter {
  public:
    explicit Counter(const Model& model)
        : links_(model), shapes_(model, links_), top_(&model.graph) {}

    void graph(const Graph& graph, Facts& out);

  private:
    Work work_of(const Node& node, bool top);
    bool integers_behind(std::string_view name);
    bool is_weight(std::string_view name) const;
    void tensor(const Tensor& tensor, Facts& out);

    Links links_;
    Shapes shapes_;
    const Graph* top_;
    std::set<std::string> external_;
};

// Whether `name` is a DequantizeLinear of 8-bit (or packed 4-bit) integers.
bool Counter::integers_behind(std::string_view name) {
    const auto maker = links_.maker(name);
    if (!maker || !top_->nodes[*maker].is("DequantizeLinear")) return false;
    const int bits = bits_of(shapes_.of(top_->nodes[*maker].input(0)).type);
    return bits > 0 && bits <= 8;
}

bool Counter::is_weight(std::string_view name) const {
    if (links_.initializer(name) || links_.constant(name) != nullptr) return true;
    const auto maker = links_.maker(name);
    return maker && top_->nodes[*maker].is("DequantizeLinear") &&
           links_.initializer(top_->nodes[*maker].input(0)).has_value();
}

Work Counter::work_of(const Node& node, bool top) {
    static const std::set<std::string_view> kInteger = {
        "QLinearConv",          "ConvInteger", "QLinearMatMul",
        "MatMulInteger",        "QGemm",       "DynamicQuantizeMatMul",
        "MatMulIntegerToFloat", "QAttention",  "QLinearConvTranspose"};
    static const std::set<std::string_view> kReal = {
        "Conv",      "ConvTranspose", "Gemm",      "MatMul",        "FusedConv",
        "FusedGemm", "FusedMatMul",   "Attention", "NhwcFusedConv", "MatMulNBits"};
    if (!node.is_onnx() && node.domain != "com.microsoft") return Work::other;
    if (kInteger.contains(node.op_type)) return Work::quantised;
    if (!kReal.contains(node.op_type)) return Work::other;
    if (!top) return Work::real;
    if (node.op_type == "MatMul" && !is_weight(node.input(0)) && !is_weight(node.input(1))) {
        return Work::other;  // a product of two activations holds no weights
    }
    return integers_behind(node.input(0)) && integers_behind(node.input(1)) ? Work::quantised
                                                                            : Work::real;
}

void Counter::tensor(const Tensor& tensor, Facts& out) {
    constexpr std::int64_t kMost = std::int64_t{1} << 60;  // of a sum over hostile dims
    const auto elements = element_count(tensor.dims);
    if (elements) out.parameters += std::min(*elements, kMost - std::min(out.parameters, kMost));
    const auto bytes =
        static_cast<std::int64_t>(std::min(data_bytes(tensor), static_cast<std::size_t>(kMost)));
    out.weight_bytes += std::min(bytes, kMost - std::min(out.weight_bytes, kMost));
    if (!tensor.external) return;
    for (const Entry& entry : tensor.stored) {
        if (entry.key == "location" && external_.insert(std::string(entry.value)).second) {
            out.external_files.push_back(printable(entry.value));
        }
    }
}

void Counter::graph(const Graph& graph, Facts& out) {
    for (const Tensor& one : graph.initializers) tensor(one, out);
    for (const SparseTensor& one : graph.sparse_initializers) tensor(one.values, out);
    for (const Node& node : graph.nodes) {
        const std::string prefix = node.is_onnx() ? "" : printable(node.domain) + ".";
        ++out.operators[prefix + printable(node.op_type)];
        const Work work = work_of(node, &graph == top_);
        out.weighted_nodes += work == Work::other ? 0 : 1;
        out.quantised_nodes += work == Work::quantised ? 1 : 0;
        for (const Attribute& attribute : node.attributes) {
            for (const Graph& inner : attribute.graphs) this->graph(inner, out);
        }
    }
}

}  // namespace

Facts facts(const Model& model, const Checks& checks) {
    Facts out;
    out.file_bytes = static_cast<std::int64_t>(model.message.size());
    out.ir_version = model.ir_version;
    out.producer_name = printable(model.producer_name);
    out.producer_version = printable(model.producer_version);
    out.graph_name = printable(model.graph.name);
    for (const OpsetImport& opset : model.opsets) {
        const bool standard = opset.domain.empty() || opset.domain == "ai.onnx";
        out.opsets.push_back({standard ? "ai.onnx" : printable(opset.domain), opset.version});
    }
    for (const Entry& entry : model.metadata) {
        out.metadata.emplace_back(printable(entry.key), printable(entry.value));
    }
    std::set<std::string_view> supplied;
    for (const Tensor& one : model.graph.initializers) supplied.insert(one.name);
    for (const ValueInfo& input : model.graph.inputs) {
        if (!supplied.contains(input.name)) out.inputs.push_back(value_facts(input));
    }
    for (const ValueInfo& output : model.graph.outputs) {
        out.outputs.push_back(value_facts(output));
    }
    Counter(model).graph(model.graph, out);
    out.heads = find_heads(model);
    for (Head& head : out.heads) head.name = printable(head.name);
    const Uint8Move move = find_uint8_move(model);
    out.uint8.movable = static_cast<std::int64_t>(move.moved.size());
    out.uint8.left.insert(move.left.begin(), move.left.end());
    out.tail = find_tail(model);
    if (out.tail.tail) {
        out.tail.tail->logits = printable(out.tail.tail->logits);
        out.tail.tail->output = printable(out.tail.tail->output);
    }
    out.loops = find_loops(model);
    out.problems = problems(model, checks);
    return out;
}

}  // namespace ei::graph
