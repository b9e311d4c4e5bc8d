#include "kernels/pack_interleaved/pack_interleaved.hpp"

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

namespace ei::pack_interleaved::avx2 {
namespace {

// Eight pixels are 24 floats: three registers, in which scale and bias repeat every three lanes.
struct Lanes {
    __m256 scale[3], bias[3];

    explicit Lanes(const Affine3& a) noexcept {
        for (int k = 0; k < 3; ++k) {
            scale[k] = repeat(a.scale, k);
            bias[k] = repeat(a.bias, k);
        }
    }
    // Bytes 8 * k .. 8 * k + 7 of the 24, at the low end of a register.
    void store(__m128i bytes, int k, float* out) const noexcept {
        const __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
        _mm256_storeu_ps(out + 8 * k, _mm256_add_ps(_mm256_mul_ps(values, scale[k]), bias[k]));
    }

  private:
    static __m256 repeat(const float* three, int k) noexcept {
        const auto lane = [&](int i) { return three[(8 * k + i) % 3]; };
        return _mm256_setr_ps(lane(0), lane(1), lane(2), lane(3), lane(4), lane(5), lane(6),
                              lane(7));
    }
};

// Which source bytes make the first, second and third eight floats. A load of 16 bytes starts with
// pixel 0, 2 or 5: the one that byte 0, 8 or 16 of the 24 belongs to.
template <int kPixelBytes, bool kSwap>
__m128i order(int k) noexcept {
    const auto byte = [k](int i) {
        const int at = 8 * k + i;
        const int channel = kPixelBytes == 1 ? 0 : kSwap ? 2 - at % 3 : at % 3;
        return static_cast<char>((at / 3 - 8 * k / 3) * kPixelBytes + channel);
    };
    return _mm_setr_epi8(byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6), byte(7), -1,
                         -1, -1, -1, -1, -1, -1, -1);
}

template <int kPixelBytes, bool kSwap>
std::size_t pack(const std::uint8_t* pixels, std::size_t count, const Affine3& affine,
                 float* out) noexcept {
    const Lanes lanes(affine);
    const __m128i orders[3] = {order<kPixelBytes, kSwap>(0), order<kPixelBytes, kSwap>(1),
                               order<kPixelBytes, kSwap>(2)};
    // The last load takes 16 bytes from pixel 5 on, of which at most 12 belong to eight pixels.
    constexpr std::size_t kNeeded = (5 * kPixelBytes + 16 + kPixelBytes - 1) / kPixelBytes;
    std::size_t x = 0;
    for (; x + kNeeded <= count; x += 8) {
        const std::uint8_t* from = pixels + kPixelBytes * x;
        for (int k = 0; k < 3; ++k) {
            const __m128i bytes =
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 8 * k / 3 * kPixelBytes));
            lanes.store(_mm_shuffle_epi8(bytes, orders[k]), k, out + 3 * x);
        }
    }
    return x;
}

template <bool kSwap>
std::size_t pack(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
                 const Affine3& affine, float* out) noexcept {
    if (pixel_bytes == 3) return pack<3, kSwap>(pixels, count, affine, out);
    if (pixel_bytes == 4) return pack<4, kSwap>(pixels, count, affine, out);
    return pack<1, false>(pixels, count, affine, out);
}

}  // namespace

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Affine3& affine, bool swap, float* out) noexcept {
    const std::size_t done = swap ? pack<true>(pixels, pixel_bytes, count, affine, out)
                                  : pack<false>(pixels, pixel_bytes, count, affine, out);
    scalar::row(pixels + done * pixel_bytes, pixel_bytes, count - done, affine, swap,
                out + 3 * done);
}

}  // namespace ei::pack_interleaved::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
