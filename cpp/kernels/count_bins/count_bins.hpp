#pragma once
// Counts floats by bins of equal width, zeros apart.
//
// A value lies in bin m = trunc(|x| / width) of its side: slot `negatives + m` for x > 0, slot
// `negatives - 1 - m` for x < 0, and slot `slots - 1`, the last, for zeros of either sign. The
// width is a power of two, so the division is a multiplication that does not round.
//
//   Units      count counts values. tables are kTables tables of `slots` counters each.
//   Reads      exactly count floats. Adds to the counters; which table takes a value is the
//              variant's choice, and only the sums over the tables are the result. Several tables,
//              because equal values follow each other and a counter just written is slow to read.
//   Wants      every value finite and in a bin below `slots` - 1; no counter beyond 2^32 - 1.
//   Alignment  none needed. Aliasing: none allowed.
//   Errors     none; all is checked above.
//   Source     tests/oracles/statistics.py, NumPy in float64.

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::count_bins {

inline constexpr std::size_t kTables = 4;

struct Bins {
    float per_width;         // 1 / width
    std::int32_t negatives;  // bins below zero
    std::size_t slots;       // bins of both sides, and one for zeros
};

using Fn = void (*)(const float* values, std::size_t count, const Bins& bins,
                    std::uint32_t* tables) noexcept;

namespace scalar {
void row(const float* values, std::size_t count, const Bins& bins, std::uint32_t* tables) noexcept;
}
#if defined(EDGEINFER_ARM64)
namespace neon {
void row(const float* values, std::size_t count, const Bins& bins, std::uint32_t* tables) noexcept;
}
#elif defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const float* values, std::size_t count, const Bins& bins, std::uint32_t* tables) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_ARM64)
    {"neon", cpu::kNeon, &neon::row},
#elif defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &avx2::row},
#endif
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::count_bins
