#include "kernels/count_bins/count_bins.hpp"

#if defined(EDGEINFER_X86_64)

    #include <immintrin.h>

    #include <algorithm>

    // Only what stands between push and pop may use AVX2; the headers above may not, or the linker
    // could keep an AVX2 copy of a shared inline function for everybody.
    #if defined(__clang__)
        #pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
    #else
        #pragma GCC push_options
        #pragma GCC target("avx2")
    #endif

namespace ei::count_bins::avx2 {
namespace {

constexpr std::size_t kVector = 8;
// Slots are found for so many values before the first is counted: a number that is read back just
// after it was written within a vector keeps the CPU waiting, four times as long as scalar takes.
constexpr std::size_t kBuffer = 512;

struct Slots {
    __m256 per_width;
    __m256i negatives, last;

    __m256i of(__m256 values) const noexcept {
        const __m256i toward_zero = _mm256_cvttps_epi32(_mm256_mul_ps(values, per_width));
        const __m256i sign = _mm256_srai_epi32(_mm256_castps_si256(values), 31);
        const __m256i slot = _mm256_add_epi32(_mm256_add_epi32(toward_zero, sign), negatives);
        const __m256 zero = _mm256_cmp_ps(values, _mm256_setzero_ps(), _CMP_EQ_OQ);
        return _mm256_blendv_epi8(slot, last, _mm256_castps_si256(zero));
    }
};

}  // namespace

void row(const float* values, std::size_t count, const Bins& bins, std::uint32_t* tables) noexcept {
    const Slots slots{_mm256_set1_ps(bins.per_width), _mm256_set1_epi32(bins.negatives),
                      _mm256_set1_epi32(static_cast<int>(bins.slots) - 1)};
    std::uint32_t* const table[kTables] = {tables, tables + bins.slots, tables + 2 * bins.slots,
                                           tables + 3 * bins.slots};
    alignas(32) std::uint32_t at[kBuffer];
    while (count >= kVector) {
        const std::size_t now = std::min(count / kVector * kVector, kBuffer);
        for (std::size_t i = 0; i < now; i += kVector) {
            _mm256_store_si256(reinterpret_cast<__m256i*>(at + i),
                               slots.of(_mm256_loadu_ps(values + i)));
        }
        for (std::size_t i = 0; i < now; i += kVector) {
            for (std::size_t k = 0; k < kVector; ++k) ++table[k % kTables][at[i + k]];
        }
        values += now;
        count -= now;
    }
    scalar::row(values, count, bins, tables);
}

}  // namespace ei::count_bins::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
