#pragma once
// Bytes of one row to bytes, channels last, each through its table: out[3*x + c] =
// of[c][pixel[x][c]], or of[c][pixel[x][2 - c]] when channels change places; gray bytes feed all
// three.
//
//   Units      count counts pixels of pixel_bytes (1 gray, 3 colour, 4 colour and one dropped); the
//              tables are in the order of the output's channels.
//   Reads      exactly pixel_bytes * count bytes. Writes exactly 3 * count bytes.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   none: whoever fills the tables rounds.
//   Errors     none; shapes are checked above.
//   Source     as in map_planar. So is what variants leave to scalar.

#include <cstddef>
#include <cstdint>

#include "kernels/tables3.hpp"
#include "kernels/variant.hpp"

namespace ei::map_interleaved {

using Fn = void (*)(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
                    const Tables3& tables, bool swap, std::uint8_t* out) noexcept;

namespace scalar {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, bool swap, std::uint8_t* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, bool swap, std::uint8_t* out) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, bool swap, std::uint8_t* out) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &avx2::row},
#elif defined(EDGEINFER_ARM64)
    {"neon", cpu::kNeon, &neon::row},
#endif
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::map_interleaved
