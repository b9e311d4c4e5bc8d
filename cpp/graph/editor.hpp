#pragma once
// Writes a changed model from the bytes of the original: what is not named in the edit stays byte
// for byte, unknown fields included.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

// Changes to one list of a graph (its nodes, its initialisers, ...), by index in that list.
struct ListEdit {
    bool drop_all = false;                                  // of what the file has; `add` stays
    std::vector<bool> drop;                                 // may be shorter than the list
    std::map<std::size_t, std::vector<std::byte>> replace;  // payload that takes the place
    std::map<std::size_t, std::vector<std::byte>> before;   // payload put in front of it
    std::vector<std::vector<std::byte>> add;                // payloads appended to the list

    void drop_at(std::size_t index);
    bool drops(std::size_t index) const noexcept {
        return drop_all || (index < drop.size() && drop[index]);
    }
};

struct GraphEdit {
    ListEdit nodes, initializers, sparse_initializers, inputs, outputs, value_infos, annotations;
    std::vector<std::uint32_t> drop_model_fields;  // field numbers of ModelProto, e.g. functions
};

// The edited file. Weights are copied once, from the original bytes into the result.
std::vector<std::byte> rebuild(const Model& model, const GraphEdit& edit);

// Payload of a ValueInfoProto for a tensor; `dims` without a value: rank unknown.
std::vector<std::byte> tensor_value(std::string_view name, ElementType type,
                                    const std::optional<std::vector<Dim>>& dims);

}  // namespace ei::graph
