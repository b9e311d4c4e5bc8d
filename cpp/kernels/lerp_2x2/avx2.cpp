#include "kernels/lerp_2x2/scalar.hpp"

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

namespace ei::lerp_2x2::avx2 {
namespace {

constexpr std::size_t kColourStep = 8;  // outputs of one turn
constexpr std::size_t kGrayStep = 16;
constexpr std::size_t kLine = 64;

// The rows of the next call, asked for a piece a turn, into the second-level cache: that is what
// this kernel wins on whole frames. Asked for all at once, they win nothing.
class Ahead {
  public:
    // `step` outputs are made between two calls of fetch().
    Ahead(const Rows& rows, std::size_t pixel_bytes, const Lerp& lerp, std::size_t step) noexcept {
        const std::size_t begin = static_cast<std::size_t>(lerp.left[0]) * pixel_bytes;
        const std::size_t end =
            (static_cast<std::size_t>(lerp.left[lerp.outputs - 1]) + 2) * pixel_bytes;
        const std::size_t turns = lerp.outputs / step + 1;
        upper_ = reinterpret_cast<std::uintptr_t>(rows.upper) + begin;
        lower_ = reinterpret_cast<std::uintptr_t>(rows.lower) + begin;
        piece_ = (end - begin) / turns + 1;
    }
    void fetch() noexcept {
        for (std::size_t i = 0; i < piece_; i += kLine) {
            _mm_prefetch(reinterpret_cast<const char*>(upper_ + i), _MM_HINT_T1);
            _mm_prefetch(reinterpret_cast<const char*>(lower_ + i), _MM_HINT_T1);
        }
        upper_ += piece_;
        lower_ += piece_;
    }

  private:
    std::uintptr_t upper_, lower_;  // addresses, since nothing needs to be there
    std::size_t piece_;
};

// The pairs of four outputs, channel by channel in 8 bytes each: r r' g g' b b' 0 0.
template <int kPixelBytes>
__m256i four_pairs(const std::uint8_t* row, const std::int32_t* left) noexcept {
    const auto at = [&](int i) { return row + static_cast<std::size_t>(left[i]) * kPixelBytes; };
    const auto two = [&](int i) {
        const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at(i)));
        return _mm_castps_si128(
            _mm_loadh_pi(_mm_castsi128_ps(first), reinterpret_cast<const __m64*>(at(i + 1))));
    };
    constexpr char kR = kPixelBytes;  // distance to the right pixel
    const __m256i order = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, kR, 1, kR + 1, 2, kR + 2, -1, -1, 8, 8 + kR, 9, 9 + kR, 10, 10 + kR, -1, -1));
    return _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(two(0)), two(2), 1),
                               order);
}

// One part of four outputs' weights, as bytes beside their pairs.
__m256i four_weights(const std::uint8_t* parts) noexcept {
    std::int64_t eight;
    __builtin_memcpy(&eight, parts, sizeof eight);
    return _mm256_shuffle_epi8(
        _mm256_set1_epi64x(eight),
        _mm256_setr_epi8(0, 1, 0, 1, 0, 1, -1, -1, 2, 3, 2, 3, 2, 3, -1, -1, 4, 5, 4, 5, 4, 5, -1,
                         -1, 6, 7, 6, 7, 6, 7, -1, -1));
}

__m256i mix_columns(__m256i pairs, __m256i coarse, __m256i fine) noexcept {
    return _mm256_add_epi16(_mm256_maddubs_epi16(pairs, coarse),
                            _mm256_srli_epi16(_mm256_maddubs_epi16(pairs, fine), 4));
}

// What a turn takes, by value: bytes stored to `out` may be anybody's, so whatever lies behind a
// reference would be loaded again after each store, at a third more time.
template <int kPixelBytes>
struct Turn {
    const std::uint8_t *upper, *lower;
    const std::int32_t* left;
    const std::uint8_t *coarse, *fine;
    __m256i upper_weight, lower_weight;

    __m256i four_outputs(std::size_t x) const noexcept {
        const __m256i coarse_s8x32 = four_weights(coarse + 2 * x);
        const __m256i fine_s8x32 = four_weights(fine + 2 * x);
        const auto column = [&](const std::uint8_t* row) {
            return mix_columns(four_pairs<kPixelBytes>(row, left + x), coarse_s8x32, fine_s8x32);
        };
        const __m256i sum = _mm256_add_epi16(_mm256_mulhi_epi16(column(upper), upper_weight),
                                             _mm256_mulhi_epi16(column(lower), lower_weight));
        return _mm256_srai_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2);
    }
};

template <int kPixelBytes>
void colour(const Rows& rows, const Rows& rows_ahead, std::size_t width, const Lerp& lerp,
            Weights weights, std::uint8_t* out) noexcept {
    const Turn<kPixelBytes> turn{rows.upper,
                                 rows.lower,
                                 lerp.left,
                                 lerp.coarse,
                                 lerp.fine,
                                 _mm256_set1_epi16(weights.upper),
                                 _mm256_set1_epi16(weights.lower)};
    const std::size_t reach = lerp_columns::within_reach(lerp, kPixelBytes, width);
    Ahead ahead(rows_ahead, kPixelBytes, lerp, kColourStep);
    std::size_t x = 0;
    for (; x + kColourStep <= reach; x += kColourStep) {
        ahead.fetch();
        const __m256i packed = _mm256_packus_epi16(turn.four_outputs(x), turn.four_outputs(x + 4));
        // Packing works per half, so the quarters come out as 0 2 1 3.
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 4 * x),
                            _mm256_permute4x64_epi64(packed, 0b11011000));
    }
    for (; x < lerp.outputs; ++x) pixel(rows, kPixelBytes, lerp, weights, x, out);
}

// The same for gray, whose pairs are bytes side by side.
struct GrayTurn {
    const std::uint8_t *upper, *lower;
    const std::int32_t* left;
    const std::uint8_t *coarse, *fine, *within_group;
    __m256i upper_weight, lower_weight;

    // Where the pairs lie in 16 bytes from their group's first pixel on: those of outputs x .. x +
    // 7 in the lower half, of x + 8 .. x + 15 in the upper one.
    __m256i places(std::size_t x) const noexcept {
        const __m256i lefts = _mm256_permute4x64_epi64(
            _mm256_castsi128_si256(
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(within_group + x))),
            0x10);
        return _mm256_unpacklo_epi8(lefts, _mm256_add_epi8(lefts, _mm256_set1_epi8(1)));
    }
    // Sixteen pairs of groups that reach over no more than 16 bytes each.
    __m256i grouped_pairs(const std::uint8_t* row, std::size_t x, __m256i places) const noexcept {
        const auto load = [&](std::size_t i) {
            return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + left[i]));
        };
        const auto two_groups = [&](std::size_t i) {
            return _mm256_shuffle_epi8(
                _mm256_inserti128_si256(_mm256_castsi128_si256(load(i)), load(i + 8), 1), places);
        };
        return _mm256_blend_epi32(two_groups(x), two_groups(x + 4), 0xCC);
    }
    // Sixteen pairs, wherever they are.
    __m256i pairs(const std::uint8_t* row, std::size_t x) const noexcept {
        const auto pair = [&](std::size_t i) {
            std::uint16_t bytes;
            __builtin_memcpy(&bytes, row + left[i], sizeof bytes);
            return static_cast<short>(bytes);
        };
        const auto eight = [&](std::size_t i) {
            return _mm_setr_epi16(pair(i), pair(i + 1), pair(i + 2), pair(i + 3), pair(i + 4),
                                  pair(i + 5), pair(i + 6), pair(i + 7));
        };
        return _mm256_inserti128_si256(_mm256_castsi128_si256(eight(x)), eight(x + 8), 1);
    }
    __m128i outputs(std::size_t x, __m256i above, __m256i below) const noexcept {
        const auto load = [x](const std::uint8_t* parts) {
            return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(parts + 2 * x));
        };
        const __m256i coarse_s8x32 = load(coarse);
        const __m256i fine_s8x32 = load(fine);
        const __m256i sum = _mm256_add_epi16(
            _mm256_mulhi_epi16(mix_columns(above, coarse_s8x32, fine_s8x32), upper_weight),
            _mm256_mulhi_epi16(mix_columns(below, coarse_s8x32, fine_s8x32), lower_weight));
        const __m256i values = _mm256_srai_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2);
        return _mm_packus_epi16(_mm256_castsi256_si128(values),
                                _mm256_extracti128_si256(values, 1));
    }
};

void gray(const Rows& rows, const Rows& rows_ahead, std::size_t width, const Lerp& lerp,
          Weights weights, std::uint8_t* out) noexcept {
    static_assert(lerp_columns::kGroup == 4);
    const GrayTurn turn{rows.upper,
                        rows.lower,
                        lerp.left,
                        lerp.coarse,
                        lerp.fine,
                        lerp.within_group,
                        _mm256_set1_epi16(weights.upper),
                        _mm256_set1_epi16(weights.lower)};
    const std::size_t outputs = lerp.outputs;
    const bool grouped = lerp.within_group != nullptr && lerp.furthest + 2 <= 16;
    Ahead ahead(rows_ahead, 1, lerp, kGrayStep);
    const auto store = [&](std::size_t x, __m256i above, __m256i below) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x), turn.outputs(x, above, below));
    };
    std::size_t x = 0;
    // The last group's 16 bytes reach furthest, since pairs move right only.
    while (grouped && x + kGrayStep <= outputs &&
           static_cast<std::size_t>(turn.left[x + 12]) + 16 <= width) {
        ahead.fetch();
        const __m256i places = turn.places(x);
        store(x, turn.grouped_pairs(turn.upper, x, places),
              turn.grouped_pairs(turn.lower, x, places));
        x += kGrayStep;
    }
    for (; x + kGrayStep <= outputs; x += kGrayStep) {
        ahead.fetch();
        store(x, turn.pairs(turn.upper, x), turn.pairs(turn.lower, x));
    }
    for (; x < outputs; ++x) pixel(rows, 1, lerp, weights, x, out);
}

}  // namespace

void row(const Rows& rows, const Rows& ahead, std::size_t pixel_bytes, std::size_t width,
         const Lerp& lerp, Weights weights, std::uint8_t* out) noexcept {
    if (pixel_bytes == 1) return gray(rows, ahead, width, lerp, weights, out);
    if (pixel_bytes == 3) return colour<3>(rows, ahead, width, lerp, weights, out);
    colour<4>(rows, ahead, width, lerp, weights, out);
}

}  // namespace ei::lerp_2x2::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
