#include "kernels/map_interleaved/map_interleaved.hpp"

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

namespace ei::map_interleaved::avx2 {
namespace {

// Four pixels: 12 bytes in the tensor's order, then zeros.
template <int kPixelBytes, bool kSwap>
__m128i order() noexcept {
    const auto byte = [](int i) {
        const int channel = kPixelBytes == 1 ? 0 : kSwap ? 2 - i % 3 : i % 3;
        return static_cast<char>(i / 3 * kPixelBytes + channel);
    };
    return _mm_setr_epi8(byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6), byte(7),
                         byte(8), byte(9), byte(10), byte(11), -1, -1, -1, -1);
}

template <int kPixelBytes, bool kSwap>
std::size_t flip(const std::uint8_t* pixels, std::size_t count, std::uint8_t with,
                 std::uint8_t* out) noexcept {
    // Loads and stores take 16 bytes where four pixels have 4, 12 or 16: what is stored too much
    // is written again, so pixels must follow.
    constexpr std::size_t kNeeded = kPixelBytes == 1 ? 16 : 6;
    const __m128i flips = _mm_set1_epi8(static_cast<char>(with));
    const __m128i picked = order<kPixelBytes, kSwap>();
    std::size_t x = 0;
    for (; x + kNeeded <= count; x += 4) {
        const __m128i bytes =
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels + kPixelBytes * x));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * x),
                         _mm_xor_si128(_mm_shuffle_epi8(bytes, picked), flips));
    }
    return x;
}

template <bool kSwap>
std::size_t flip(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
                 std::uint8_t with, std::uint8_t* out) noexcept {
    if (pixel_bytes == 3) return flip<3, kSwap>(pixels, count, with, out);
    if (pixel_bytes == 4) return flip<4, kSwap>(pixels, count, with, out);
    return flip<1, false>(pixels, count, with, out);
}

}  // namespace

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, bool swap, std::uint8_t* out) noexcept {
    std::size_t done = 0;
    if (tables.flips) {
        const std::uint8_t with = tables.of[0][0];
        done = swap ? flip<true>(pixels, pixel_bytes, count, with, out)
                    : flip<false>(pixels, pixel_bytes, count, with, out);
    }
    scalar::row(pixels + done * pixel_bytes, pixel_bytes, count - done, tables, swap,
                out + 3 * done);
}

}  // namespace ei::map_interleaved::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
