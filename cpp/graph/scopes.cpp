#include "graph/scopes.hpp"

#include "graph/values.hpp"

namespace ei::graph {
namespace {

constexpr int kMostSteps = 16;  // of a chain of nodes that only pass values on

bool passes_on(const Node& node, Scope::Casts casts) {
    for (const char* name : {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}) {
        if (node.is(name)) return true;
    }
    if (!node.is("Cast") || casts == Scope::Casts::stop) return false;
    switch (static_cast<ElementType>(int_of(node, "to", 0))) {
        case ElementType::float32:
        case ElementType::float64:
        case ElementType::float16:
        case ElementType::bfloat16:
            return true;
        default:
            return false;
    }
}

}  // namespace

Scope::Scope(const Graph& graph, const Scope* outer)
    : nodes_(&graph.nodes), graph_(&graph), outer_(outer) {
    for (const Tensor& one : graph.initializers) origins_.emplace(one.name, Origin{&one});
    for (const SparseTensor& one : graph.sparse_initializers) {
        Origin origin{&one.values};
        origin.sparse = true;
        origins_.emplace(one.values.name, origin);
    }
    add_nodes();
    for (const ValueInfo& one : graph.inputs) {
        const auto [at, fresh] = origins_.emplace(one.name, Origin{});
        at->second.replaceable = !fresh;
    }
}

Scope::Scope(const Function& function) : nodes_(&function.nodes), graph_(nullptr), outer_(nullptr) {
    for (const std::string_view name : function.inputs) origins_.emplace(name, Origin{});
    add_nodes();
}

void Scope::add_nodes() {
    for (const Node& node : *nodes_) {
        for (const std::string_view name : node.outputs) {
            if (!name.empty()) origins_.emplace(name, Origin{nullptr, &node});
        }
    }
}

Scope::Origin Scope::origin(std::string_view name) const {
    if (name.empty()) return {};
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer_) {
        const auto found = scope->origins_.find(name);
        if (found == scope->origins_.end()) continue;
        Origin origin = found->second;
        origin.scope = scope;
        return origin;
    }
    return {};
}

Scope::Origin Scope::source(std::string_view name, Casts casts) const {
    Origin found = origin(name);
    for (int step = 0; found.node != nullptr && passes_on(*found.node, casts); ++step) {
        if (step == kMostSteps) return {};
        found = found.scope->origin(found.node->input(0));
    }
    return found;
}

const Tensor* Scope::tensor(const Origin& origin) {
    if (origin.initializer != nullptr) return origin.initializer;
    if (origin.node == nullptr || !origin.node->is("Constant")) return nullptr;
    const Attribute* const value = origin.node->attribute("value");
    return value == nullptr || value->tensors.size() != 1 ? nullptr : &value->tensors[0];
}

std::optional<std::vector<std::int64_t>> Scope::ints(std::string_view name) const {
    const Origin from = source(name);
    if (const Tensor* const held = tensor(from)) return int_values(*held);
    if (from.node == nullptr || !from.node->is("Constant")) return std::nullopt;
    if (const Attribute* const list = from.node->attribute("value_ints")) {
        return graph::ints(*list);
    }
    if (const Attribute* const one = from.node->attribute("value_int")) return std::vector{one->i};
    return std::nullopt;
}

}  // namespace ei::graph
