#include "kernels/lerp_columns/scalar.hpp"

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

namespace ei::lerp_columns::avx2 {
namespace {

// Both pixels of a pair lie in 8 bytes: [r g b] [r g b] . . or [r g b x] [r g b x]; two outputs
// share a half of a register. Widens the pair at byte `start` of each half: r r' g g' b b' 0 0.
template <int kPixelBytes>
__m256i spread(int start) noexcept {
    const auto byte = [start](int at) { return static_cast<char>(start + at); };
    return _mm256_broadcastsi128_si256(_mm_setr_epi8(byte(0), -1, byte(kPixelBytes), -1, byte(1),
                                                     -1, byte(kPixelBytes + 1), -1, byte(2), -1,
                                                     byte(kPixelBytes + 2), -1, -1, -1, -1, -1));
}

__m128i two_pairs(const std::uint8_t* first, const std::uint8_t* second) noexcept {
    const __m128i low = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(first));
    return _mm_castps_si128(
        _mm_loadh_pi(_mm_castsi128_ps(low), reinterpret_cast<const __m64*>(second)));
}

template <int kPixelBytes>
const std::uint8_t* pixel(const std::uint8_t* row, const Lerp& lerp, std::size_t x) noexcept {
    return row + static_cast<std::size_t>(lerp.left[x]) * kPixelBytes;
}

// Each pass takes its tables by value: for all the compiler knows, a store could change others.
template <int kPixelBytes>
void colour(const std::uint8_t* row, std::size_t width, const Lerp& tables,
            std::int16_t* out) noexcept {
    const Lerp lerp = tables;
    const __m256i spread_first = spread<kPixelBytes>(0);
    const __m256i spread_second = spread<kPixelBytes>(8);
    const __m256i even = _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2);
    const __m256i odd = _mm256_setr_epi32(1, 1, 1, 1, 3, 3, 3, 3);
    const std::size_t reach = within_reach(lerp, kPixelBytes, width);
    std::size_t x = 0;
    for (; x + 4 <= reach; x += 4) {
        const __m256i pixels = _mm256_inserti128_si256(
            _mm256_castsi128_si256(
                two_pairs(pixel<kPixelBytes>(row, lerp, x), pixel<kPixelBytes>(row, lerp, x + 1))),
            two_pairs(pixel<kPixelBytes>(row, lerp, x + 2), pixel<kPixelBytes>(row, lerp, x + 3)),
            1);
        const __m256i weights = _mm256_castsi128_si256(
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(lerp.weights + 2 * x)));
        const __m256i even_s32x8 = _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, spread_first),
                                                     _mm256_permutevar8x32_epi32(weights, even));
        const __m256i odd_s32x8 = _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, spread_second),
                                                    _mm256_permutevar8x32_epi32(weights, odd));
        _mm256_storeu_si256(
            reinterpret_cast<__m256i*>(out + 4 * x),
            _mm256_packs_epi32(_mm256_srai_epi32(even_s32x8, 4), _mm256_srai_epi32(odd_s32x8, 4)));
    }
    for (; x < lerp.outputs; ++x) colour_pixel(row, kPixelBytes, lerp, x, out);
}

// Pairs of bytes times parts of weights: 16 sums as the contract rounds them.
__m256i mix_pairs(__m256i pairs, __m256i coarse, __m256i fine) noexcept {
    return _mm256_add_epi16(_mm256_maddubs_epi16(pairs, coarse),
                            _mm256_srli_epi16(_mm256_maddubs_epi16(pairs, fine), 4));
}

__m256i load(const void* from) noexcept {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

// 16 bytes from the pixel of one group's first output on, and of another's.
__m256i two_groups(const std::uint8_t* low, const std::uint8_t* high) noexcept {
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low))),
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(high)), 1);
}

// Eight pairs of gray pixels, 16 bits each.
__m256i gray_pairs(const std::uint8_t* row, const std::int32_t* left) noexcept {
    const auto pair = [&](int i) {
        std::uint16_t bytes;
        __builtin_memcpy(&bytes, row + left[i], sizeof bytes);
        return static_cast<short>(bytes);
    };
    const __m128i bytes =
        _mm_setr_epi16(pair(0), pair(1), pair(2), pair(3), pair(4), pair(5), pair(6), pair(7));
    return _mm256_cvtepu8_epi16(bytes);
}

void gray(const std::uint8_t* row, std::size_t width, const Lerp& tables,
          std::int16_t* out) noexcept {
    static_assert(kGroup == 4);
    const Lerp lerp = tables;
    const std::int32_t* left = lerp.left;
    const __m256i one = _mm256_set1_epi8(1);
    const bool grouped = lerp.within_group != nullptr && lerp.furthest + 2 <= 16;
    std::size_t x = 0;
    // The last group's 16 bytes reach furthest, since pairs move right only.
    while (grouped && x + 16 <= lerp.outputs &&
           static_cast<std::size_t>(left[x + 12]) + 16 <= width) {
        // Of each half: places of eight left pixels, then with those of the right ones between.
        const __m256i lefts = _mm256_permute4x64_epi64(
            _mm256_castsi128_si256(
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(lerp.within_group + x))),
            0x10);
        const __m256i places = _mm256_unpacklo_epi8(lefts, _mm256_add_epi8(lefts, one));
        const __m256i first = two_groups(row + left[x], row + left[x + 8]);
        const __m256i second = two_groups(row + left[x + 4], row + left[x + 12]);
        const __m256i pairs = _mm256_blend_epi32(_mm256_shuffle_epi8(first, places),
                                                 _mm256_shuffle_epi8(second, places), 0xCC);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + x),
                            mix_pairs(pairs, load(lerp.coarse + 2 * x), load(lerp.fine + 2 * x)));
        x += 16;
    }
    for (; x + 8 <= lerp.outputs; x += 8) {
        const __m256i weights =
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lerp.weights + 2 * x));
        const __m256i sums =
            _mm256_srai_epi32(_mm256_madd_epi16(gray_pairs(row, lerp.left + x), weights), 4);
        _mm_storeu_si128(
            reinterpret_cast<__m128i*>(out + x),
            _mm_packs_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1)));
    }
    for (; x < lerp.outputs; ++x) gray_pixel(row, lerp, x, out);
}

// Eight pairs of chroma pixels, each u v u' v'.
__m256i chroma_pairs(const std::uint8_t* row, const std::int32_t* left) noexcept {
    const auto pair = [&](int i) {
        int bytes;
        __builtin_memcpy(&bytes, row + 2 * static_cast<std::size_t>(left[i]), sizeof bytes);
        return bytes;
    };
    const __m128i first = _mm_setr_epi32(pair(0), pair(1), pair(2), pair(3));
    const __m128i second = _mm_setr_epi32(pair(4), pair(5), pair(6), pair(7));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);
}

// One part of eight outputs' weights, for both of their channels.
__m256i chroma_weights(const std::uint8_t* parts) noexcept {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(parts));
    return _mm256_shuffle_epi8(
        _mm256_broadcastsi128_si256(bytes),
        _mm256_setr_epi8(0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9, 8, 9, 10, 11, 10, 11,
                         12, 13, 12, 13, 14, 15, 14, 15));
}

// By their distances in pixels, the places of eight outputs' bytes: u u' v v'.
__m256i chroma_places(const std::uint8_t* distances) noexcept {
    const __m256i each = _mm256_shuffle_epi8(
        _mm256_broadcastq_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(distances))),
        _mm256_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6,
                         6, 6, 6, 7, 7, 7, 7));
    return _mm256_add_epi8(_mm256_add_epi8(each, each), _mm256_set1_epi32(0x03010200));
}

void chroma(const std::uint8_t* row, std::size_t width, const Lerp& tables,
            std::int16_t* out) noexcept {
    const Lerp lerp = tables;
    const auto at = [&](std::size_t x) { return row + 2 * static_cast<std::size_t>(lerp.left[x]); };
    const auto store = [&](std::size_t x, __m256i pairs) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 2 * x),
                            mix_pairs(pairs, chroma_weights(lerp.coarse + 2 * x),
                                      chroma_weights(lerp.fine + 2 * x)));
    };
    const bool grouped = lerp.within_group != nullptr && 2 * (lerp.furthest + 2) <= 16;
    std::size_t x = 0;
    for (; grouped && x + 8 <= lerp.outputs &&
           static_cast<std::size_t>(lerp.left[x + 4]) + 8 <= width;
         x += 8) {
        store(x, _mm256_shuffle_epi8(two_groups(at(x), at(x + 4)),
                                     chroma_places(lerp.within_group + x)));
    }
    const __m256i within_each = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15));
    for (; x + 8 <= lerp.outputs; x += 8) {
        store(x, _mm256_shuffle_epi8(chroma_pairs(row, lerp.left + x), within_each));
    }
    for (; x < lerp.outputs; ++x) chroma_pixel(row, lerp, x, out);
}

}  // namespace

void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Lerp& lerp,
         std::int16_t* out) noexcept {
    if (pixel_bytes == 2) return chroma(row, width, lerp, out);
    if (pixel_bytes == 3) return colour<3>(row, width, lerp, out);
    if (pixel_bytes == 4) return colour<4>(row, width, lerp, out);
    gray(row, width, lerp, out);
}

}  // namespace ei::lerp_columns::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
