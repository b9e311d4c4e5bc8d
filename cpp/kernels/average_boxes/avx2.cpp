#include "kernels/average_boxes/rows_added.hpp"

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

namespace ei::average_boxes::avx2 {
namespace {

template <std::size_t kPixelBytes>
bool colour(const std::uint8_t* const* rows, std::size_t row_count, std::size_t box_width,
            std::size_t outputs, std::uint8_t* out) noexcept {
    if (!RowsAdded<kPixelBytes>::fits(row_count, box_width)) return false;
    const __m128 inverse = _mm_set1_ps(1.0f / static_cast<float>(row_count * box_width));
    // Of four values read from a pixel, those that are its channels.
    const __m128i channels = _mm_setr_epi32(-1, -1, kPixelBytes == 2 ? 0 : -1, 0);
    RowsAdded<kPixelBytes> added;
    const std::size_t most = added.most_outputs(box_width);
    for (std::size_t x = 0; x < outputs; x += most) {
        const std::size_t count = most < outputs - x ? most : outputs - x;
        added.add(rows, row_count, x * box_width * kPixelBytes, count * box_width * kPixelBytes);
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint16_t* pixel = added.box(i, box_width);
            __m128i sums = _mm_setzero_si128();
            for (std::size_t k = 0; k < box_width; ++k, pixel += kPixelBytes) {
                sums = _mm_add_epi32(
                    sums,
                    _mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixel))));
            }
            const __m128 average =
                _mm_mul_ps(_mm_cvtepi32_ps(_mm_and_si128(sums, channels)), inverse);
            const __m128i words = _mm_packs_epi32(_mm_cvtps_epi32(average), _mm_setzero_si128());
            const std::int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
            __builtin_memcpy(out + 4 * (x + i), &bytes, sizeof bytes);
        }
    }
    return true;
}

}  // namespace

void row(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
         std::size_t box_width, std::size_t outputs, std::uint8_t* out) noexcept {
    const bool done = pixel_bytes == 2   ? colour<2>(rows, row_count, box_width, outputs, out)
                      : pixel_bytes == 3 ? colour<3>(rows, row_count, box_width, outputs, out)
                      : pixel_bytes == 4 ? colour<4>(rows, row_count, box_width, outputs, out)
                                         : false;
    if (!done) scalar::row(rows, row_count, pixel_bytes, box_width, outputs, out);
}

}  // namespace ei::average_boxes::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
