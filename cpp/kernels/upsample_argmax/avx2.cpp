#include "kernels/upsample_argmax/limited.hpp"
#include "kernels/upsample_argmax/upsample_argmax.hpp"

#if defined(EDGEINFER_X86_64)

    #include <immintrin.h>

    #include <limits>

    // Only what stands between push and pop may use AVX2; the headers above may not, or the linker
    // could keep an AVX2 copy of a shared inline function for everybody.
    #if defined(__clang__)
        #pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
    #else
        #pragma GCC push_options
        #pragma GCC target("avx2")
    #endif

namespace ei::upsample_argmax::avx2 {
namespace {

// Eight floats at a time.
struct Lanes {
    using Floats = __m256;
    using Ints = __m256i;
    struct Best {
        Floats value;
        Ints winner;
    };
    struct Neighbours {
        Floats left, right;
    };

    static Floats load(const float* from) noexcept { return _mm256_loadu_ps(from); }
    static Floats load(const std::uint8_t* from) noexcept {
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(load_bytes(from)));
    }
    static Floats load(const std::int8_t* from) noexcept {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(load_bytes(from)));
    }
    static Ints load(const std::int32_t* from) noexcept {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    }
    static void store(float* to, Floats values) noexcept { _mm256_storeu_ps(to, values); }
    static void store(std::int32_t* to, Ints values) noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), values);
    }

    static Floats broadcast(float value) noexcept { return _mm256_set1_ps(value); }
    static Ints classes(std::int32_t c) noexcept { return _mm256_set1_epi32(c); }
    static Floats add(Floats a, Floats b) noexcept { return _mm256_add_ps(a, b); }
    static Floats sub(Floats a, Floats b) noexcept { return _mm256_sub_ps(a, b); }
    static Floats mul(Floats a, Floats b) noexcept { return _mm256_mul_ps(a, b); }
    static Floats max(Floats a, Floats b) noexcept { return _mm256_max_ps(a, b); }

    // max and min give their second operand when the first is NaN.
    static Floats limited(Floats logits) noexcept {
        return _mm256_min_ps(_mm256_max_ps(logits, broadcast(-kLimit)), broadcast(kLimit));
    }
    // Bit i: a[i] >= b[i].
    static unsigned at_least(Floats a, Floats b) noexcept {
        return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ)));
    }

    static Best none() noexcept {
        return {broadcast(-std::numeric_limits<float>::infinity()), _mm256_setzero_si256()};
    }
    static void compete(Best& best, Floats value, Ints c) noexcept {
        const __m256 wins = _mm256_cmp_ps(value, best.value, _CMP_GT_OQ);
        best.value = _mm256_max_ps(value, best.value);
        best.winner = _mm256_blendv_epi8(best.winner, c, _mm256_castps_si256(wins));
    }

    // Samples first[i] and first[i] + 1, which lie in row[column .. column + kGroup].
    static Neighbours pick_near(const float* row, const std::int32_t* first,
                                std::int32_t column) noexcept {
        const Ints at = _mm256_sub_epi32(load(first), classes(column));
        return {_mm256_permutevar8x32_ps(load(row + column), at),
                _mm256_permutevar8x32_ps(load(row + column + 1), at)};
    }
    static Neighbours pick(const float* row, const std::int32_t* first) noexcept {
        const Ints at = load(first);
        return {_mm256_i32gather_ps(row, at, 4), _mm256_i32gather_ps(row + 1, at, 4)};
    }

    static void store_narrow(std::uint16_t* to, Ints winner) noexcept {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), narrowed(winner));
    }
    static void store_narrow(std::uint8_t* to, Ints winner) noexcept {
        const __m128i words = narrowed(winner);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(words, words));
    }

    // Eight rows of eight to eight columns.
    static void transpose(const float* from, std::size_t from_stride, float* to,
                          std::size_t to_stride) noexcept {
        __m256 half[8];  // row i in the low and row i + 4 in the high lane, columns 0-3, then 4-7
        for (std::size_t i = 0; i < 4; ++i) {
            const float* low = from + i * from_stride;
            const float* high = from + (i + 4) * from_stride;
            half[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)),
                                           _mm_loadu_ps(high), 1);
            half[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low + 4)),
                                               _mm_loadu_ps(high + 4), 1);
        }
        for (std::size_t i = 0; i < 8; i += 4) {
            const __m256 low01 = _mm256_unpacklo_ps(half[i], half[i + 1]);
            const __m256 high01 = _mm256_unpackhi_ps(half[i], half[i + 1]);
            const __m256 low23 = _mm256_unpacklo_ps(half[i + 2], half[i + 3]);
            const __m256 high23 = _mm256_unpackhi_ps(half[i + 2], half[i + 3]);
            float* out = to + i * to_stride;
            store(out, _mm256_shuffle_ps(low01, low23, _MM_SHUFFLE(1, 0, 1, 0)));
            store(out + to_stride, _mm256_shuffle_ps(low01, low23, _MM_SHUFFLE(3, 2, 3, 2)));
            store(out + 2 * to_stride, _mm256_shuffle_ps(high01, high23, _MM_SHUFFLE(1, 0, 1, 0)));
            store(out + 3 * to_stride, _mm256_shuffle_ps(high01, high23, _MM_SHUFFLE(3, 2, 3, 2)));
        }
    }

  private:
    static __m128i load_bytes(const void* from) noexcept {
        return _mm_loadl_epi64(static_cast<const __m128i*>(from));
    }
    static __m128i narrowed(Ints winner) noexcept {
        return _mm_packus_epi32(_mm256_castsi256_si128(winner),
                                _mm256_extracti128_si256(winner, 1));
    }
};

    #include "kernels/upsample_argmax/pruned.hpp"

}  // namespace

void run(const Geometry& geometry, const Logits& logits, const Mask& mask,
         std::byte* scratch) noexcept {
    run_pruned(geometry, logits, mask, scratch);
}

}  // namespace ei::upsample_argmax::avx2

    #if defined(__clang__)
        #pragma clang attribute pop
    #else
        #pragma GCC pop_options
    #endif

#endif
