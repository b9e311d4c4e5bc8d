#include "kernels/area_rows/area_rows.hpp"

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

namespace ei::area_rows::avx2 {
namespace {

template <bool kFirst>
__m256 sum(const float* row, __m256 weight, const float* before, std::size_t i) noexcept {
    const __m256 product = _mm256_mul_ps(_mm256_loadu_ps(row + i), weight);
    return kFirst ? product : _mm256_add_ps(_mm256_loadu_ps(before + i), product);
}

template <bool kFirst>
std::size_t keep(const float* row, __m256 weight, std::size_t count, const float* before,
                 float* sums) noexcept {
    std::size_t i = 0;
    for (; i + 8 <= count; i += 8) _mm256_storeu_ps(sums + i, sum<kFirst>(row, weight, before, i));
    return i;
}

template <bool kFirst>
std::size_t round(const float* row, __m256 weight, std::size_t count, const float* before,
                  std::uint8_t* out) noexcept {
    std::size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        __m256i integers[4];
        for (std::size_t k = 0; k < 4; ++k) {
            integers[k] = _mm256_cvtps_epi32(sum<kFirst>(row, weight, before, i + 8 * k));
        }
        const __m256i packed = _mm256_packus_epi16(_mm256_packs_epi32(integers[0], integers[1]),
                                                   _mm256_packs_epi32(integers[2], integers[3]));
        // Packing works per half, so fours come out as 0 2 4 6 1 3 5 7.
        _mm256_storeu_si256(
            reinterpret_cast<__m256i*>(out + i),
            _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    }
    return i;
}

}  // namespace

void row(const float* row, float weight, std::size_t count, const float* before, float* sums,
         std::uint8_t* out) noexcept {
    const __m256 w = _mm256_set1_ps(weight);
    std::size_t done = 0;
    if (out != nullptr) {
        done = before != nullptr ? round<false>(row, w, count, before, out)
                                 : round<true>(row, w, count, before, out);
    } else {
        done = before != nullptr ? keep<false>(row, w, count, before, sums)
                                 : keep<true>(row, w, count, before, sums);
    }
    scalar::row(row + done, weight, count - done, before != nullptr ? before + done : nullptr,
                out != nullptr ? nullptr : sums + done, out != nullptr ? out + done : nullptr);
}

}  // namespace ei::area_rows::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
