#pragma once
// Low-resolution logits to a class per output pixel in one pass: bilinear interpolation, argmax
// over the classes, pixels per class. The interpolated C x H x W volume never exists.
//
//   Value      of class c at output pixel (Y, X), with y = first[Y], x = first[X] of each axis:
//                upper = l[y][x] * near[X] + l[y][x + 1] * far[X]
//                lower = l[y + 1][x] * near[X] + l[y + 1][x + 1] * far[X]
//                value = upper * near[Y] + lower * far[Y]
//              in float32, multiply and add each rounded to nearest even, never fused. Past the
//              last sample the neighbour is the last sample itself (its weight is 0 there).
//   Limits     l is the logit limited to -2^126 .. 2^126, so that nothing overflows and an infinite
//              logit of weight 0 is harmless; NaN counts as -2^126. uint8 and int8 logits are taken
//              as numbers: argmax ignores a positive scale and a zero point common to all classes.
//   Class      the greatest value wins; among equal values the lowest class.
//   Reads      logits[c * class_stride + y * row_stride + x] for the axes' samples, nothing
//   between. Writes     mask[Y * mask_stride + X]: uint8 up to 256 classes, else uint16; areas[c],
//   the pixels
//              of each class. Nothing between, no element past the last.
//   Scratch    scratch_bytes(geometry) bytes at a multiple of 64, contents meaningless.
//   Aliasing   none allowed. Alignment: that of the element types.
//   Errors     none; shapes are checked above. All variants equal scalar bit for bit.
//   Source     PyTorch aten/native/UpSample.h and the ONNX operator Resize (mode linear) define the
//              positions; the order of operations is ours (tests/kernels/test_upsample_argmax.py
//              compares with both, and with NumPy in float64).

#include <cstddef>
#include <cstdint>

#include "base/element_type.hpp"
#include "kernels/variant.hpp"

namespace ei::upsample_argmax {

inline constexpr float kLimit = 0x1p126f;
inline constexpr int kGroup = 8;  // output pixels that vector variants treat together
inline constexpr int kClassBlock = 8;

// One axis. Arrays hold `out` elements and kGroup more that repeat the last one.
struct Axis {
    int in;   // samples
    int out;  // output pixels
    const std::int32_t* first;
    const float* near;  // weight of sample `first`
    const float* far;   // weight of sample `first + 1`
};

// Up to kGroup neighbouring output columns and the samples they touch.
struct Group {
    std::int32_t begin, count;     // output columns
    std::int32_t column, columns;  // samples that have a weight above 0
};

// Tables of one pair of sizes, shared by all runs. Groups cover the output columns in order.
struct Geometry {
    int classes;  // 2 to 65536
    Axis y, x;
    const Group* groups;
    int group_count;
};

struct Logits {
    const void* data;
    ElementType type;                      // float32, uint8 or int8
    std::size_t class_stride, row_stride;  // elements
};

struct Mask {
    void* data;
    std::size_t stride;   // elements
    std::int64_t* areas;  // geometry.classes
};

constexpr bool is_wide(int classes) noexcept {
    return classes > 256;
}

constexpr std::size_t round_up(std::size_t value, std::size_t step) noexcept {
    return (value + step - 1) / step * step;
}

// Two low-resolution rows, each by class and by column, then the expanded candidates of one group.
constexpr std::size_t scratch_bytes(const Geometry& geometry) noexcept {
    const std::size_t classes = round_up(static_cast<std::size_t>(geometry.classes), kClassBlock);
    const std::size_t columns = round_up(static_cast<std::size_t>(geometry.x.in) + 1, kGroup);
    const std::size_t rows = 2 * (classes * (columns + kGroup) + columns * classes);
    const std::size_t candidates = classes * (3 * kGroup + 1);
    return round_up((rows + candidates) * sizeof(float), 64);
}

using Fn = void (*)(const Geometry& geometry, const Logits& logits, const Mask& mask,
                    std::byte* scratch) noexcept;

namespace scalar {
void run(const Geometry& geometry, const Logits& logits, const Mask& mask,
         std::byte* scratch) noexcept;
}

#if defined(EDGEINFER_ARM64)
namespace neon {
void run(const Geometry& geometry, const Logits& logits, const Mask& mask,
         std::byte* scratch) noexcept;
}
#elif defined(EDGEINFER_X86_64)
namespace avx2 {
void run(const Geometry& geometry, const Logits& logits, const Mask& mask,
         std::byte* scratch) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_ARM64)
    {"neon", cpu::kNeon, &neon::run},
#elif defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &avx2::run},
#endif
    {"scalar", cpu::kNone, &scalar::run},
};

}  // namespace ei::upsample_argmax
