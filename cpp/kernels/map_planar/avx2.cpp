#include "kernels/map_planar/map_planar.hpp"

#if defined(EDGEINFER_X86_64)

    #include <immintrin.h>

    #include <initializer_list>

    // Only what stands between push and pop may use AVX2; the headers above may not, or the linker
    // could keep an AVX2 copy of a shared inline function for everybody.
    #if defined(__clang__)
        #pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
    #else
        #pragma GCC push_options
        #pragma GCC target("avx2")
    #endif

namespace ei::map_planar::avx2 {
namespace {

// Sixteen pixels to sixteen bytes of each plane. Each half of a register takes eight pixels; four
// of them lie in 12 or in 16 bytes.
template <int kPixelBytes>
__m256i four_and_four(const std::uint8_t* front, const std::uint8_t* back) noexcept {
    constexpr char kP = kPixelBytes;
    const __m256i bytes = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(front))),
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(back)), 1);
    // r r r r g g g g b b b b 0 0 0 0
    return _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(_mm_setr_epi8(
                                          0, kP, 2 * kP, 3 * kP, 1, kP + 1, 2 * kP + 1, 3 * kP + 1,
                                          2, kP + 2, 2 * kP + 2, 3 * kP + 2, -1, -1, -1, -1)));
}

template <int kPixelBytes>
std::size_t colour(const std::uint8_t* pixels, std::size_t count, std::uint8_t flip,
                   std::uint8_t* plane0, std::uint8_t* plane1, std::uint8_t* plane2) noexcept {
    // Of three bytes a pixel the last load uses 12 and takes 16: two pixels more must follow.
    constexpr std::size_t kAhead = kPixelBytes == 3 ? 2 : 0;
    const __m256i flips = _mm256_set1_epi8(static_cast<char>(flip));
    std::size_t x = 0;
    for (; x + 16 + kAhead <= count; x += 16) {
        const std::uint8_t* from = pixels + kPixelBytes * x;
        const __m256i even = four_and_four<kPixelBytes>(from, from + 8 * kPixelBytes);
        const __m256i odd =
            four_and_four<kPixelBytes>(from + 4 * kPixelBytes, from + 12 * kPixelBytes);
        // Halves: eight r, eight g; then eight b.
        const __m256i rg = _mm256_xor_si256(_mm256_unpacklo_epi32(even, odd), flips);
        const __m256i b = _mm256_xor_si256(_mm256_unpackhi_epi32(even, odd), flips);
        const __m256i planes = _mm256_permute4x64_epi64(rg, 0b11011000);
        const __m256i last = _mm256_permute4x64_epi64(b, 0b11011000);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(plane0 + x), _mm256_castsi256_si128(planes));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(plane1 + x),
                         _mm256_extracti128_si256(planes, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(plane2 + x), _mm256_castsi256_si128(last));
    }
    return x;
}

std::size_t gray(const std::uint8_t* pixels, std::size_t count, std::uint8_t flip,
                 std::uint8_t* plane0, std::uint8_t* plane1, std::uint8_t* plane2) noexcept {
    const __m256i flips = _mm256_set1_epi8(static_cast<char>(flip));
    std::size_t x = 0;
    for (; x + 32 <= count; x += 32) {
        const __m256i values = _mm256_xor_si256(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pixels + x)), flips);
        for (std::uint8_t* plane : {plane0, plane1, plane2}) {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(plane + x), values);
        }
    }
    return x;
}

}  // namespace

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, std::uint8_t* plane0, std::uint8_t* plane1,
         std::uint8_t* plane2) noexcept {
    std::size_t done = 0;
    if (tables.flips) {
        const std::uint8_t flip = tables.of[0][0];
        done = pixel_bytes == 3   ? colour<3>(pixels, count, flip, plane0, plane1, plane2)
               : pixel_bytes == 4 ? colour<4>(pixels, count, flip, plane0, plane1, plane2)
                                  : gray(pixels, count, flip, plane0, plane1, plane2);
    }
    scalar::row(pixels + done * pixel_bytes, pixel_bytes, count - done, tables, plane0 + done,
                plane1 + done, plane2 + done);
}

}  // namespace ei::map_planar::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
