#include "kernels/lerp_rows/lerp_rows.hpp"

#if defined(EDGEINFER_X86_64)

    #include <immintrin.h>

    // Only what stands between push and pop may use AVX2; the headers above may not, or the linker
    // could keep an AVX2 copy of a shared inline function for everybody.
    #if defined(__clang__)
        #pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
    #else
        #pragma GCC push_options
        #pragma GCC target("avx2")
    #endif

namespace ei::lerp_rows::avx2 {
namespace {

__m256i mix(const std::int16_t* upper, const std::int16_t* lower, __m256i upper_weight,
            __m256i lower_weight) noexcept {
    const __m256i above = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(upper));
    const __m256i below = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lower));
    const __m256i sum = _mm256_add_epi16(_mm256_mulhi_epi16(above, upper_weight),
                                         _mm256_mulhi_epi16(below, lower_weight));
    return _mm256_srai_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2);
}

}  // namespace

void row(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
         std::int16_t lower_weight, std::size_t count, std::uint8_t* out) noexcept {
    const __m256i u = _mm256_set1_epi16(upper_weight);
    const __m256i l = _mm256_set1_epi16(lower_weight);
    std::size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        const __m256i packed = _mm256_packus_epi16(mix(upper + i, lower + i, u, l),
                                                   mix(upper + i + 16, lower + i + 16, u, l));
        // Packing works per half, so the quarters come out as 0 2 1 3.
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                            _mm256_permute4x64_epi64(packed, 0b11011000));
    }
    scalar::row(upper + i, lower + i, upper_weight, lower_weight, count - i, out + i);
}

}  // namespace ei::lerp_rows::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
