#include "graph/initializers.hpp"

#include <algorithm>

#include "graph/fields.hpp"
#include "graph/wire.hpp"

namespace ei::graph {

std::vector<std::byte> raw_tensor(std::string_view name, ElementType type,
                                  const std::vector<std::int64_t>& dims, Bytes values) {
    WireWriter out;
    for (const std::int64_t dim : dims) {
        out.varint(tensor_field::dims, static_cast<std::uint64_t>(dim));
    }
    out.varint(tensor_field::data_type, static_cast<std::uint64_t>(type));
    out.text(tensor_field::name, name);
    out.length(tensor_field::raw_data, values);
    return out.take();
}

void add_initializer(const Model& model, GraphEdit& edit, std::string_view name, ElementType type,
                     const std::vector<std::int64_t>& dims, Bytes values) {
    edit.initializers.add.push_back(raw_tensor(name, type, dims, values));
    if (model.ir_version >= 4) return;
    std::vector<Dim> declared;
    for (const std::int64_t dim : dims) declared.push_back({dim, {}});
    edit.inputs.add.push_back(tensor_value(name, type, declared));
}

void drop_unread(const Model& model, const Links& links, const Released& released,
                 GraphEdit& edit) {
    std::map<std::string_view, std::size_t> reads;
    std::vector<bool> inner;
    for (const Node& node : model.graph.nodes) {
        for (const std::string_view name : node.inputs) ++reads[name];
        inner.push_back(std::any_of(node.attributes.begin(), node.attributes.end(),
                                    [](const Attribute& one) { return !one.graphs.empty(); }));
    }
    const auto unread = [&](std::string_view name) {
        const auto found = released.find(name);
        if (found == released.end() || reads[name] != found->second || links.is_output(name)) {
            return false;
        }
        const auto& users = links.users(name);
        return std::none_of(users.begin(), users.end(),
                            [&](std::size_t user) { return inner[user]; });
    };
    for (std::size_t i = 0; i < model.graph.initializers.size(); ++i) {
        if (unread(model.graph.initializers[i].name)) edit.initializers.drop_at(i);
    }
    for (std::size_t i = 0; i < model.graph.inputs.size(); ++i) {
        const std::string_view name = model.graph.inputs[i].name;
        if (links.initializer(name) && unread(name)) edit.inputs.drop_at(i);
    }
}

}  // namespace ei::graph
