#include "kernels/channel_moments/channel_moments.hpp"

#if defined(EDGEINFER_X86_64)

    #include <immintrin.h>

    // Only what stands between push and pop may use AVX-512; the headers above may not, or the
    // linker could keep an AVX-512 copy of a shared inline function for everybody.
    #if defined(__clang__)
        #pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl"))), \
                                     apply_to = function)
    #else
        #pragma GCC push_options
        #pragma GCC target("avx512f,avx512dq,avx512vl")
    #endif

namespace ei::channel_moments::avx512 {
namespace {

// Lane j with lane j + 4, then with j + 2, then the two.
double folded(const double (&lanes)[8]) noexcept {
    const __m256d four = _mm256_add_pd(_mm256_load_pd(lanes), _mm256_load_pd(lanes + 4));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

// The least of all lanes, or the greatest.
template <bool kLeast>
float extreme(const float (&lanes)[kLanes]) noexcept {
    struct Pick {
        static __m256 of(__m256 a, __m256 b) noexcept {
            return kLeast ? _mm256_min_ps(a, b) : _mm256_max_ps(a, b);
        }
    };
    const __m256 eight = Pick::of(_mm256_load_ps(lanes + 8), _mm256_load_ps(lanes));
    __m256 four = Pick::of(_mm256_permute2f128_ps(eight, eight, 1), eight);
    four = Pick::of(_mm256_permute_ps(four, 0b1110), four);
    return _mm256_cvtss_f32(Pick::of(_mm256_permute_ps(four, 1), four));
}

}  // namespace

Moments row(const float* values, std::size_t count) noexcept {
    __m512 low = _mm512_set1_ps(values[0]), high = low;
    __m512d sum[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    __m512d squares[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    const auto add = [&](const __m256(&halves)[2]) {
        for (int i = 0; i < 2; ++i) {
            const __m512d wide = _mm512_maskz_cvtps_pd(0xFF, halves[i]);
            sum[i] = _mm512_add_pd(sum[i], wide);
            squares[i] = _mm512_add_pd(squares[i], _mm512_mul_pd(wide, wide));
        }
    };
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        const __m512 all = _mm512_loadu_ps(values + i);
        low = _mm512_maskz_min_ps(0xFFFF, all, low);
        high = _mm512_maskz_max_ps(0xFFFF, all, high);
        add({_mm256_loadu_ps(values + i), _mm256_loadu_ps(values + i + 8)});
    }
    if (i < count) {
        // A zero that is added changes no sum: none is ever -0.
        const auto mask = static_cast<__mmask16>((1u << (count - i)) - 1);
        const __m512 some = _mm512_maskz_loadu_ps(mask, values + i);
        low = _mm512_mask_min_ps(low, mask, some, low);
        high = _mm512_mask_max_ps(high, mask, some, high);
        add({_mm256_maskz_loadu_ps(static_cast<__mmask8>(mask), values + i),
             _mm256_maskz_loadu_ps(static_cast<__mmask8>(mask >> 8), values + i + 8)});
    }
    alignas(64) float lows[kLanes], highs[kLanes];
    alignas(64) double sums[8], all_squares[8];
    _mm512_store_ps(lows, low);
    _mm512_store_ps(highs, high);
    _mm512_store_pd(sums, _mm512_add_pd(sum[0], sum[1]));
    _mm512_store_pd(all_squares, _mm512_add_pd(squares[0], squares[1]));
    return {extreme<true>(lows) + 0.0f, extreme<false>(highs) + 0.0f, folded(sums),
            folded(all_squares)};
}

}  // namespace ei::channel_moments::avx512

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
