#pragma once
// The tail of a segmentation network: what follows the low-resolution logits and makes a mask of
// them. Recognised so that a fused kernel can do it instead of the runtime.
//
// A tail is a chain of nodes, each feeding only the next, that ends at a graph output and holds
//   - Resize, linear, half_pixel or align_corners, of constant size, keeping batch and classes;
//     one whose sizes in and out are equal changes nothing and is passed over, and of several that
//     do change something only the last belongs to the tail (two interpolations are not one);
//   - ArgMax over the classes, keeping the first of equal values;
//   - Softmax or LogSoftmax over the classes, after the Resize: they do not move the maximum;
//   - Transpose, as long as batch, rows and columns keep their order; Identity;
//   - after ArgMax also Cast, Reshape, Squeeze and Unsqueeze;
//   - QuantizeLinear and DequantizeLinear with one positive scale: they keep the order of values,
//     though rounding can make two of them equal.
// A network whose last float tensor comes from DequantizeLinear is cut before it, at the integers:
// onnxruntime fuses DequantizeLinear - Resize - QuantizeLinear into an integer Resize, and only a
// cut outside of that group leaves the file's own results unchanged.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

enum class Corners { half_pixel, align_corners };

struct Tail {
    std::string logits;  // tensor (N, C, height, width) at which the core graph ends
    std::string output;  // the graph output that the tail makes
    ElementType type = ElementType::float32;  // of the logits: float32, uint8 or int8
    // Real value = (integer - zero_point) * scale, scale > 0; only for integer logits whose
    // DequantizeLinear is known.
    std::optional<float> scale;
    std::optional<std::int64_t> zero_point;

    bool resizes = false;  // holds a Resize that changes the size
    Corners corners = Corners::half_pixel;
    std::optional<std::int64_t> batch, classes, height, width;  // of the logits, where known
    std::optional<std::int64_t> out_height, out_width;          // of the result, where known
    bool softmax = false;                                       // Softmax or LogSoftmax
    bool quantizes = false;   // a QuantizeLinear rounds the values after the Resize
    bool transposes = false;  // the output has the classes last (or moved otherwise)
    bool argmax = false;

    std::vector<std::size_t> nodes;  // of the chain, indices into Graph::nodes, first to last
    std::vector<std::string> steps;  // "Resize align_corners 33x33 -> 513x513", for reports
};

struct TailSearch {
    std::optional<Tail> tail;
    std::string why;  // one sentence: what was found, or why nothing was
};

// The tail of the first graph output that has one. Cost: one pass over the graph.
TailSearch find_tail(const Model& model);

struct Cut {
    // The model without its tail: `logits` stands in place of the first output the tail made,
    // further outputs of the tail are gone, all others stay.
    std::vector<std::byte> core;
    // A model of the tail alone: input `logits`, outputs exactly those the core lost.
    std::vector<std::byte> rest;
};

// Cost: one copy of the weights, into `core`.
Cut cut(const Model& model, const Tail& tail);

}  // namespace ei::graph
