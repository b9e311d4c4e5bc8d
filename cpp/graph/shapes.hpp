#pragma once
// Small shape inference: enough to know the size of the tensor before a segmentation tail in files
// that declare no intermediate shapes. What is not known is said to be unknown, never guessed.

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "graph/links.hpp"
#include "graph/model.hpp"

namespace ei::graph {

using Size = std::optional<std::int64_t>;
using Sizes = std::vector<Size>;

struct Shape {
    ElementType type = ElementType::undefined;
    std::optional<Sizes> dims;  // none: rank unknown
};

class Shapes {
  public:
    Shapes(const Model& model, const Links& links);

    // What the file declares for `name`, completed by what its maker's inputs imply; where the two
    // disagree, unknown. Cost: each node is visited once over the lifetime; no recursion.
    const Shape& of(std::string_view name);

  private:
    std::optional<Shape> declared(std::string_view name) const;
    Shape made_by(const Node& node, std::string_view name);
    Shape combined(std::string_view name, Shape inferred) const;

    const Model& model_;
    const Links& links_;
    std::map<std::string_view, const ValueInfo*> declared_;
    std::map<std::string_view, Shape> known_;
    std::vector<bool> opened_;  // nodes whose inputs were asked for already
};

}  // namespace ei::graph
