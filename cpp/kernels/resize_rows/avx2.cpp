#include "kernels/resize_rows/resize_rows.hpp"

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

namespace ei::resize_rows::avx2 {
namespace {

// A weight is high * 2^16 + low with low within -2^15..2^15-1. Then high is at most 64, which the
// byte multiplier takes; its sums may wrap at 16 bits, since only the upper half of 32 is theirs.
struct Weights {
    static constexpr std::size_t kMostTaps = 512;
    std::int32_t low[kMostTaps / 2];   // two of 16 bits each
    std::int16_t high[kMostTaps / 2];  // two of 8 bits each

    Weights(const std::int32_t* weights, std::size_t taps) noexcept {
        for (std::size_t t = 0; t < taps; t += 2) {
            const std::int32_t second = t + 1 < taps ? weights[t + 1] : 0;
            const std::int32_t high0 = (weights[t] + 0x8000) >> 16;
            const std::int32_t high1 = (second + 0x8000) >> 16;
            low[t / 2] =
                static_cast<std::int32_t>((static_cast<std::uint32_t>(weights[t]) & 0xFFFF) |
                                          (static_cast<std::uint32_t>(second) << 16));
            high[t / 2] = static_cast<std::int16_t>(high0 | high1 << 8);
        }
    }
};

// Sums of 32 bytes, in the order that unpacking gives and packing takes back.
struct Sums {
    __m256i low[4];   // 32 bits
    __m256i high[2];  // 16 bits

    void add(__m256i first, __m256i second, __m256i low_weights, __m256i high_weights) noexcept {
        const __m256i zero = _mm256_setzero_si256();
        const __m256i pairs[2] = {_mm256_unpacklo_epi8(first, second),
                                  _mm256_unpackhi_epi8(first, second)};
        for (int half = 0; half < 2; ++half) {
            const __m256i front = _mm256_unpacklo_epi8(pairs[half], zero);
            const __m256i back = _mm256_unpackhi_epi8(pairs[half], zero);
            low[2 * half] = _mm256_add_epi32(low[2 * half], _mm256_madd_epi16(front, low_weights));
            low[2 * half + 1] =
                _mm256_add_epi32(low[2 * half + 1], _mm256_madd_epi16(back, low_weights));
            high[half] =
                _mm256_add_epi16(high[half], _mm256_maddubs_epi16(pairs[half], high_weights));
        }
    }
    __m256i bytes() const noexcept {
        const __m256i zero = _mm256_setzero_si256();
        __m256i words[2];
        for (int half = 0; half < 2; ++half) {
            const __m256i front =
                _mm256_add_epi32(low[2 * half], _mm256_unpacklo_epi16(zero, high[half]));
            const __m256i back =
                _mm256_add_epi32(low[2 * half + 1], _mm256_unpackhi_epi16(zero, high[half]));
            words[half] = _mm256_packs_epi32(_mm256_srai_epi32(front, kWeightBits),
                                             _mm256_srai_epi32(back, kWeightBits));
        }
        return _mm256_packus_epi16(words[0], words[1]);
    }
};

__m256i load(const std::uint8_t* bytes) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

}  // namespace

void row(const std::uint8_t* const* rows, const std::int32_t* weights, std::size_t taps,
         std::size_t bytes, std::uint8_t* out) noexcept {
    if (bytes < 32 || taps > Weights::kMostTaps) {
        return scalar::row(rows, weights, taps, bytes, out);
    }
    const Weights split(weights, taps);
    const __m256i half = _mm256_set1_epi32(1 << (kWeightBits - 1));
    const __m256i zero = _mm256_setzero_si256();
    for (std::size_t i = 0; i < bytes; i += 32) {
        // The last block ends with the row and does some bytes again.
        const std::size_t at = i + 32 <= bytes ? i : bytes - 32;
        Sums sums{{half, half, half, half}, {zero, zero}};
        for (std::size_t t = 0; t < taps; t += 2) {
            const __m256i first = load(rows[t] + at);
            const __m256i second = t + 1 < taps ? load(rows[t + 1] + at) : zero;
            sums.add(first, second, _mm256_set1_epi32(split.low[t / 2]),
                     _mm256_set1_epi16(split.high[t / 2]));
        }
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + at), sums.bytes());
    }
}

}  // namespace ei::resize_rows::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
