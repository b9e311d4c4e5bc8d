#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "graph/editor.hpp"
#include "graph/fields.hpp"
#include "graph/links.hpp"
#include "graph/tail.hpp"
#include "graph/text.hpp"

namespace ei::graph {
namespace {

using Indices = std::set<std::size_t>;

// Divides a graph into what stays in the core and what the tail needs.
class Cutter {
  public:
    Cutter(const Model& model, const Tail& tail) : model_(model), tail_(tail), links_(model) {
        gone_.insert(tail.nodes.begin(), tail.nodes.end());
        chain_ = gone_;
        for (const std::size_t index : tail.nodes) {
            if (index >= model.graph.nodes.size()) {
                throw Error(ErrorKind::model, "the tail is not of this model; search it again");
            }
            // A DequantizeLinear that others read too goes with the tail as a copy.
            if (read_outside(model.graph.nodes[index])) gone_.erase(index);
        }
        for (const std::size_t index : tail.nodes) collect_constants(model.graph.nodes[index]);
        for (std::size_t i = 0; i < model.graph.outputs.size(); ++i) {
            const auto maker = links_.maker(model.graph.outputs[i].name);
            if (maker && gone_.contains(*maker)) lost_.insert(i);
        }
    }

    std::vector<std::byte> core() const;
    std::vector<std::byte> rest() const;

  private:
    bool all_gone(std::string_view name) const {
        const auto& users = links_.users(name);
        return std::all_of(users.begin(), users.end(),
                           [&](std::size_t user) { return gone_.contains(user); });
    }
    bool read_outside(const Node& node) const {
        return std::any_of(node.outputs.begin(), node.outputs.end(), [&](std::string_view name) {
            const auto& users = links_.users(name);
            return std::any_of(users.begin(), users.end(),
                               [&](std::size_t user) { return !chain_.contains(user); });
        });
    }
    void collect_constants(const Node& node);
    std::vector<std::byte> declaration() const;

    const Model& model_;
    const Tail& tail_;
    Links links_;
    Indices chain_;                          // nodes of the tail
    Indices gone_;                           // nodes the core loses
    Indices constant_nodes_, initializers_;  // what the tail needs besides its nodes
    Indices lost_;                           // outputs the core loses
};

void Cutter::collect_constants(const Node& node) {
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
        const std::string_view name = node.inputs[i];
        if (name.empty()) continue;
        if (const auto initializer = links_.initializer(name)) {
            initializers_.insert(*initializer);
        } else if (const auto maker = links_.maker(name)) {
            constant_nodes_.insert(*maker);
        }
    }
}

// What is known of the logits, as (N, C, H, W); symbolic names are taken from the file.
std::vector<std::byte> Cutter::declaration() const {
    std::vector<Dim> dims(4);
    for (const auto* const list :
         {&model_.graph.value_infos, &model_.graph.outputs, &model_.graph.inputs}) {
        for (const ValueInfo& value : *list) {
            if (value.name == tail_.logits && value.dims && value.dims->size() == 4) {
                for (std::size_t i = 0; i < 4; ++i) dims[i].symbol = (*value.dims)[i].symbol;
            }
        }
    }
    dims[0].value = tail_.batch;
    dims[1].value = tail_.classes;
    dims[2].value = tail_.height;
    dims[3].value = tail_.width;
    return tensor_value(tail_.logits, tail_.type, dims);
}

std::vector<std::byte> Cutter::core() const {
    const Graph& graph = model_.graph;
    GraphEdit edit;
    Indices dropped = gone_;
    for (const std::size_t index : constant_nodes_) {
        const auto& outputs = graph.nodes[index].outputs;
        if (std::all_of(outputs.begin(), outputs.end(), [&](std::string_view name) {
                return all_gone(name) && !links_.is_output(name);
            })) {
            dropped.insert(index);
        }
    }
    std::set<std::string_view> undone;  // tensors the core no longer makes
    for (const std::size_t index : dropped) {
        edit.nodes.drop_at(index);
        undone.insert(graph.nodes[index].outputs.begin(), graph.nodes[index].outputs.end());
    }
    for (const std::size_t index : initializers_) {
        const std::string_view name = graph.initializers[index].name;
        if (!all_gone(name) || links_.is_output(name)) continue;
        edit.initializers.drop_at(index);
        for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
            if (graph.inputs[i].name == name) edit.inputs.drop_at(i);
        }
    }
    bool declared = links_.is_output(tail_.logits);
    for (const std::size_t index : lost_) {
        if (declared) {
            edit.outputs.drop_at(index);
        } else {
            edit.outputs.replace[index] = declaration();
            declared = true;
        }
    }
    for (std::size_t i = 0; i < graph.value_infos.size(); ++i) {
        const std::string_view name = graph.value_infos[i].name;
        if (name == tail_.logits || undone.contains(name)) edit.value_infos.drop_at(i);
    }
    return rebuild(model_, edit);
}

std::vector<std::byte> Cutter::rest() const {
    const Graph& graph = model_.graph;
    GraphEdit edit;
    std::set<std::string_view> made;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        if (chain_.contains(i) || constant_nodes_.contains(i)) {
            made.insert(graph.nodes[i].outputs.begin(), graph.nodes[i].outputs.end());
        } else {
            edit.nodes.drop_at(i);
        }
    }
    std::set<std::string_view> kept;
    for (std::size_t i = 0; i < graph.initializers.size(); ++i) {
        if (initializers_.contains(i)) {
            kept.insert(graph.initializers[i].name);
        } else {
            edit.initializers.drop_at(i);
        }
    }
    // Before IR version 4 every initialiser is declared as an input as well.
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
        if (!kept.contains(graph.inputs[i].name)) edit.inputs.drop_at(i);
    }
    edit.inputs.add.push_back(declaration());
    for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
        if (!lost_.contains(i)) edit.outputs.drop_at(i);
    }
    for (std::size_t i = 0; i < graph.value_infos.size(); ++i) {
        if (!made.contains(graph.value_infos[i].name)) edit.value_infos.drop_at(i);
    }
    edit.sparse_initializers.drop_all = true;
    edit.annotations.drop_all = true;
    edit.drop_model_fields = {model_field::doc, model_field::metadata, model_field::training,
                              model_field::functions, model_field::configuration};
    return rebuild(model_, edit);
}

}  // namespace

Cut cut(const Model& model, const Tail& tail) {
    const Cutter cutter(model, tail);
    return {cutter.core(), cutter.rest()};
}

}  // namespace ei::graph
