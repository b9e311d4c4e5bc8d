#include "kernels/yuv_rgb/yuv_rgb.hpp"

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

namespace ei::yuv_rgb::avx2 {
namespace {

// Chroma of eight pixels, 0..255 in 32 bits.
struct Chroma {
    __m256i first, second;
};

template <std::size_t kStep>
Chroma load(const std::uint8_t* first, const std::uint8_t* second, std::size_t x) noexcept {
    if constexpr (kStep == 1) {
        return {
            _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(first + x))),
            _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(second + x)))};
    } else {
        const std::uint8_t* pairs = first + kStep * x;
        const __m256i both =
            kStep == 2
                ? _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(pairs)))
                : _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pairs));
        const __m256i byte = _mm256_set1_epi32(255);
        return {_mm256_and_si256(both, byte), _mm256_and_si256(_mm256_srli_epi32(both, 8), byte)};
    }
}

struct Lanes {
    __m256i luma_zero;
    __m256 luma, red_v, green_u, green_v, blue_u;

    explicit Lanes(const Coefficients& c) noexcept
        : luma_zero(_mm256_set1_epi32(c.luma_zero)),
          luma(_mm256_set1_ps(c.luma)),
          red_v(_mm256_set1_ps(c.red_v)),
          green_u(_mm256_set1_ps(c.green_u)),
          green_v(_mm256_set1_ps(c.green_v)),
          blue_u(_mm256_set1_ps(c.blue_u)) {}

    __m256i pixels(__m256i luma_s32x8, __m256i u_s32x8, __m256i v_s32x8) const noexcept {
        const __m256i middle = _mm256_set1_epi32(128);
        const __m256 y =
            _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(luma_s32x8, luma_zero)), luma);
        const __m256 u = _mm256_cvtepi32_ps(_mm256_sub_epi32(u_s32x8, middle));
        const __m256 v = _mm256_cvtepi32_ps(_mm256_sub_epi32(v_s32x8, middle));
        const __m256 red = _mm256_add_ps(y, _mm256_mul_ps(v, red_v));
        const __m256 green =
            _mm256_add_ps(y, _mm256_add_ps(_mm256_mul_ps(u, green_u), _mm256_mul_ps(v, green_v)));
        const __m256 blue = _mm256_add_ps(y, _mm256_mul_ps(u, blue_u));
        // Packing clips. Each half then holds r r r r g g g g b b b b 0 0 0 0.
        const __m256i planes = _mm256_packus_epi16(
            _mm256_packs_epi32(_mm256_cvtps_epi32(red), _mm256_cvtps_epi32(green)),
            _mm256_packs_epi32(_mm256_cvtps_epi32(blue), _mm256_setzero_si256()));
        return _mm256_shuffle_epi8(
            planes, _mm256_broadcastsi128_si256(
                        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
    }
};

// `first` lies before `second` where they share a row.
template <std::size_t kStep, bool kFirstIsU>
std::size_t convert(const std::uint8_t* luma, const std::uint8_t* first, const std::uint8_t* second,
                    std::size_t count, const Coefficients& c, std::uint8_t* out) noexcept {
    // A load of four bytes a pixel ends two bytes behind the last one's chroma.
    constexpr std::size_t kAhead = kStep == 4 ? 1 : 0;
    const Lanes lanes(c);
    std::size_t x = 0;
    for (; x + 8 + kAhead <= count; x += 8) {
        const __m256i luma_s32x8 =
            _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(luma + x)));
        const Chroma chroma = load<kStep>(first, second, x);
        const __m256i rgb = kFirstIsU ? lanes.pixels(luma_s32x8, chroma.first, chroma.second)
                                      : lanes.pixels(luma_s32x8, chroma.second, chroma.first);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 4 * x), rgb);
    }
    return x;
}

template <std::size_t kStep>
std::size_t interleaved(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
                        std::size_t count, const Coefficients& c, std::uint8_t* out) noexcept {
    if (v == u + 1) return convert<kStep, true>(luma, u, v, count, c, out);
    if (u == v + 1) return convert<kStep, false>(luma, v, u, count, c, out);
    return 0;
}

}  // namespace

void row(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
         std::size_t chroma_step, std::size_t count, const Coefficients& coefficients,
         std::uint8_t* out) noexcept {
    const std::size_t done =
        chroma_step == 1   ? convert<1, true>(luma, u, v, count, coefficients, out)
        : chroma_step == 2 ? interleaved<2>(luma, u, v, count, coefficients, out)
                           : interleaved<4>(luma, u, v, count, coefficients, out);
    scalar::row(luma + done, u + chroma_step * done, v + chroma_step * done, chroma_step,
                count - done, coefficients, out + 4 * done);
}

}  // namespace ei::yuv_rgb::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
