#include "kernels/resize_columns/scalar.hpp"

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

namespace ei::resize_columns::avx2 {
namespace {

// Two rows at a time, one in each half of a register, so that a weight is loaded once for both. A
// load takes 16 bytes from four pixels on; outputs whose loads would leave the row are left to
// scalar code.

// Widens taps `tap` and tap + 1 of four: r r' g g' b b' 0 0, 16 bits each.
template <int kPixelBytes>
__m256i spread(int tap) noexcept {
    const char a = static_cast<char>(tap * kPixelBytes);
    const char b = static_cast<char>(a + kPixelBytes);
    const auto next = [](char byte, int by) { return static_cast<char>(byte + by); };
    return _mm256_broadcastsi128_si256(_mm_setr_epi8(a, -1, b, -1, next(a, 1), -1, next(b, 1), -1,
                                                     next(a, 2), -1, next(b, 2), -1, -1, -1, -1,
                                                     -1));
}

// Windows move right only, so outputs out of reach are the last ones.
template <int kPixelBytes>
std::size_t within_reach(const Taps& taps, std::size_t width) noexcept {
    std::size_t outputs = taps.outputs;
    while (outputs > 0) {
        const auto last_load = static_cast<std::size_t>(taps.first[outputs - 1]) + taps.padded - 4;
        if (last_load * kPixelBytes + 16 <= width * kPixelBytes) break;
        --outputs;
    }
    return outputs;
}

__m256i weight_pair(const std::int16_t* weights) noexcept {
    std::int32_t pair;
    __builtin_memcpy(&pair, weights, sizeof pair);
    return _mm256_set1_epi32(pair);
}

// One output of both rows: r g b 0 | r g b 0, 32 bits each.
template <int kPixelBytes>
__m256i output(const std::uint8_t* upper, const std::uint8_t* lower, const Taps& taps,
               std::size_t x) noexcept {
    const __m256i spread01 = spread<kPixelBytes>(0), spread23 = spread<kPixelBytes>(2);
    const std::size_t first = static_cast<std::size_t>(taps.first[x]) * kPixelBytes;
    const std::int16_t* low = taps.low + x * taps.padded;
    const std::int16_t* high = taps.high + x * taps.padded;
    __m256i low_sum = _mm256_set1_epi32(1 << (kWeightBits - 1));
    __m256i high_sum = _mm256_setzero_si256();
    for (std::size_t t = 0; t < taps.padded; t += 4) {
        const std::size_t at = first + t * kPixelBytes;
        const __m256i pixels = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(upper + at))),
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(lower + at)), 1);
        const __m256i taps01 = _mm256_shuffle_epi8(pixels, spread01);
        const __m256i taps23 = _mm256_shuffle_epi8(pixels, spread23);
        low_sum = _mm256_add_epi32(low_sum, _mm256_madd_epi16(taps01, weight_pair(low + t)));
        high_sum = _mm256_add_epi32(high_sum, _mm256_madd_epi16(taps01, weight_pair(high + t)));
        low_sum = _mm256_add_epi32(low_sum, _mm256_madd_epi16(taps23, weight_pair(low + t + 2)));
        high_sum = _mm256_add_epi32(high_sum, _mm256_madd_epi16(taps23, weight_pair(high + t + 2)));
    }
    const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high_sum, kLowBits), low_sum);
    return _mm256_srai_epi32(sum, kWeightBits);
}

template <int kPixelBytes>
void two_rows(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t width,
              const Taps& taps, std::uint8_t* upper_out, std::uint8_t* lower_out) noexcept {
    const std::size_t reach = within_reach<kPixelBytes>(taps, width);
    std::size_t x = 0;
    for (; x + 4 <= reach; x += 4) {
        const __m256i front = _mm256_packs_epi32(output<kPixelBytes>(upper, lower, taps, x),
                                                 output<kPixelBytes>(upper, lower, taps, x + 1));
        const __m256i back = _mm256_packs_epi32(output<kPixelBytes>(upper, lower, taps, x + 2),
                                                output<kPixelBytes>(upper, lower, taps, x + 3));
        const __m256i bytes = _mm256_packus_epi16(front, back);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(upper_out + 4 * x),
                         _mm256_castsi256_si128(bytes));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(lower_out + 4 * x),
                         _mm256_extracti128_si256(bytes, 1));
    }
    for (; x < taps.outputs; ++x) {
        colour_pixel(upper, kPixelBytes, taps, x, upper_out);
        colour_pixel(lower, kPixelBytes, taps, x, lower_out);
    }
}

template <int kPixelBytes>
void colour(const std::uint8_t* const* rows, std::size_t row_count, std::size_t width,
            const Taps& taps, std::uint8_t* const* out) noexcept {
    std::size_t r = 0;
    for (; r + 2 <= row_count; r += 2) {
        two_rows<kPixelBytes>(rows[r], rows[r + 1], width, taps, out[r], out[r + 1]);
    }
    // A row left over is both rows of a pair: the same bytes are stored twice.
    if (r < row_count) two_rows<kPixelBytes>(rows[r], rows[r], width, taps, out[r], out[r]);
}

}  // namespace

void rows(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
          std::size_t width, const Taps& taps, std::uint8_t* const* out) noexcept {
    if (pixel_bytes == 3) return colour<3>(rows, row_count, width, taps, out);
    if (pixel_bytes == 4) return colour<4>(rows, row_count, width, taps, out);
    scalar::rows(rows, row_count, pixel_bytes, width, taps, out);
}

}  // namespace ei::resize_columns::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
