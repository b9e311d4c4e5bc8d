#pragma once
// What each operator makes of its inputs' shapes; `shapes.cpp` walks the graph with these.
// Source of every rule: the operator's page in the ONNX specification.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "graph/shapes.hpp"

namespace ei::graph {

struct RuleInput {
    const Node& node;
    const std::vector<const Shape*>& inputs;  // one per input of the node, never null
    const Links& links;                       // for constant inputs: sizes, axes, pads
    std::int64_t opset = 0;
    std::size_t output = 0;  // index of the output asked for

    const Shape& input(std::size_t index) const;
};

// Unknown where there is no rule or an input is not known well enough.
Shape infer(const RuleInput& in);

// Rules of operators that slide over or rescale the spatial axes (shape_spatial.cpp).
std::optional<Sizes> convolved(const RuleInput& in, const Shape& weights);
std::optional<Sizes> deconvolved(const RuleInput& in);
std::optional<Sizes> pooled(const RuleInput& in);
std::optional<Sizes> globally_pooled(const RuleInput& in);
std::optional<Sizes> padded(const RuleInput& in);

// Sizes of the result of a Resize or Upsample whose sizes or scales are constant.
struct Resized {
    Sizes out;
    // Every scaled size is a whole number, so that sizes and scales mean the same mapping.
    bool exact = true;
    // Axes that keep their size whatever it is (scale 1, or not among the axes of the node).
    std::vector<bool> kept;
};
std::optional<Resized> resized(const Node& node, const Links& links, std::int64_t opset,
                               const std::optional<Sizes>& input);

// `axis` counted from the front; none when it lies outside of the rank.
std::optional<std::size_t> from_front(std::int64_t axis, std::size_t rank) noexcept;

// A size that a file could mean: not negative and below 2^40; unknown otherwise.
Size sane(std::int64_t value) noexcept;

}  // namespace ei::graph
