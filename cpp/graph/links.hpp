#pragma once
// Who makes and who uses each tensor of a graph, and which tensors are constants.
//
// Ordered maps, not hashed ones: the names come from the file, and a crafted set of names must not
// turn a look-up into a walk.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

class Links {
  public:
    explicit Links(const Model& model);

    // Index of the node that makes `name`; none for inputs, initialisers and unknown names. A name
    // made twice has no maker: nothing may be concluded from it.
    std::optional<std::size_t> maker(std::string_view name) const;
    // Nodes that read `name`, in order, each once; a node counts too when a graph in its
    // attributes mentions the name.
    const std::vector<std::size_t>& users(std::string_view name) const;
    bool is_output(std::string_view name) const { return outputs_.contains(name); }
    bool is_input(std::string_view name) const { return inputs_.contains(name); }
    std::optional<std::size_t> initializer(std::string_view name) const;

    // The tensor behind a name that always has the same value: an initialiser that no input
    // overrides, or the `value` of a Constant node.
    const Tensor* constant(std::string_view name) const;
    std::optional<std::vector<std::int64_t>> constant_ints(std::string_view name) const;
    std::optional<std::vector<float>> constant_floats(std::string_view name) const;

  private:
    const Model& model_;
    std::map<std::string_view, std::optional<std::size_t>> makers_;
    std::map<std::string_view, std::vector<std::size_t>> users_;
    std::map<std::string_view, std::size_t> initializers_, inputs_, outputs_;
};

}  // namespace ei::graph
