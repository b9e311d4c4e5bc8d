#include "kernels/count_bins/count_bins.hpp"

#if defined(EDGEINFER_X86_64)

    #include <immintrin.h>

    #include <algorithm>

    // Only what stands between push and pop may use AVX-512; the headers above may not, or the
    // linker could keep an AVX-512 copy of a shared inline function for everybody.
    #if defined(__clang__)
        #pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,popcnt"))), \
                                     apply_to = function)
    #else
        #pragma GCC push_options
        #pragma GCC target("avx512f,avx512dq,avx512vl,popcnt")
    #endif

namespace ei::count_bins::avx512 {
namespace {

constexpr std::size_t kVector = 16;
constexpr std::size_t kBuffer = 512;  // values whose slots are found before they are counted

// Slots of the values that are not zero, packed; gives how many. Up to 15 more may be written.
std::size_t slots_of(const float* values, std::size_t count, const Bins& bins,
                     std::uint32_t* slots) noexcept {
    const __m512 per_width = _mm512_set1_ps(bins.per_width);
    const __m512i negatives = _mm512_set1_epi32(bins.negatives);
    std::size_t made = 0;
    for (std::size_t i = 0; i < count; i += kVector) {
        const std::size_t left = count - i;
        const auto mask = static_cast<__mmask16>(left < kVector ? (1u << left) - 1 : 0xFFFFu);
        const __m512 some = _mm512_maskz_loadu_ps(mask, values + i);
        const __mmask16 filled = _mm512_cmp_ps_mask(some, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        const __m512i toward_zero =
            _mm512_maskz_cvttps_epi32(0xFFFF, _mm512_mul_ps(some, per_width));
        const __m512i sign = _mm512_maskz_srai_epi32(0xFFFF, _mm512_castps_si512(some), 31);
        const __m512i slot = _mm512_add_epi32(_mm512_add_epi32(toward_zero, sign), negatives);
        // Not compressed to memory, which takes some CPUs a hundred cycles.
        _mm512_storeu_si512(slots + made, _mm512_maskz_compress_epi32(filled, slot));
        made += static_cast<std::size_t>(_mm_popcnt_u32(filled));
    }
    return made;
}

}  // namespace

void row(const float* values, std::size_t count, const Bins& bins, std::uint32_t* tables) noexcept {
    std::uint32_t* const table[kTables] = {tables, tables + bins.slots, tables + 2 * bins.slots,
                                           tables + 3 * bins.slots};
    alignas(64) std::uint32_t slots[kBuffer + kVector];
    while (count > 0) {
        const std::size_t now = std::min(count, kBuffer);
        const std::size_t made = slots_of(values, now, bins, slots);
        std::size_t i = 0;
        for (; i + 8 <= made; i += 8) {
            for (std::size_t k = 0; k < 8; ++k) ++table[k % kTables][slots[i + k]];
        }
        for (; i < made; ++i) ++table[0][slots[i]];
        tables[bins.slots - 1] += static_cast<std::uint32_t>(now - made);
        values += now;
        count -= now;
    }
}

}  // namespace ei::count_bins::avx512

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
