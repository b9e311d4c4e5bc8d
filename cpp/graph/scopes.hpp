#pragma once
// Graphs inside graphs, and what a name means in each: the rules walk a model with this.

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

// One graph, or the body of a function, with the graphs around it.
class Scope {
  public:
    Scope(const Graph& graph, const Scope* outer);
    explicit Scope(const Function& function);

    const std::vector<Node>& nodes() const noexcept { return *nodes_; }
    const Graph* graph() const noexcept { return graph_; }  // null: the body of a function
    bool is_top() const noexcept { return graph_ != nullptr && outer_ == nullptr; }

    // What stands behind a name, looked up outwards. Both null: an input, or nothing at all.
    struct Origin {
        const Tensor* initializer = nullptr;
        const Node* node = nullptr;
        const Scope* scope = nullptr;  // where it was found; its inputs are looked up from there
        bool sparse = false;           // the initialiser holds some of its values only
        bool replaceable =
            false;  // an initialiser that is an input too: a value a caller may leave
    };
    Origin origin(std::string_view name) const;

    // The node behind a name whose values it passes on unchanged (Identity, Reshape, ...) is
    // followed to where they come from, a few steps at most. A Cast can change them, from -1 to
    // 2^32 - 1 for one, and is followed only where asked for and only to floating-point types.
    enum class Casts { stop, to_floats };
    Origin source(std::string_view name, Casts casts = Casts::stop) const;

    // The tensor that a constant holds: an initialiser, or the `value` of a Constant node.
    static const Tensor* tensor(const Origin& origin);

    // Values of a small constant: sizes, axes, a number of repetitions.
    std::optional<std::vector<std::int64_t>> ints(std::string_view name) const;

  private:
    void add_nodes();

    const std::vector<Node>* nodes_;
    const Graph* graph_;
    const Scope* outer_;
    std::map<std::string_view, Origin> origins_;
};

// Calls visit(scope) for the graph, every graph inside of it, and every function's.
template <class Visit>
void each_scope(const Scope& scope, Visit& visit) {
    visit(scope);
    for (const Node& node : scope.nodes()) {
        for (const Attribute& attribute : node.attributes) {
            for (const Graph& inner : attribute.graphs) each_scope(Scope(inner, &scope), visit);
        }
    }
}

template <class Visit>
void each_scope(const Model& model, Visit visit) {
    each_scope(Scope(model.graph, nullptr), visit);
    for (const Function& function : model.functions) each_scope(Scope(function), visit);
}

}  // namespace ei::graph
