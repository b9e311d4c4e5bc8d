#include "graph/names.hpp"

namespace ei::graph {
namespace {

void add_names(const Graph& graph, std::set<std::string_view>& used) {
    for (const Tensor& one : graph.initializers) used.insert(one.name);
    for (const SparseTensor& one : graph.sparse_initializers) used.insert(one.values.name);
    for (const ValueInfo& one : graph.inputs) used.insert(one.name);
    for (const Node& node : graph.nodes) {
        used.insert(node.outputs.begin(), node.outputs.end());
        for (const Attribute& one : node.attributes) {
            for (const Graph& inner : one.graphs) add_names(inner, used);
        }
    }
}

}  // namespace

Names::Names(const Model& model) {
    add_names(model.graph, used_);
}

std::string Names::fresh(std::string base) const {
    while (used_.contains(base)) base += "_";
    return base;
}

}  // namespace ei::graph
