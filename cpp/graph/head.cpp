#include "graph/head.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "graph/editor.hpp"
#include "graph/fields.hpp"
#include "graph/links.hpp"
#include "graph/names.hpp"
#include "graph/shapes.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"
#include "graph/zero_point.hpp"

namespace ei::graph {
namespace {

bool is_quantised(ElementType type) {
    return type == ElementType::uint8 || type == ElementType::int8 || type == ElementType::uint16 ||
           type == ElementType::int16;
}

class Finder {
  public:
    explicit Finder(const Model& model) : model_(model), links_(model) {}

    // The head at input `index`, if it has one.
    std::optional<Head> at(std::size_t index) const;

  private:
    bool parameters(const Node& node, Head& head) const;

    const Model& model_;
    Links links_;
};

// One positive scale and one zero point, both constant.
bool Finder::parameters(const Node& node, Head& head) const {
    const auto scale = links_.constant_floats(node.input(1));
    if (!scale || scale->size() != 1 || int_of(node, "block_size", 0) != 0 ||
        int_of(node, "precision", 0) > 1) {
        return false;
    }
    head.scale = scale->front();
    if (!std::isfinite(head.scale) || head.scale <= 0) return false;
    if (node.input(2).empty()) return true;  // zero; the type is told by others
    const Tensor* const tensor = links_.constant(node.input(2));
    const auto zero = links_.constant_ints(node.input(2));
    if (tensor == nullptr || !zero || zero->size() != 1) return false;
    head.zero_point = zero->front();
    head.type = tensor->type;
    return true;
}

std::optional<Head> Finder::at(std::size_t index) const {
    const ValueInfo& input = model_.graph.inputs[index];
    const auto& users = links_.users(input.name);
    if (input.kind != ValueKind::tensor || links_.initializer(input.name) ||
        links_.is_output(input.name) || users.size() != 1) {
        return std::nullopt;
    }
    const Node& node = model_.graph.nodes[users.front()];
    const bool reads_once = std::count(node.inputs.begin(), node.inputs.end(), input.name) == 1 &&
                            node.input(0) == input.name && node.outputs.size() == 1 &&
                            !node.outputs[0].empty();
    Head head;
    head.input = index;
    head.name = input.name;
    head.node = users.front();
    if (!reads_once) return std::nullopt;
    if (node.is("QuantizeLinear") && input.type == ElementType::float32) {
        head.type = int_of(node, "output_dtype", 0) == 0
                        ? ElementType::uint8
                        : static_cast<ElementType>(int_of(node, "output_dtype", 0));
        if (!parameters(node, head) || !is_quantised(head.type)) return std::nullopt;
        const std::string_view integers = node.outputs[0];
        if (links_.is_output(integers) || !links_.maker(integers)) return std::nullopt;
        head.quantizes = true;
        head.integers = integers;
        const auto& readers = links_.users(integers);
        if (readers.size() == 1) {
            const Node& reader = model_.graph.nodes[readers.front()];
            Head other;
            other.type = head.type;
            head.paired = reader.is("DequantizeLinear") && reader.input(0) == integers &&
                          parameters(reader, other) && other.type == head.type &&
                          other.scale == head.scale && other.zero_point == head.zero_point;
        }
        return head;
    }
    if (node.is("DequantizeLinear") && is_quantised(input.type)) {
        head.type = input.type;
        if (!parameters(node, head) || head.type != input.type) return std::nullopt;
        head.integers = input.name;
        return head;
    }
    return std::nullopt;
}

// The input as a float32 or integer tensor of another name, its axes as the file has them.
std::vector<std::byte> declaration(const ValueInfo& input, std::string_view name,
                                   ElementType type) {
    return tensor_value(name, type, input.dims);
}

// The QuantizeLinear of a head as a model of its own.
std::vector<std::byte> alone(const Model& model, const Head& head,
                             const std::optional<std::string>& zero_point) {
    const Graph& graph = model.graph;
    const Node& node = graph.nodes[head.node];
    const Links links(model);
    std::set<std::size_t> nodes = {head.node}, initializers;
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
        if (const auto held = links.initializer(node.inputs[i])) initializers.insert(*held);
        if (const auto maker = links.maker(node.inputs[i])) nodes.insert(*maker);
    }
    GraphEdit edit;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        if (!nodes.contains(i)) edit.nodes.drop_at(i);
    }
    for (std::size_t i = 0; i < graph.initializers.size(); ++i) {
        if (!initializers.contains(i)) edit.initializers.drop_at(i);
    }
    if (zero_point) {
        edit.nodes.replace[head.node] = with_inputs(node, {{2, *zero_point}});
        edit.initializers.add.push_back(uint8_tensor(*zero_point, {}, head.zero_point));
    }
    edit.inputs.drop_all = edit.outputs.drop_all = edit.value_infos.drop_all = true;
    const ValueInfo& input = graph.inputs[head.input];
    edit.inputs.add.push_back(declaration(input, head.name, ElementType::float32));
    edit.outputs.add.push_back(declaration(input, head.integers, head.type));
    if (model.ir_version < 4) {  // every initialiser is declared as an input as well
        for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
            const auto held = links.initializer(graph.inputs[i].name);
            if (!held || !initializers.contains(*held)) continue;
            const Tensor& one = graph.initializers[*held];
            std::vector<Dim> dims;
            for (const std::int64_t dim : one.dims) dims.push_back({dim, {}});
            edit.inputs.add.push_back(tensor_value(one.name, one.type, dims));
        }
        if (zero_point) {
            edit.inputs.add.push_back(
                tensor_value(*zero_point, ElementType::uint8, std::vector<Dim>{}));
        }
    }
    edit.sparse_initializers.drop_all = edit.annotations.drop_all = true;
    edit.drop_model_fields = {model_field::doc, model_field::metadata, model_field::training,
                              model_field::functions, model_field::configuration};
    return rebuild(model, edit);
}

}  // namespace

std::vector<Head> find_heads(const Model& model) {
    // A model function may give a standard operator's name another meaning.
    for (const Function& one : model.functions) {
        if (one.domain.empty() || one.domain == "ai.onnx") return {};
    }
    const Finder finder(model);
    std::vector<Head> heads;
    for (std::size_t i = 0; i < model.graph.inputs.size(); ++i) {
        if (auto head = finder.at(i)) heads.push_back(std::move(*head));
    }
    return heads;
}

HeadsCut cut_heads(const Model& model, const std::vector<Head>& heads, bool int8_becomes_uint8) {
    const Graph& graph = model.graph;
    const Links links(model);
    const Names names(model);
    GraphEdit edit;
    HeadsCut out;
    for (const Head& found : heads) {
        if (!found.quantizes) continue;
        Head head = found;
        std::optional<std::string> zero_point;
        if (head.type == ElementType::int8 && int8_becomes_uint8) {
            if (!head.paired) continue;
            head.type = ElementType::uint8;
            head.zero_point += kHalfRange;
            zero_point = names.fresh(head.integers + "_uint8");
            const std::size_t reader = links.users(head.integers).front();
            edit.nodes.replace[reader] = with_inputs(graph.nodes[reader], {{2, *zero_point}});
            edit.initializers.add.push_back(uint8_tensor(*zero_point, {}, head.zero_point));
            if (model.ir_version < 4) {
                edit.inputs.add.push_back(
                    tensor_value(*zero_point, ElementType::uint8, std::vector<Dim>{}));
            }
        }
        edit.nodes.drop_at(head.node);
        edit.inputs.replace[head.input] =
            declaration(graph.inputs[head.input], head.integers, head.type);
        for (std::size_t i = 0; i < graph.value_infos.size(); ++i) {
            if (graph.value_infos[i].name == head.integers) edit.value_infos.drop_at(i);
        }
        std::vector<std::byte> quantize = alone(model, head, zero_point);
        out.heads.push_back({std::move(head), std::move(quantize)});
    }
    if (!out.heads.empty()) out.core = rebuild(model, edit);
    return out;
}

}  // namespace ei::graph
