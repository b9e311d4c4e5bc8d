#include "kernels/area_columns/scalar.hpp"

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

namespace ei::area_columns::avx2 {
namespace {

// One pixel in each half of a register, as floats r g b 0.
template <int kPixelBytes>
__m256 two_pixels(const std::uint8_t* first, const std::uint8_t* second) noexcept {
    constexpr char kThird = kPixelBytes == 2 ? -1 : 2;
    const __m256i order = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -1, -1, -1, 1, -1, -1, -1, kThird, -1, -1, -1, -1, -1, -1, -1));
    std::int32_t a, b;
    __builtin_memcpy(&a, first, sizeof a);
    __builtin_memcpy(&b, second, sizeof b);
    const __m256i both = _mm256_blend_epi32(_mm256_set1_epi32(a), _mm256_set1_epi32(b), 0xF0);
    return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(both, order));
}

// Outputs that may be made from loads of 4 bytes. Runs move right only, so the others are last.
template <int kPixelBytes>
std::size_t within_reach(const Taps& taps, std::size_t width) noexcept {
    std::size_t outputs = taps.outputs;
    while (outputs > 0) {
        const auto last_load = static_cast<std::size_t>(taps.first[outputs - 1]) + taps.padded - 1;
        if (last_load * kPixelBytes + 4 <= width * kPixelBytes) break;
        --outputs;
    }
    return outputs;
}

template <int kPixelBytes>
void colour(const std::uint8_t* row, std::size_t width, const Taps& taps, float* out) noexcept {
    const std::size_t reach = within_reach<kPixelBytes>(taps, width);
    const std::size_t padded = taps.padded;
    const auto pixels = [&](std::size_t x) {
        return row + static_cast<std::size_t>(taps.first[x]) * kPixelBytes;
    };
    std::size_t x = 0;
    for (; x + 2 <= reach; x += 2) {
        const std::uint8_t* first = pixels(x);
        const std::uint8_t* second = pixels(x + 1);
        const float* weights = taps.weights + x * padded;
        __m256 sums = _mm256_setzero_ps();
        for (std::size_t t = 0; t < padded; ++t, first += kPixelBytes, second += kPixelBytes) {
            const __m256 both = _mm256_blend_ps(_mm256_broadcast_ss(weights + t),
                                                _mm256_broadcast_ss(weights + padded + t), 0xF0);
            sums = _mm256_add_ps(sums, _mm256_mul_ps(two_pixels<kPixelBytes>(first, second), both));
        }
        _mm256_storeu_ps(out + 4 * x, sums);
    }
    for (; x < taps.outputs; ++x) colour_pixel(row, kPixelBytes, taps, x, out);
}

}  // namespace

void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Taps& taps,
         float* out) noexcept {
    if (pixel_bytes == 2) return colour<2>(row, width, taps, out);
    if (pixel_bytes == 3) return colour<3>(row, width, taps, out);
    if (pixel_bytes == 4) return colour<4>(row, width, taps, out);
    scalar::row(row, pixel_bytes, width, taps, out);
}

}  // namespace ei::area_columns::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
