#include "graph/tail_steps.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "graph/shape_rules.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

std::string text_of_size(const Size& size) {
    return size ? std::to_string(*size) : "?";
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> wanted) {
    return std::find(wanted.begin(), wanted.end(), text) != wanted.end();
}

bool is_number(std::int64_t type) {
    return bits_of(static_cast<ElementType>(type)) >= 8 &&
           !is_any_of(name_of(static_cast<ElementType>(type)), {"bool", "complex64", "complex128"});
}

}  // namespace

TailSteps::TailSteps(const Model& model, const Links& links, std::string_view logits,
                     const Shape& shape)
    : links_(links), opset_(model.onnx_opset().value_or(0)), rank_known_(shape.dims.has_value()) {
    tail_.logits = logits;
    tail_.type = shape.type;
    integers_ = shape.type == ElementType::uint8 || shape.type == ElementType::int8;
    if (shape.type == ElementType::undefined) {
        refusal_ = "the element type of " + in_quotes(logits) + " is not known";
    } else if (shape.type != ElementType::float32 && !integers_) {
        refusal_ =
            in_quotes(logits) + " is " + name_of(shape.type) + ", not float32, uint8 or int8";
    } else if (shape.dims && shape.dims->size() != 4) {
        refusal_ = in_quotes(logits) + " has " + std::to_string(shape.dims->size()) +
                   " dimensions, not 4 (N, C, H, W)";
    } else if (shape.dims) {
        batch_ = (*shape.dims)[0];
        classes_ = (*shape.dims)[1];
        height_ = (*shape.dims)[2];
        width_ = (*shape.dims)[3];
    }
    tail_.batch = batch_;
    tail_.classes = classes_;
    tail_.height = height_;
    tail_.width = width_;
}

bool TailSteps::may_belong(const Node& node) {
    return node.is_onnx() && node.outputs.size() == 1 &&
           is_any_of(node.op_type, {"Resize", "Upsample", "ArgMax", "Softmax", "LogSoftmax",
                                    "Transpose", "QuantizeLinear", "DequantizeLinear", "Identity",
                                    "Cast", "Reshape", "Squeeze", "Unsqueeze"});
}

std::string TailSteps::take(const Node& node) {
    if (!refusal_.empty()) return refusal_;
    if (node.op_type == "Identity") return {};
    if (node.op_type == "Resize" || node.op_type == "Upsample") return resize(node);
    if (node.op_type == "ArgMax") return argmax(node);
    if (node.op_type == "Softmax" || node.op_type == "LogSoftmax") return softmax(node);
    if (node.op_type == "Transpose") return transpose(node);
    if (node.op_type == "QuantizeLinear") return quantize(node);
    if (node.op_type == "DequantizeLinear") return dequantize(node);
    if (node.op_type == "Cast") return cast(node);
    return reshape(node);
}

std::string TailSteps::refusal() const {
    if (!refusal_.empty()) return refusal_;
    if (!has_substance()) return "no Resize and no ArgMax at the end";
    if (!rank_known_)
        return "the number of dimensions of " + in_quotes(tail_.logits) + " is not known";
    if (!rows_in_order()) return "a Transpose swaps batch, rows or columns";
    return {};
}

Tail TailSteps::tail() const {
    Tail out = tail_;
    out.out_height = height_;
    out.out_width = width_;
    return out;
}

std::optional<Sizes> TailSteps::sizes() const {
    if (!rank_known_ || flat_) return std::nullopt;
    Sizes out;
    for (const Axis axis : axes_) {
        const std::array<Size, 5> by_axis = {batch_, classes_, height_, width_, Size(1)};
        out.push_back(by_axis[static_cast<std::size_t>(axis)]);
    }
    return out;
}

bool TailSteps::rows_in_order() const {
    std::vector<Axis> kept;
    std::copy_if(axes_.begin(), axes_.end(), std::back_inserter(kept),
                 [](Axis axis) { return axis != Axis::classes && axis != Axis::one; });
    return std::is_sorted(kept.begin(), kept.end());
}

std::optional<std::size_t> TailSteps::axis_of(const Node& node, std::int64_t otherwise) const {
    const std::int64_t axis = int_of(node, "axis", otherwise);
    if (axis < 0 && !rank_known_) return std::nullopt;
    return from_front(axis, axes_.size());
}

std::string TailSteps::resize(const Node& node) {
    const std::string_view roi = node.op_type == "Resize" && opset_ >= 11 ? node.input(1) : "";
    if (!roi.empty() && links_.constant(roi) == nullptr)
        return "the roi of a Resize is not constant";
    if (flat_) return "a Resize follows a Reshape";
    const auto result = resized(node, links_, opset_, sizes());
    if (!result) return "the size of a Resize is not constant, or does not fit its input";
    const std::string_view mode = text_of(node, "mode", "nearest");
    const std::string_view corners =
        text_of(node, "coordinate_transformation_mode", opset_ >= 11 ? "half_pixel" : "asymmetric");
    if (int_of(node, "antialias", 0) != 0) return "a Resize has antialias=1";
    if (result->out.size() != axes_.size()) return "a Resize does not work on (N, C, H, W)";

    const bool keeps_all =
        std::find(result->kept.begin(), result->kept.end(), false) == result->kept.end();
    if (keeps_all && is_any_of(mode, {"linear", "nearest"}) &&
        is_any_of(corners, {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                            "half_pixel_symmetric"})) {
        any_resize_ = true;
        rank_known_ = true;
        tail_.steps.push_back("Resize that changes nothing (" + text_of_size(height_) + "x" +
                              text_of_size(width_) + ")");
        return {};
    }

    if (tail_.argmax) return "a Resize follows the ArgMax";
    if (tail_.softmax) return "a Softmax comes before a Resize";
    if (tail_.resizes) return "two Resizes change the size";
    if (rounded_) return "a QuantizeLinear rounds the values before a Resize";
    if (node.op_type != "Resize" || opset_ < 11) {
        return "a " + printable(node.op_type) + " of opset " + std::to_string(opset_) +
               " has asymmetric coordinates";
    }
    if (tail_.transposes) return "a Resize does not work on (N, C, H, W)";
    if (mode != "linear") return "a Resize has mode " + in_quotes(mode) + ", not linear";
    if (int_of(node, "exclude_outside", 0) != 0) return "a Resize has exclude_outside=1";
    if (!result->exact)
        return "the scales of a Resize do not give whole sizes, or they are not known";
    if (!result->kept[0] || !result->kept[1]) {
        return "a Resize changes batch or classes, or these are not known";
    }
    if (corners == "align_corners") {
        tail_.corners = Corners::align_corners;
    } else if (corners == "half_pixel") {
        tail_.corners = Corners::half_pixel;
    } else if (corners == "pytorch_half_pixel") {
        // The two differ only on a side of length 1.
        if (result->out[2] == Size(1) || result->out[3] == Size(1)) {
            return "a Resize with pytorch_half_pixel makes a side of length 1";
        }
        tail_.corners = Corners::half_pixel;
    } else {
        return "a Resize has coordinates " + in_quotes(corners) +
               ", not half_pixel or align_corners";
    }
    return interpolate(node, result->out);
}

std::string TailSteps::interpolate(const Node& node, const Sizes& out) {
    std::string step(text_of(node, "coordinate_transformation_mode", "half_pixel"));
    step = "Resize " + step + " " + text_of_size(height_) + "x" + text_of_size(width_) + " -> " +
           text_of_size(out[2]) + "x" + text_of_size(out[3]);
    tail_.steps.push_back(std::move(step));
    tail_.resizes = true;
    any_resize_ = true;
    rank_known_ = true;
    height_ = out[2];
    width_ = out[3];
    return {};
}

std::string TailSteps::argmax(const Node& node) {
    if (tail_.argmax) return "two ArgMax follow each other";
    if (int_of(node, "select_last_index", 0) != 0) return "an ArgMax has select_last_index=1";
    if (!rank_known_) return "the number of dimensions before an ArgMax is not known";
    const auto axis = axis_of(node, 0);
    if (!axis || axes_[*axis] != Axis::classes) return "an ArgMax is not over the classes";
    if (int_of(node, "keepdims", 1) != 0) {
        axes_[*axis] = Axis::one;
    } else {
        axes_.erase(axes_.begin() + static_cast<std::ptrdiff_t>(*axis));
    }
    tail_.argmax = true;
    tail_.steps.emplace_back("ArgMax");
    return {};
}

std::string TailSteps::softmax(const Node& node) {
    if (tail_.argmax || integers_) return "a Softmax does not work on class scores";
    const bool flattens = opset_ < 13;  // one sum over this axis and all behind it
    const auto axis = axis_of(node, flattens ? 1 : -1);
    if (!axis) return "the axis of a Softmax is not known";
    const auto classes = static_cast<std::size_t>(
        std::find(axes_.begin(), axes_.end(), Axis::classes) - axes_.begin());
    if (flattens ? classes < *axis : classes != *axis) return "a Softmax is not over the classes";
    tail_.softmax = true;
    tail_.steps.emplace_back(node.op_type);
    return {};
}

std::string TailSteps::transpose(const Node& node) {
    if (flat_) return "a Transpose follows a Reshape";
    const std::vector<std::int64_t> order = ints_of(node, "perm");
    if (order.size() != axes_.size()) return "a Transpose has no perm, or one of another length";
    std::vector<Axis> next;
    for (const std::int64_t from : order) {
        const auto axis = from_front(from, axes_.size());
        if (!axis) return "a Transpose has a damaged perm";
        next.push_back(axes_[*axis]);
    }
    std::vector<Axis> before = axes_, after = next;
    std::sort(before.begin(), before.end());
    std::sort(after.begin(), after.end());
    if (before != after) return "a Transpose has a damaged perm";
    axes_ = std::move(next);
    rank_known_ = true;
    tail_.transposes = tail_.transposes || !tail_.argmax;
    tail_.steps.emplace_back("Transpose");
    return {};
}

std::optional<TailSteps::Rounding> TailSteps::rounding(const Node& node, std::string& why) const {
    const auto scale = links_.constant_floats(node.input(1));
    if (!scale || scale->size() != 1 || int_of(node, "block_size", 0) != 0) {
        why = "a " + std::string(node.op_type) + " has no single constant float32 scale";
        return std::nullopt;
    }
    if (!std::isfinite((*scale)[0]) || (*scale)[0] <= 0) {
        why = "the scale of a " + std::string(node.op_type) + " is not positive";
        return std::nullopt;
    }
    Rounding out{(*scale)[0], 0, ElementType::uint8};
    if (!node.input(2).empty()) {
        const auto zero_point = links_.constant_ints(node.input(2));
        if (!zero_point || zero_point->size() != 1) {
            why = "a " + std::string(node.op_type) + " has no single constant zero point";
            return std::nullopt;
        }
        out.zero_point = (*zero_point)[0];
        if (const Tensor* const tensor = links_.constant(node.input(2))) out.type = tensor->type;
    } else if (node.op_type == "DequantizeLinear") {
        out.type = any_quantize_ ? quantized_ : tail_.type;
    } else if (const std::int64_t given = int_of(node, "output_dtype", 0); given != 0) {
        out.type = static_cast<ElementType>(given);
    }
    const auto types = {ElementType::uint8, ElementType::int8, ElementType::uint16,
                        ElementType::int16};
    if (std::find(types.begin(), types.end(), out.type) == types.end()) {
        why = "a " + std::string(node.op_type) + " has integers of type " + name_of(out.type);
        return std::nullopt;
    }
    return out;
}

std::string TailSteps::quantize(const Node& node) {
    if (tail_.argmax || integers_) return "a QuantizeLinear does not work on class scores";
    if (tail_.steps.empty()) {
        return "the values are quantised right before the tail";
    }
    std::string why;
    const auto to = rounding(node, why);
    if (!to) return why;
    // A pair with the parameters the values already have changes nothing.
    if (!from_ || *from_ != *to) rounded_ = true;
    tail_.quantizes = tail_.quantizes || tail_.resizes;
    any_quantize_ = true;
    quantized_ = to->type;
    integers_ = true;
    tail_.steps.emplace_back("QuantizeLinear");
    return {};
}

std::string TailSteps::dequantize(const Node& node) {
    if (tail_.argmax || !integers_) return "a DequantizeLinear does not work on class scores";
    std::string why;
    const auto from = rounding(node, why);
    if (!from) return why;
    if (const std::int64_t type = int_of(node, "output_dtype", 1); type != 0 && type != 1) {
        return "a DequantizeLinear does not give float32";
    }
    if (!any_quantize_ && !tail_.scale) {
        tail_.scale = from->scale;
        tail_.zero_point = from->zero_point;
        from_ = from;
    }
    integers_ = false;
    tail_.steps.emplace_back("DequantizeLinear");
    return {};
}

std::string TailSteps::cast(const Node& node) {
    if (!tail_.argmax) return "a Cast comes before the ArgMax";
    const std::int64_t type = int_of(node, "to", 0);
    if (!is_number(type)) return "a Cast makes no numbers of the mask";
    tail_.steps.push_back(std::string("Cast to ") + name_of(static_cast<ElementType>(type)));
    return {};
}

std::string TailSteps::reshape(const Node& node) {
    const std::string what(node.op_type);
    if (!tail_.argmax) return "a " + what + " comes before the ArgMax";
    if (!node.input(1).empty() && !links_.constant_ints(node.input(1))) {
        return "the second input of a " + what + " is computed";
    }
    if (!rows_in_order()) return "a " + what + " follows a Transpose that moves rows";
    flat_ = true;
    tail_.steps.push_back(what);
    return {};
}

}  // namespace ei::graph
