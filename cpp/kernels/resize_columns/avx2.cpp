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

// Rows in pairs, one in each half of a register, and two pairs where there are enough, so that a
// weight is loaded once for all. A load takes at least the bytes of four pixels; outputs whose
// loads would leave the row are left to scalar code.

template <int kPixelBytes>
constexpr std::size_t kLoaded = kPixelBytes == 1   ? 4
                                : kPixelBytes == 2 ? 8
                                                   : 16;

template <int kPixelBytes>
__m128i four_pixels(const std::uint8_t* pixels) noexcept {
    const auto* bytes = reinterpret_cast<const __m128i*>(pixels);
    return kPixelBytes == 2 ? _mm_loadl_epi64(bytes) : _mm_loadu_si128(bytes);
}

// Widens two neighbouring taps of four, `tap` the first: r r g g b b 0 0, 16 bits each.
template <int kPixelBytes>
__m256i spread_pair(int tap) noexcept {
    const char a = static_cast<char>(tap * kPixelBytes);
    const char b = static_cast<char>(a + kPixelBytes);
    const auto next = [](char byte, int by) { return static_cast<char>(byte + by); };
    const auto third = [](char byte) {
        return static_cast<char>(kPixelBytes == 2 ? -1 : byte + 2);
    };
    return _mm256_broadcastsi128_si256(_mm_setr_epi8(a, -1, b, -1, next(a, 1), -1, next(b, 1), -1,
                                                     third(a), -1, third(b), -1, -1, -1, -1, -1));
}

// Gathers the four taps of each channel: r r r r g g g g b b b b 0 0 0 0, 8 bits each.
template <int kPixelBytes>
__m256i spread_four() noexcept {
    constexpr char kP = kPixelBytes;
    const auto third = [](int tap) {
        return static_cast<char>(kPixelBytes == 2 ? -1 : tap * kPixelBytes + 2);
    };
    return _mm256_broadcastsi128_si256(_mm_setr_epi8(0, kP, 2 * kP, 3 * kP, 1, kP + 1, 2 * kP + 1,
                                                     3 * kP + 1, third(0), third(1), third(2),
                                                     third(3), -1, -1, -1, -1));
}

// Windows move right only, so outputs out of reach are the last ones.
template <int kPixelBytes>
std::size_t within_reach(const Taps& taps, std::size_t width) noexcept {
    std::size_t outputs = taps.outputs;
    while (outputs > 0) {
        const auto last_load = static_cast<std::size_t>(taps.first[outputs - 1]) + taps.padded - 4;
        if (last_load * kPixelBytes + kLoaded<kPixelBytes> <= width * kPixelBytes) break;
        --outputs;
    }
    return outputs;
}

__m256i four_bytes(const void* weights) noexcept {
    std::int32_t bytes;
    __builtin_memcpy(&bytes, weights, sizeof bytes);
    return _mm256_set1_epi32(bytes);
}

// One output of every row: sums[p] = r g b 0 of rows[2p] and r g b 0 of rows[2p + 1], 32 bits each.
template <int kPixelBytes, int kPairs>
void output(const std::uint8_t* const* rows, const Taps& taps, std::size_t x,
            __m256i* sums) noexcept {
    const __m256i spread01 = spread_pair<kPixelBytes>(0), spread23 = spread_pair<kPixelBytes>(2);
    const __m256i spread0123 = spread_four<kPixelBytes>();
    const std::size_t first = static_cast<std::size_t>(taps.first[x]) * kPixelBytes;
    const std::int16_t* low = taps.low + x * taps.padded;
    const std::int8_t* high = taps.high + x * taps.padded;
    __m256i low_s32x8[kPairs], high_s16x16[kPairs];
    for (int p = 0; p < kPairs; ++p) {
        low_s32x8[p] = _mm256_set1_epi32(1 << (kWeightBits - 1));
        high_s16x16[p] = _mm256_setzero_si256();
    }
    for (std::size_t t = 0; t < taps.padded; t += 4) {
        const std::size_t at = first + t * kPixelBytes;
        const __m256i low01 = four_bytes(low + t), low23 = four_bytes(low + t + 2);
        const __m256i high0123 = four_bytes(high + t);
        for (int p = 0; p < kPairs; ++p) {
            const __m256i pixels = _mm256_inserti128_si256(
                _mm256_castsi128_si256(four_pixels<kPixelBytes>(rows[2 * p] + at)),
                four_pixels<kPixelBytes>(rows[2 * p + 1] + at), 1);
            const __m256i product01 =
                _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, spread01), low01);
            const __m256i product23 =
                _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, spread23), low23);
            low_s32x8[p] = _mm256_add_epi32(low_s32x8[p], _mm256_add_epi32(product01, product23));
            // High weights add up to 128 at most, so 255 times them stays below 2^15.
            high_s16x16[p] = _mm256_add_epi16(
                high_s16x16[p],
                _mm256_maddubs_epi16(_mm256_shuffle_epi8(pixels, spread0123), high0123));
        }
    }
    for (int p = 0; p < kPairs; ++p) {
        const __m256i high_s32x8 = _mm256_madd_epi16(high_s16x16[p], _mm256_set1_epi16(1));
        sums[p] = _mm256_srai_epi32(
            _mm256_add_epi32(_mm256_slli_epi32(high_s32x8, kLowBits), low_s32x8[p]), kWeightBits);
    }
}

template <int kPixelBytes, int kPairs>
void pairs(const std::uint8_t* const* rows, std::size_t width, const Taps& taps,
           std::uint8_t* const* out) noexcept {
    const std::size_t reach = within_reach<kPixelBytes>(taps, width);
    std::size_t x = 0;
    for (; x + 4 <= reach; x += 4) {
        __m256i sums[4][kPairs];
        for (std::size_t i = 0; i < 4; ++i) {
            output<kPixelBytes, kPairs>(rows, taps, x + i, sums[i]);
        }
        for (int p = 0; p < kPairs; ++p) {
            const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(sums[0][p], sums[1][p]),
                                                      _mm256_packs_epi32(sums[2][p], sums[3][p]));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out[2 * p] + 4 * x),
                             _mm256_castsi256_si128(bytes));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out[2 * p + 1] + 4 * x),
                             _mm256_extracti128_si256(bytes, 1));
        }
    }
    for (; x < taps.outputs; ++x) {
        for (int r = 0; r < 2 * kPairs; ++r) colour_pixel(rows[r], kPixelBytes, taps, x, out[r]);
    }
}

// Four taps of one output of four rows: 16 bytes, row after row.
__m128i four_rows(const std::uint8_t* const* rows, std::size_t at) noexcept {
    std::int32_t bytes[4];
    for (int r = 0; r < 4; ++r) __builtin_memcpy(&bytes[r], rows[r] + at, sizeof bytes[r]);
    return _mm_setr_epi32(bytes[0], bytes[1], bytes[2], bytes[3]);
}

// One output of four gray rows, 32 bits each.
__m128i gray_output(const std::uint8_t* const* rows, const Taps& taps, std::size_t x) noexcept {
    const auto first = static_cast<std::size_t>(taps.first[x]);
    const std::int16_t* low = taps.low + x * taps.padded;
    const std::int8_t* high = taps.high + x * taps.padded;
    // Taps 0 and 1 beside taps 2 and 3, row after row.
    __m256i low_s32x8 = _mm256_setzero_si256();
    __m128i high_s16x8 = _mm_setzero_si128();
    for (std::size_t t = 0; t < taps.padded; t += 4) {
        const __m128i pixels = four_rows(rows, first + t);
        std::int64_t low0123;
        __builtin_memcpy(&low0123, low + t, sizeof low0123);
        low_s32x8 = _mm256_add_epi32(low_s32x8, _mm256_madd_epi16(_mm256_cvtepu8_epi16(pixels),
                                                                  _mm256_set1_epi64x(low0123)));
        high_s16x8 = _mm_add_epi16(
            high_s16x8, _mm_maddubs_epi16(pixels, _mm256_castsi256_si128(four_bytes(high + t))));
    }
    const __m128i low_sum =
        _mm_hadd_epi32(_mm256_castsi256_si128(low_s32x8), _mm256_extracti128_si256(low_s32x8, 1));
    const __m128i high_sum = _mm_madd_epi16(high_s16x8, _mm_set1_epi16(1));
    const __m128i sum = _mm_add_epi32(_mm_slli_epi32(high_sum, kLowBits), low_sum);
    return _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(1 << (kWeightBits - 1))), kWeightBits);
}

void gray(const std::uint8_t* const* rows, std::size_t width, const Taps& taps,
          std::uint8_t* const* out) noexcept {
    const std::size_t reach = within_reach<1>(taps, width);
    // Outputs stand row by row within an output; they are stored output by output within a row.
    const __m128i transposed = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    std::size_t x = 0;
    for (; x + 4 <= reach; x += 4) {
        __m128i sums[4];
        for (std::size_t i = 0; i < 4; ++i) sums[i] = gray_output(rows, taps, x + i);
        const __m128i bytes = _mm_shuffle_epi8(
            _mm_packus_epi16(_mm_packs_epi32(sums[0], sums[1]), _mm_packs_epi32(sums[2], sums[3])),
            transposed);
        std::int32_t four[4];
        _mm_storeu_si128(reinterpret_cast<__m128i*>(four), bytes);
        for (int r = 0; r < 4; ++r) __builtin_memcpy(out[r] + x, &four[r], sizeof four[r]);
    }
    for (; x < taps.outputs; ++x) {
        for (int r = 0; r < 4; ++r) gray_pixel(rows[r], taps, x, out[r]);
    }
}

template <int kPixelBytes>
void four_at_a_time(const std::uint8_t* const* rows, std::size_t row_count, std::size_t width,
                    const Taps& taps, std::uint8_t* const* out) noexcept {
    for (std::size_t r = 0; r < row_count; r += 4) {
        // Where rows are missing the last one stands in: its bytes are stored more than once.
        const std::uint8_t* from[4];
        std::uint8_t* to[4];
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t row = r + i < row_count ? r + i : row_count - 1;
            from[i] = rows[row];
            to[i] = out[row];
        }
        if constexpr (kPixelBytes == 1) {
            gray(from, width, taps, to);
        } else if (row_count - r > 2) {
            pairs<kPixelBytes, 2>(from, width, taps, to);
        } else {
            pairs<kPixelBytes, 1>(from, width, taps, to);
        }
    }
}

}  // namespace

void rows(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
          std::size_t width, const Taps& taps, std::uint8_t* const* out) noexcept {
    if (pixel_bytes == 2) return four_at_a_time<2>(rows, row_count, width, taps, out);
    if (pixel_bytes == 3) return four_at_a_time<3>(rows, row_count, width, taps, out);
    if (pixel_bytes == 4) return four_at_a_time<4>(rows, row_count, width, taps, out);
    four_at_a_time<1>(rows, row_count, width, taps, out);
}

}  // namespace ei::resize_columns::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
