#include "kernels/average_2x2/average_2x2.hpp"

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

namespace ei::average_2x2::avx2 {
namespace {

// Two pixels beside each other, as sums of 16 bits: r+r' g+g' b+b' 0 for four outputs, or
// u+u' v+v' 0 0.
template <int kPixelBytes>
__m256i pair_sums(const std::uint8_t* row) noexcept {
    constexpr char kP = kPixelBytes;
    const auto third = [](int at) { return static_cast<char>(kPixelBytes == 2 ? -1 : at + 2); };
    const __m128i order =
        _mm_setr_epi8(0, kP, 1, kP + 1, third(0), third(kP), -1, -1, 2 * kP, 3 * kP, 2 * kP + 1,
                      3 * kP + 1, third(2 * kP), third(3 * kP), -1, -1);
    const auto load = [](const std::uint8_t* from) {
        const auto* bytes = reinterpret_cast<const __m128i*>(from);
        return kPixelBytes == 2 ? _mm_loadl_epi64(bytes) : _mm_loadu_si128(bytes);
    };
    const __m256i pixels =
        _mm256_inserti128_si256(_mm256_castsi128_si256(load(row)), load(row + 4 * kPixelBytes), 1);
    return _mm256_maddubs_epi16(_mm256_shuffle_epi8(pixels, _mm256_broadcastsi128_si256(order)),
                                _mm256_set1_epi8(1));
}

// Four outputs, 16 bits each; the zeros of the unused channel stay (0 + 2) >> 2 = 0.
template <int kPixelBytes>
__m256i four(const std::uint8_t* upper, const std::uint8_t* lower) noexcept {
    const __m256i sum =
        _mm256_add_epi16(pair_sums<kPixelBytes>(upper), pair_sums<kPixelBytes>(lower));
    return _mm256_srli_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2);
}

template <int kPixelBytes>
std::size_t colour(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t outputs,
                   std::uint8_t* out) noexcept {
    // Of three bytes a pixel the last load uses 12 and takes 16, so one output more must follow.
    constexpr std::size_t kAhead = kPixelBytes == 3 ? 1 : 0;
    constexpr std::size_t kStep = 2 * kPixelBytes;
    std::size_t x = 0;
    for (; x + 8 + kAhead <= outputs; x += 8) {
        const std::size_t at = kStep * x;
        const __m256i packed =
            _mm256_packus_epi16(four<kPixelBytes>(upper + at, lower + at),
                                four<kPixelBytes>(upper + at + 4 * kStep, lower + at + 4 * kStep));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 4 * x),
                            _mm256_permute4x64_epi64(packed, 0b11011000));
    }
    return x;
}

}  // namespace

void row(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixel_bytes,
         std::size_t outputs, std::uint8_t* out) noexcept {
    const std::size_t done = pixel_bytes == 2   ? colour<2>(upper, lower, outputs, out)
                             : pixel_bytes == 3 ? colour<3>(upper, lower, outputs, out)
                             : pixel_bytes == 4 ? colour<4>(upper, lower, outputs, out)
                                                : 0;
    scalar::row(upper + 2 * pixel_bytes * done, lower + 2 * pixel_bytes * done, pixel_bytes,
                outputs - done, out + 4 * done);
}

}  // namespace ei::average_2x2::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
