#include "graph/links.hpp"

#include "graph/values.hpp"

namespace ei::graph {
namespace {

// Since IR version 4 an initialiser that is also an input is only a default value.
constexpr std::int64_t kOverridableSinceIr = 4;

template <class Visit>
void mentioned_in_graphs(const Node& node, Visit visit) {
    for (const Attribute& attribute : node.attributes) {
        for (const Graph& graph : attribute.graphs) {
            for (const Node& inner : graph.nodes) {
                for (const std::string_view name : inner.inputs) visit(name);
                mentioned_in_graphs(inner, visit);
            }
            for (const ValueInfo& output : graph.outputs) visit(output.name);
        }
    }
}

}  // namespace

Links::Links(const Model& model) : model_(model) {
    const Graph& graph = model.graph;
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) inputs_.emplace(graph.inputs[i].name, i);
    for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
        outputs_.emplace(graph.outputs[i].name, i);
    }
    for (std::size_t i = 0; i < graph.initializers.size(); ++i) {
        initializers_.emplace(graph.initializers[i].name, i);
    }
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node& node = graph.nodes[i];
        for (const std::string_view name : node.outputs) {
            if (name.empty()) continue;
            const auto [at, fresh] = makers_.emplace(name, i);
            if (!fresh) at->second.reset();
        }
        const auto use = [&](std::string_view name) {
            if (name.empty()) return;
            auto& users = users_[name];
            if (users.empty() || users.back() != i) users.push_back(i);
        };
        for (const std::string_view name : node.inputs) use(name);
        mentioned_in_graphs(node, use);
    }
}

std::optional<std::size_t> Links::maker(std::string_view name) const {
    const auto found = makers_.find(name);
    if (found == makers_.end() || is_input(name) || initializers_.contains(name)) {
        return std::nullopt;
    }
    return found->second;
}

const std::vector<std::size_t>& Links::users(std::string_view name) const {
    static const std::vector<std::size_t> kNone;
    const auto found = users_.find(name);
    return found == users_.end() ? kNone : found->second;
}

std::optional<std::size_t> Links::initializer(std::string_view name) const {
    const auto found = initializers_.find(name);
    if (found == initializers_.end()) return std::nullopt;
    return found->second;
}

const Tensor* Links::constant(std::string_view name) const {
    if (name.empty()) return nullptr;
    if (const auto index = initializer(name)) {
        if (makers_.contains(name)) return nullptr;
        if (is_input(name) && model_.ir_version >= kOverridableSinceIr) return nullptr;
        return &model_.graph.initializers[*index];
    }
    const auto index = maker(name);
    if (!index) return nullptr;
    const Node& node = model_.graph.nodes[*index];
    if (!node.is("Constant")) return nullptr;
    const Attribute* const value = node.attribute("value");
    return value == nullptr || value->tensors.size() != 1 ? nullptr : &value->tensors[0];
}

namespace {

const Node* constant_node(const Model& model, const Links& links, std::string_view name) {
    const auto index = links.maker(name);
    if (!index) return nullptr;
    const Node& node = model.graph.nodes[*index];
    return node.is("Constant") ? &node : nullptr;
}

}  // namespace

std::optional<std::vector<std::int64_t>> Links::constant_ints(std::string_view name) const {
    if (const Tensor* const tensor = constant(name)) return int_values(*tensor);
    const Node* const node = constant_node(model_, *this, name);
    if (node == nullptr) return std::nullopt;
    if (const Attribute* const list = node->attribute("value_ints")) return ints(*list);
    if (const Attribute* const one = node->attribute("value_int")) return std::vector{one->i};
    return std::nullopt;
}

std::optional<std::vector<float>> Links::constant_floats(std::string_view name) const {
    if (const Tensor* const tensor = constant(name)) return float_values(*tensor);
    const Node* const node = constant_node(model_, *this, name);
    if (node == nullptr) return std::nullopt;
    if (const Attribute* const list = node->attribute("value_floats")) return floats(*list);
    if (const Attribute* const one = node->attribute("value_float")) return std::vector{one->f};
    return std::nullopt;
}

}  // namespace ei::graph
