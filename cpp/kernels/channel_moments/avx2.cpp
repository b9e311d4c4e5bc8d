#include "kernels/channel_moments/channel_moments.hpp"

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

namespace ei::channel_moments::avx2 {
namespace {

// Eight of the sixteen lanes.
struct Eight {
    __m256 low, high;
    __m256d sum[2], squares[2];

    explicit Eight(__m256 first) noexcept
        : low(first),
          high(first),
          sum{_mm256_setzero_pd(), _mm256_setzero_pd()},
          squares{_mm256_setzero_pd(), _mm256_setzero_pd()} {}

    void add(__m256 values) noexcept {
        const __m256d wide[2] = {_mm256_cvtps_pd(_mm256_castps256_ps128(values)),
                                 _mm256_cvtps_pd(_mm256_extractf128_ps(values, 1))};
        for (int i = 0; i < 2; ++i) {
            sum[i] = _mm256_add_pd(sum[i], wide[i]);
            squares[i] = _mm256_add_pd(squares[i], _mm256_mul_pd(wide[i], wide[i]));
        }
    }
    void take(__m256 values) noexcept {
        low = _mm256_min_ps(values, low);
        high = _mm256_max_ps(values, high);
        add(values);
    }
    // The first `count` lanes. A zero that is added changes no sum: none is ever -0.
    void take(const float* values, std::ptrdiff_t count) noexcept {
        const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lanes);
        const __m256 some = _mm256_maskload_ps(values, mask);
        const __m256 taken = _mm256_castsi256_ps(mask);
        low = _mm256_blendv_ps(low, _mm256_min_ps(some, low), taken);
        high = _mm256_blendv_ps(high, _mm256_max_ps(some, high), taken);
        add(some);
    }
};

// Lane 0 with lane 2, 1 with 3, then the two.
double folded(__m256d lanes) noexcept {
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(lanes), _mm256_extractf128_pd(lanes, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

template <class Pick>
float folded(__m256 lanes, Pick&& pick) noexcept {
    __m128 four = pick(_mm256_extractf128_ps(lanes, 1), _mm256_castps256_ps128(lanes));
    four = pick(_mm_movehl_ps(four, four), four);
    return _mm_cvtss_f32(pick(_mm_shuffle_ps(four, four, 1), four));
}

}  // namespace

Moments row(const float* values, std::size_t count) noexcept {
    const __m256 first = _mm256_set1_ps(values[0]);
    Eight lower(first), upper(first);
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        lower.take(_mm256_loadu_ps(values + i));
        upper.take(_mm256_loadu_ps(values + i + 8));
    }
    const auto left = static_cast<std::ptrdiff_t>(count - i);
    if (left > 0) lower.take(values + i, left);
    if (left > 8) upper.take(values + i + 8, left - 8);
    const __m256d sum = _mm256_add_pd(_mm256_add_pd(lower.sum[0], upper.sum[0]),
                                      _mm256_add_pd(lower.sum[1], upper.sum[1]));
    const __m256d squares = _mm256_add_pd(_mm256_add_pd(lower.squares[0], upper.squares[0]),
                                          _mm256_add_pd(lower.squares[1], upper.squares[1]));
    const float low = folded(_mm256_min_ps(upper.low, lower.low),
                             [](__m128 a, __m128 b) { return _mm_min_ps(a, b); });
    const float high = folded(_mm256_max_ps(upper.high, lower.high),
                              [](__m128 a, __m128 b) { return _mm_max_ps(a, b); });
    return {low + 0.0f, high + 0.0f, folded(sum), folded(squares)};
}

}  // namespace ei::channel_moments::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
