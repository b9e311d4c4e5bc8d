#include "kernels/pack_planar/pack_planar.hpp"

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

namespace ei::pack_planar::avx2 {
namespace {

struct Lanes {
    __m256 scale[3], bias[3];

    explicit Lanes(const Affine3& affine) noexcept {
        for (int c = 0; c < 3; ++c) {
            scale[c] = _mm256_set1_ps(affine.scale[c]);
            bias[c] = _mm256_set1_ps(affine.bias[c]);
        }
    }
    void store(__m256i values_s32x8, int c, float* plane) const noexcept {
        const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(values_s32x8), scale[c]);
        _mm256_storeu_ps(plane, _mm256_add_ps(product, bias[c]));
    }
};

// Eight pixels, one in each 32-bit lane: r in the lowest byte, then g, then b.
template <std::size_t kPixelBytes>
__m256i eight_pixels(const std::uint8_t* pixels) noexcept {
    if constexpr (kPixelBytes == 4) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pixels));
    } else {
        // Bytes 0..15 and 8..23: together exactly the 24 bytes of eight pixels.
        const __m256i bytes = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels))),
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels + 8)), 1);
        return _mm256_shuffle_epi8(
            bytes, _mm256_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, 4, 5, 6,
                                    -1, 7, 8, 9, -1, 10, 11, 12, -1, 13, 14, 15, -1));
    }
}

template <std::size_t kPixelBytes>
std::size_t colour(const std::uint8_t* pixels, std::size_t count, const Affine3& affine,
                   float* plane0, float* plane1, float* plane2) noexcept {
    const Lanes lanes(affine);
    const __m256i byte = _mm256_set1_epi32(255);
    std::size_t x = 0;
    for (; x + 8 <= count; x += 8) {
        const __m256i rgb = eight_pixels<kPixelBytes>(pixels + kPixelBytes * x);
        lanes.store(_mm256_and_si256(rgb, byte), 0, plane0 + x);
        lanes.store(_mm256_and_si256(_mm256_srli_epi32(rgb, 8), byte), 1, plane1 + x);
        lanes.store(_mm256_and_si256(_mm256_srli_epi32(rgb, 16), byte), 2, plane2 + x);
    }
    return x;
}

std::size_t gray(const std::uint8_t* pixels, std::size_t count, const Affine3& affine,
                 float* plane0, float* plane1, float* plane2) noexcept {
    const Lanes lanes(affine);
    std::size_t x = 0;
    for (; x + 8 <= count; x += 8) {
        const __m256i values_s32x8 =
            _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixels + x)));
        lanes.store(values_s32x8, 0, plane0 + x);
        lanes.store(values_s32x8, 1, plane1 + x);
        lanes.store(values_s32x8, 2, plane2 + x);
    }
    return x;
}

}  // namespace

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Affine3& affine, float* plane0, float* plane1, float* plane2) noexcept {
    const std::size_t done =
        pixel_bytes == 3   ? colour<3>(pixels, count, affine, plane0, plane1, plane2)
        : pixel_bytes == 4 ? colour<4>(pixels, count, affine, plane0, plane1, plane2)
                           : gray(pixels, count, affine, plane0, plane1, plane2);
    scalar::row(pixels + done * pixel_bytes, pixel_bytes, count - done, affine, plane0 + done,
                plane1 + done, plane2 + done);
}

}  // namespace ei::pack_planar::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
