#pragma once
// What a model wants of a frame: the values of a preprocessing, checked.

#include <array>
#include <cstdint>
#include <optional>

#include "base/element_type.hpp"
#include "base/frame.hpp"
#include "plan/fit.hpp"
#include "plan/rows/methods.hpp"

namespace ei::plan {

enum class ChannelOrder { rgb, bgr };

enum class Layout {
    nchw,  // three planes
    nhwc,  // the three channels of a pixel side by side
};

// q = saturate(round(value / scale) + zero_point), as ONNX QuantizeLinear computes it.
struct Quant {
    double scale = 1;  // rounded to float32
    int zero_point = 0;
};

// Longest side of a frame or of the model's input, pixels.
inline constexpr int kMaxSide = 65535;

struct Recipe {
    int height = 0, width = 0;  // of the model's input
    Resize resize = Resize::pil_bilinear;
    Fit fit = Fit::stretch;
    ChannelOrder order = ChannelOrder::rgb;  // of the tensor's channels
    double scale = 1.0;
    // Per channel of the tensor, in `order`.
    std::array<double, 3> mean{0, 0, 0};
    std::array<double, 3> std{1, 1, 1};
    Layout layout = Layout::nchw;
    ElementType dtype = ElementType::float32;  // or uint8 or int8
    std::optional<Quant> quant;                // of the integer types; left out: {1, 0}
    std::uint8_t pad = 114;                    // gray level around a letterboxed frame
};

// Raises Error(input) for sides outside 1..kMaxSide, values that are not finite, a zero std, values
// beyond float32, another dtype, a quant that the dtype does not have.
void check(const Recipe& recipe);

// Raises Error(input) for a side outside 1..kMaxSide, and for an odd one where chroma has half.
void check_sides(const FrameView& frame);

// The sides, and: Error(input) for a plane without data or with rows closer than their own length.
void check(const FrameView& frame);

}  // namespace ei::plan
