#include "kernels/resize_columns/scalar.hpp"

#if defined(EDGEINFER_X86_64)

    #include <immintrin.h>

    // Only what stands between push and pop may use AVX-512; the headers above may not, or the
    // linker could keep such a copy of a shared inline function for everybody.
    #if defined(__clang__)
        #pragma clang attribute push(                                                 \
            __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), \
            apply_to = function)
    #else
        #pragma GCC push_options
        #pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
    #endif

namespace ei::resize_columns::avx512_vnni {
namespace {

// Four rows, one in each quarter of a register. Weights fall into three bytes, so that a block of
// four taps is sorted by channel once and multiplied by bytes three times.
//
// Intrinsics are called in their zero-masking form: in GCC 12 the others read an undefined register
// in plain sight of its own warning.
constexpr std::size_t kRows = 4;
constexpr __mmask16 kAll = 0xFFFF;

__m128i load(const std::uint8_t* bytes) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

__m512i join(__m128i row0, __m128i row1, __m128i row2, __m128i row3) noexcept {
    const __m256i rows01 = _mm256_inserti128_si256(_mm256_castsi128_si256(row0), row1, 1);
    const __m256i rows23 = _mm256_inserti128_si256(_mm256_castsi128_si256(row2), row3, 1);
    return _mm512_maskz_inserti64x4(0xFF, _mm512_castsi256_si512(rows01), rows23, 1);
}

// 16 bytes of each row; where the row ends within them, zeros follow.
template <bool kNearEnd>
__m512i sixteen(const std::uint8_t* const* rows, std::size_t at, std::size_t bytes) noexcept {
    if constexpr (kNearEnd) {
        if (at + 16 > bytes) {
            const std::size_t from = at < bytes ? at : bytes;
            const auto there = static_cast<__mmask16>((1u << (bytes - from)) - 1);
            return join(_mm_maskz_loadu_epi8(there, rows[0] + from),
                        _mm_maskz_loadu_epi8(there, rows[1] + from),
                        _mm_maskz_loadu_epi8(there, rows[2] + from),
                        _mm_maskz_loadu_epi8(there, rows[3] + from));
        }
    }
    return join(load(rows[0] + at), load(rows[1] + at), load(rows[2] + at), load(rows[3] + at));
}

// Gathers the four taps of each channel: r r r r g g g g b b b b 0 0 0 0, 8 bits each.
template <int kPixelBytes>
__m512i by_channel() noexcept {
    constexpr char kP = kPixelBytes;
    return _mm512_maskz_broadcast_i32x4(
        kAll, _mm_setr_epi8(0, kP, 2 * kP, 3 * kP, 1, kP + 1, 2 * kP + 1, 3 * kP + 1, 2, kP + 2,
                            2 * kP + 2, 3 * kP + 2, -1, -1, -1, -1));
}

__m512i all(std::int32_t value) noexcept {
    return _mm512_maskz_set1_epi32(kAll, value);
}

__m512i four_weights(const std::int8_t* part) noexcept {
    std::int32_t bytes;
    __builtin_memcpy(&bytes, part, sizeof bytes);
    return all(bytes);
}

// One output of four rows: r g b 0 of each, 32 bits each.
template <int kPixelBytes, bool kNearEnd>
[[gnu::always_inline]] inline __m512i output(const std::uint8_t* const* rows, std::size_t bytes,
                                             const Taps& taps, std::size_t x,
                                             __m512i order) noexcept {
    std::size_t at = static_cast<std::size_t>(taps.first[x]) * kPixelBytes;
    const std::int8_t* part = taps.parts + 3 * x * taps.padded;
    const std::int8_t* const end = part + 3 * taps.padded;
    __m512i low = all(1 << (kWeightBits - 1));
    __m512i middle = _mm512_setzero_si512(), high = _mm512_setzero_si512();
    for (; part != end; part += 12, at += 4 * kPixelBytes) {
        const __m512i pixels =
            _mm512_maskz_shuffle_epi8(~__mmask64{0}, sixteen<kNearEnd>(rows, at, bytes), order);
        low = _mm512_dpbusd_epi32(low, pixels, four_weights(part));
        middle = _mm512_dpbusd_epi32(middle, pixels, four_weights(part + 4));
        high = _mm512_dpbusd_epi32(high, pixels, four_weights(part + 8));
    }
    const __m512i upper = _mm512_add_epi32(middle, _mm512_maskz_slli_epi32(kAll, high, 8));
    return _mm512_maskz_srai_epi32(
        kAll, _mm512_add_epi32(low, _mm512_maskz_slli_epi32(kAll, upper, 8)), kWeightBits);
}

template <int kPixelBytes, bool kNearEnd>
[[gnu::always_inline]] inline void four_outputs(const std::uint8_t* const* rows, std::size_t bytes,
                                                const Taps& taps, std::size_t x, __m512i order,
                                                std::uint8_t* const* out) noexcept {
    const __m512i sum0 = output<kPixelBytes, kNearEnd>(rows, bytes, taps, x, order);
    const __m512i sum1 = output<kPixelBytes, kNearEnd>(rows, bytes, taps, x + 1, order);
    const __m512i sum2 = output<kPixelBytes, kNearEnd>(rows, bytes, taps, x + 2, order);
    const __m512i sum3 = output<kPixelBytes, kNearEnd>(rows, bytes, taps, x + 3, order);
    const __m512i made =
        _mm512_packus_epi16(_mm512_packs_epi32(sum0, sum1), _mm512_packs_epi32(sum2, sum3));
    const auto store = [](std::uint8_t* to, __m128i pixels) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), pixels);
    };
    store(out[0] + 4 * x, _mm512_maskz_extracti32x4_epi32(0xF, made, 0));
    store(out[1] + 4 * x, _mm512_maskz_extracti32x4_epi32(0xF, made, 1));
    store(out[2] + 4 * x, _mm512_maskz_extracti32x4_epi32(0xF, made, 2));
    store(out[3] + 4 * x, _mm512_maskz_extracti32x4_epi32(0xF, made, 3));
}

template <int kPixelBytes>
void colour(const std::uint8_t* const* rows, std::size_t width, const Taps& taps,
            std::uint8_t* const* out) noexcept {
    const __m512i order = by_channel<kPixelBytes>();
    const std::size_t bytes = width * kPixelBytes;
    const auto in_reach = [&](std::size_t x) {
        const auto last_block = static_cast<std::size_t>(taps.first[x]) + taps.padded - 4;
        return last_block * kPixelBytes + 16 <= bytes;
    };
    std::size_t x = 0;
    // Windows move right only, so outputs near the end are the last ones.
    for (; x + 4 <= taps.outputs && in_reach(x + 3); x += 4) {
        four_outputs<kPixelBytes, false>(rows, bytes, taps, x, order, out);
    }
    for (; x + 4 <= taps.outputs; x += 4) {
        four_outputs<kPixelBytes, true>(rows, bytes, taps, x, order, out);
    }
    for (; x < taps.outputs; ++x) {
        for (std::size_t r = 0; r < kRows; ++r) colour_pixel(rows[r], kPixelBytes, taps, x, out[r]);
    }
}

}  // namespace

void rows(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
          std::size_t width, const Taps& taps, std::uint8_t* const* out) noexcept {
    if (pixel_bytes < 3) return avx2::rows(rows, row_count, pixel_bytes, width, taps, out);
    for (std::size_t r = 0; r < row_count; r += kRows) {
        // Where rows are missing the last one stands in: its bytes are stored more than once.
        const std::uint8_t* from[kRows];
        std::uint8_t* to[kRows];
        for (std::size_t i = 0; i < kRows; ++i) {
            const std::size_t row = r + i < row_count ? r + i : row_count - 1;
            from[i] = rows[row];
            to[i] = out[row];
        }
        if (pixel_bytes == 3) {
            colour<3>(from, width, taps, to);
        } else {
            colour<4>(from, width, taps, to);
        }
    }
}

}  // namespace ei::resize_columns::avx512_vnni

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
