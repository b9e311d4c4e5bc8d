#pragma once
// Pillow's horizontal pass: every output pixel of a row is a weighted sum of a run of pixels,
//   out = clip((2^21 + sum(weight[i] * row[first + i])) >> 22) to 0..255, per channel.
//
//   Units      rows hold `width` pixels of pixel_bytes (1 gray, 2 interleaved chroma, 3 colour,
//              4 colour and one dropped). An output pixel takes 1 byte for gray, else 4: its
//              channels, then zeros.
//   Reads      only the pixels of the rows; of the taps every padded weight.
//   Writes     exactly taps.outputs pixels per output row.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   integers throughout; the sum fits 32 bits because weights are >= 0 and add up to
//              about 2^22. All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     Pillow, libImaging/Resample.c, its 8-bit path (tests/kernels/test_resize.py).
//
// Several rows a call let a variant load a weight once for all of them.

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::resize_columns {

inline constexpr int kWeightBits = 22;
inline constexpr int kLowBits = 16;

struct Taps {
    std::size_t outputs = 0;
    std::size_t padded = 0;                 // weights stored per output: a multiple of 4
    const std::int32_t* first = nullptr;    // per output: first source pixel
    const std::int32_t* count = nullptr;    // per output: source pixels used, 1..padded
    const std::int32_t* weights = nullptr;  // outputs * padded; zero behind count
    // The same weights as high * 2^16 + low, low within -2^15..2^15-1, for narrow multipliers. High
    // is within 0..64 and adds up to at most 128 per output.
    const std::int16_t* low = nullptr;
    const std::int8_t* high = nullptr;
    // And as high * 2^16 + middle * 2^8 + low, bytes of both signs, for multipliers of bytes: of
    // every four weights the four low parts, then the middle ones, then the high ones.
    const std::int8_t* parts = nullptr;  // 3 * outputs * padded
};

using Fn = void (*)(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
                    std::size_t width, const Taps& taps, std::uint8_t* const* out) noexcept;

namespace scalar {
void rows(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
          std::size_t width, const Taps& taps, std::uint8_t* const* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void rows(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
          std::size_t width, const Taps& taps, std::uint8_t* const* out) noexcept;
}
namespace avx512_vnni {
void rows(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
          std::size_t width, const Taps& taps, std::uint8_t* const* out) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void rows(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
          std::size_t width, const Taps& taps, std::uint8_t* const* out) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_X86_64)
    {"avx512_vnni", cpu::kAvx2 | cpu::kAvx512 | cpu::kVnni, &avx512_vnni::rows},
    {"avx2", cpu::kAvx2, &avx2::rows},
#elif defined(EDGEINFER_ARM64)
    {"neon", cpu::kNeon, &neon::rows},
#endif
    {"scalar", cpu::kNone, &scalar::rows},
};

}  // namespace ei::resize_columns
