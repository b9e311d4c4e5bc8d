#include <cmath>

#include "graph/shape_rules.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

constexpr std::int64_t kMaxSetting = std::int64_t{1} << 31;  // of strides, pads, dilations, kernels

// The attributes of a sliding window, complete and within sane bounds.
struct Window {
    std::vector<std::int64_t> kernel, strides, dilations, pads;
    std::string_view auto_pad;

    std::int64_t extent(std::size_t axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }
    std::int64_t padding(std::size_t axis) const { return pads[axis] + pads[axis + kernel.size()]; }
};

bool within(const std::vector<std::int64_t>& values, std::int64_t low) {
    for (const std::int64_t value : values) {
        if (value < low || value > kMaxSetting) return false;
    }
    return true;
}

std::optional<Window> window_of(const Node& node, std::vector<std::int64_t> kernel) {
    Window window;
    window.kernel = std::move(kernel);
    const std::size_t axes = window.kernel.size();
    window.strides = ints_of(node, "strides");
    window.dilations = ints_of(node, "dilations");
    window.pads = ints_of(node, "pads");
    window.auto_pad = text_of(node, "auto_pad", "NOTSET");
    if (window.strides.empty()) window.strides.assign(axes, 1);
    if (window.dilations.empty()) window.dilations.assign(axes, 1);
    if (window.pads.empty()) window.pads.assign(2 * axes, 0);
    if (axes == 0 || window.strides.size() != axes || window.dilations.size() != axes ||
        window.pads.size() != 2 * axes || !within(window.kernel, 1) || !within(window.strides, 1) ||
        !within(window.dilations, 1) || !within(window.pads, -kMaxSetting)) {
        return std::nullopt;
    }
    return window;
}

Size slid(const Window& window, std::size_t axis, Size in, bool ceil_mode) {
    if (!in) return std::nullopt;
    const std::int64_t stride = window.strides[axis];
    if (window.auto_pad == "SAME_UPPER" || window.auto_pad == "SAME_LOWER") {
        return sane((*in + stride - 1) / stride);
    }
    const bool valid = window.auto_pad == "VALID";
    if (!valid && window.auto_pad != "NOTSET" && !window.auto_pad.empty()) return std::nullopt;
    const std::int64_t padding = valid ? 0 : window.padding(axis);
    const std::int64_t room = *in + padding - window.extent(axis);
    if (room < 0) return std::nullopt;
    if (!ceil_mode || room % stride == 0) return sane(room / stride + 1);
    // Runtimes differ on a last window that starts inside the padding.
    const std::int64_t out = room / stride + 2;
    const std::int64_t begin = valid ? 0 : window.pads[axis];
    return (out - 1) * stride >= *in + begin ? std::nullopt : sane(out);
}

std::optional<std::vector<std::int64_t>> kernel_of(const Node& node, const Shape* weights) {
    std::vector<std::int64_t> kernel = ints_of(node, "kernel_shape");
    if (!kernel.empty() || weights == nullptr) return kernel;
    if (!weights->dims || weights->dims->size() < 3) return std::nullopt;
    for (std::size_t axis = 2; axis < weights->dims->size(); ++axis) {
        if (!(*weights->dims)[axis]) return std::nullopt;
        kernel.push_back(*(*weights->dims)[axis]);
    }
    return kernel;
}

}  // namespace

std::optional<Sizes> convolved(const RuleInput& in, const Shape& weights) {
    const auto& x = in.input(0).dims;
    const auto kernel = kernel_of(in.node, &weights);
    if (!x || !kernel || x->size() != kernel->size() + 2) return std::nullopt;
    const auto window = window_of(in.node, *kernel);
    if (!window) return std::nullopt;
    Sizes out = *x;
    out[1] = weights.dims && !weights.dims->empty() ? (*weights.dims)[0] : std::nullopt;
    for (std::size_t i = 0; i < kernel->size(); ++i)
        out[i + 2] = slid(*window, i, out[i + 2], false);
    return out;
}

std::optional<Sizes> deconvolved(const RuleInput& in) {
    const auto& x = in.input(0).dims;
    const Shape& weights = in.input(1);
    const auto kernel = kernel_of(in.node, &weights);
    if (!x || !kernel || x->size() != kernel->size() + 2) return std::nullopt;
    const auto window = window_of(in.node, *kernel);
    if (!window) return std::nullopt;
    const std::size_t axes = kernel->size();
    std::vector<std::int64_t> extra = ints_of(in.node, "output_padding");
    if (extra.empty()) extra.assign(axes, 0);
    const std::vector<std::int64_t> fixed = ints_of(in.node, "output_shape");
    if (extra.size() != axes || !within(extra, 0)) return std::nullopt;
    Sizes out = *x;
    const std::int64_t group = int_of(in.node, "group", 1);
    out[1] = std::nullopt;
    if (weights.dims && weights.dims->size() > 1 && (*weights.dims)[1] && group > 0 &&
        group < kMaxSetting && *(*weights.dims)[1] < kMaxSetting) {
        out[1] = sane(*(*weights.dims)[1] * group);
    }
    for (std::size_t i = 0; i < axes; ++i) {
        Size& size = out[i + 2];
        if (fixed.size() == axes) {
            size = sane(fixed[i]);
        } else if (!fixed.empty() || (!window->auto_pad.empty() && window->auto_pad != "NOTSET")) {
            size = std::nullopt;
        } else if (size) {
            if (*size < 1 || *size > kMaxSetting) return std::nullopt;
            const std::int64_t spread = window->strides[i] * (*size - 1);
            if (spread > (std::int64_t{1} << 40)) return std::nullopt;
            size = sane(spread + extra[i] + window->extent(i) - window->padding(i));
        }
    }
    return out;
}

std::optional<Sizes> pooled(const RuleInput& in) {
    const auto& x = in.input(0).dims;
    const auto kernel = kernel_of(in.node, nullptr);
    if (!x || !kernel || x->size() != kernel->size() + 2) return std::nullopt;
    const auto window = window_of(in.node, *kernel);
    if (!window) return std::nullopt;
    const bool ceil_mode = int_of(in.node, "ceil_mode", 0) != 0;
    Sizes out = *x;
    for (std::size_t i = 0; i < kernel->size(); ++i) {
        out[i + 2] = slid(*window, i, out[i + 2], ceil_mode);
    }
    return out;
}

std::optional<Sizes> globally_pooled(const RuleInput& in) {
    std::optional<Sizes> out = in.input(0).dims;
    if (!out) return out;
    for (std::size_t axis = 2; axis < out->size(); ++axis) (*out)[axis] = 1;
    return out;
}

std::optional<Sizes> padded(const RuleInput& in) {
    std::optional<Sizes> out = in.input(0).dims;
    if (!out) return out;
    const std::size_t rank = out->size();
    const auto pads = in.opset >= 11 ? in.links.constant_ints(in.node.input(1))
                                     : std::optional(ints_of(in.node, "pads"));
    if (!pads || !within(*pads, -kMaxSetting)) return std::nullopt;
    std::vector<std::int64_t> axes;
    if (!in.node.input(3).empty()) {
        const auto given = in.links.constant_ints(in.node.input(3));
        if (!given) return std::nullopt;
        axes = *given;
    } else {
        for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
    }
    if (pads->size() != 2 * axes.size()) return std::nullopt;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto axis = from_front(axes[i], rank);
        if (!axis) return std::nullopt;
        Size& size = (*out)[*axis];
        if (size) size = sane(*size + (*pads)[i] + (*pads)[i + axes.size()]);
    }
    return out;
}

std::optional<Resized> resized(const Node& node, const Links& links, std::int64_t opset,
                               const std::optional<Sizes>& input) {
    const bool upsample = node.op_type == "Upsample";
    const bool two_inputs = upsample || opset < 11;  // data and scales
    std::optional<std::vector<float>> scales;
    std::optional<std::vector<std::int64_t>> sizes;
    if (upsample && opset < 9) {
        const Attribute* const given = node.attribute("scales");
        if (given != nullptr) scales = floats(*given);
    } else {
        const std::string_view name = node.input(two_inputs ? 1 : 2);
        scales = links.constant_floats(name);
        if (!name.empty() && !scales) return std::nullopt;
    }
    if (!two_inputs && !node.input(3).empty()) {
        sizes = links.constant_ints(node.input(3));
        if (!sizes) return std::nullopt;
    }
    if (scales && scales->empty()) scales.reset();  // how old exporters write "not given"
    if (sizes && sizes->empty()) sizes.reset();
    if (scales.has_value() == sizes.has_value()) return std::nullopt;
    if (sizes && text_of(node, "keep_aspect_ratio_policy", "stretch") != "stretch") {
        return std::nullopt;
    }

    const std::size_t given = scales ? scales->size() : sizes->size();
    const std::vector<std::int64_t> axes =
        opset >= 18 ? ints_of(node, "axes") : std::vector<std::int64_t>{};
    if (!axes.empty() && (axes.size() != given || !input)) return std::nullopt;
    const std::size_t rank = axes.empty() ? given : input->size();
    if (input && input->size() != rank) return std::nullopt;

    Resized out;
    out.out = input ? *input : Sizes(rank);
    out.kept.assign(rank, true);
    for (std::size_t i = 0; i < given; ++i) {
        const auto axis = axes.empty() ? std::optional(i) : from_front(axes[i], rank);
        if (!axis) return std::nullopt;
        Size& size = out.out[*axis];
        if (sizes) {
            out.kept[*axis] = size == Size((*sizes)[i]);
            size = sane((*sizes)[i]);
            if (!size || *size < 1) return std::nullopt;
            continue;
        }
        const double scale = (*scales)[i];
        if (!std::isfinite(scale) || scale <= 0 || scale > 65'536) return std::nullopt;
        if (scale == 1) continue;
        out.kept[*axis] = false;
        const double wanted = (size ? static_cast<double>(*size) : 1.0) * scale;
        if (wanted != std::floor(wanted) || wanted < 1 || wanted > 1e12) {
            out.exact = false;
            size = std::nullopt;
        } else if (size) {
            size = sane(static_cast<std::int64_t>(wanted));
        }
    }
    return out;
}

}  // namespace ei::graph
