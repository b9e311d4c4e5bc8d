#pragma once
// Names for tensors that are added to a graph.

#include <set>
#include <string>
#include <string_view>

#include "graph/model.hpp"

namespace ei::graph {

class Names {
  public:
    // The model's bytes must outlive this. Cost: one pass over all names, inner graphs included:
    // one of theirs would hide a new tensor.
    explicit Names(const Model& model);

    // `base`, with as many "_" behind as it takes to be no other's.
    std::string fresh(std::string base) const;

  private:
    std::set<std::string_view> used_;
};

}  // namespace ei::graph
