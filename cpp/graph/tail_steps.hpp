#pragma once
// What each operator does to a tensor of class scores (or to the mask made of it), step by step:
// the part of tail recognition that knows operators. `tail.cpp` knows chains.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graph/links.hpp"
#include "graph/shapes.hpp"
#include "graph/tail.hpp"

namespace ei::graph {

class TailSteps {
  public:
    // Starts at `logits`, taken as (N, C, H, W); `refusal` tells when it cannot be that.
    TailSteps(const Model& model, const Links& links, std::string_view logits, const Shape& shape);

    // Takes the next node of the chain; an empty string, or why it cannot belong to a tail.
    std::string take(const Node& node);

    // An empty string, or why what was taken is no tail.
    std::string refusal() const;

    // What was taken; valid when `refusal()` is empty.
    Tail tail() const;

    // Whether a Resize or an ArgMax was taken.
    bool has_substance() const noexcept { return any_resize_ || tail_.argmax; }

    static bool may_belong(const Node& node);
    static bool has_substance(const Node& node) noexcept {
        return node.op_type == "Resize" || node.op_type == "Upsample" || node.op_type == "ArgMax";
    }

  private:
    enum class Axis : char { batch, classes, height, width, one };
    struct Rounding {
        float scale;
        std::int64_t zero_point;
        ElementType type;
        bool operator==(const Rounding&) const = default;
    };

    std::string resize(const Node& node);
    std::string interpolate(const Node& node, const Sizes& out);
    std::string argmax(const Node& node);
    std::string softmax(const Node& node);
    std::string transpose(const Node& node);
    std::string quantize(const Node& node);
    std::string dequantize(const Node& node);
    std::string cast(const Node& node);
    std::string reshape(const Node& node);

    std::optional<Sizes> sizes() const;
    std::optional<Rounding> rounding(const Node& node, std::string& why) const;
    bool rows_in_order() const;
    std::optional<std::size_t> axis_of(const Node& node, std::int64_t otherwise) const;

    const Links& links_;
    std::int64_t opset_;
    Tail tail_;
    std::string refusal_;
    bool rank_known_;
    std::vector<Axis> axes_ = {Axis::batch, Axis::classes, Axis::height, Axis::width};
    Size batch_, classes_, height_, width_;
    bool integers_ = false;                           // the current tensor holds quantised integers
    bool any_resize_ = false;                         // one that changes nothing counts
    bool any_quantize_ = false;                       // a QuantizeLinear was taken
    ElementType quantized_ = ElementType::undefined;  // what the last one makes
    bool rounded_ = false;                            // a QuantizeLinear changed the values
    bool flat_ = false;             // reshaped after ArgMax: the axes have lost their meaning
    std::optional<Rounding> from_;  // of the DequantizeLinear at the start
};

}  // namespace ei::graph
