#include "graph/scopes.hpp"

#include "graph/values.hpp"

namespace ei::graph {
namespace {

constexpr int kMostSteps = 16;  // of a chain of nodes that only pass values on

bool passes_on(const Node& node) {
    for (const char* name : {"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}) {
        if (node.is(name)) return true;
    }
    return false;
}

}  // namespace

Scope::Scope(const Graph& graph, const Scope* outer)
    : nodes_(&graph.nodes), graph_(&graph), outer_(outer) {
    for (const Tensor& one : graph.initializers) origins_.emplace(one.name, Origin{&one});
    for (const SparseTensor& one : graph.sparse_initializers) {
        origins_.emplace(one.values.name, Origin{&one.values});
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
        if (found != scope->origins_.end()) return found->second;
    }
    return {};
}

Scope::Origin Scope::source(std::string_view name) const {
    Origin found = origin(name);
    for (int step = 0; found.node != nullptr && passes_on(*found.node); ++step) {
        if (step == kMostSteps) return {};
        found = origin(found.node->input(0));
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
