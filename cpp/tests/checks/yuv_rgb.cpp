#include "kernels/yuv_rgb/yuv_rgb.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace yuv_rgb;

constexpr std::size_t kMost = 1100;

// Triples of 2^24 where a byte is not the exact value rounded. Found here, and fixed here: an
// arithmetic that rounds otherwise has to say so.
struct Bound {
    Matrix matrix;
    bool full_range;
    long long differences;
};
constexpr Bound kBounds[] = {
    {Matrix::bt601, false, 98},
    {Matrix::bt601, true, 23},
    {Matrix::bt709, false, 87},
    {Matrix::bt709, true, 102},
};

// numerator / denominator to the nearest integer, ties to even, within 0..255.
int rounded(std::int64_t numerator, std::int64_t denominator) {
    if (numerator <= 0) return 0;
    const std::int64_t doubled = 2 * numerator + denominator;
    std::int64_t whole = doubled / (2 * denominator);
    if (doubled % (2 * denominator) == 0 && whole % 2 != 0) --whole;
    return static_cast<int>(std::min<std::int64_t>(whole, 255));
}

// Every triple, as rows of all Y for one U and V, against fractions of integers; only multiples of
// `step` of U and V.
long long differences_from_exact(Fn fn, Matrix matrix, bool full_range, int step, Proof& proof) {
    // In parts of 10000: of red, green and blue in luma.
    const std::int64_t one = 10000;
    const std::int64_t red = matrix == Matrix::bt601 ? 2990 : 2126;
    const std::int64_t blue = matrix == Matrix::bt601 ? 1140 : 722;
    const std::int64_t green = one - red - blue;
    // Luma and chroma in units of 1 / (219 * 224 * one * green).
    const std::int64_t unit = 219 * 224 * one * green;
    const std::int64_t luma_step = full_range ? unit : unit / 219 * 255;
    const std::int64_t chroma_step = full_range ? unit : unit / 224 * 255;
    std::uint8_t luma[256], u[256], v[256], out[4 * 256];
    for (int y = 0; y < 256; ++y) luma[y] = static_cast<std::uint8_t>(y);
    long long different = 0;
    for (int a = 0; a < 256; a += step) {
        for (int b = 0; b < 256; b += step) {
            std::fill_n(u, 256, static_cast<std::uint8_t>(a));
            std::fill_n(v, 256, static_cast<std::uint8_t>(b));
            fn(luma, u, v, 1, 256, coefficients(matrix, full_range), out);
            const std::int64_t to_red = 2 * (one - red) * (b - 128) * (chroma_step / one);
            const std::int64_t to_blue = 2 * (one - blue) * (a - 128) * (chroma_step / one);
            const std::int64_t to_green = -(red * (to_red / green) + blue * (to_blue / green));
            for (int y = 0; y < 256; ++y) {
                const std::int64_t light = (full_range ? y : y - 16) * luma_step;
                const int wanted[3] = {rounded(light + to_red, unit),
                                       rounded(light + to_green, unit),
                                       rounded(light + to_blue, unit)};
                int most = 0;
                for (int c = 0; c < 3; ++c) {
                    most = std::max(most, std::abs(wanted[c] - out[4 * y + c]));
                }
                proof.expect(most <= 1, "further than 1 from the exact value");
                different += most > 0;
            }
        }
    }
    return different;
}

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> luma(kMost), u(4 * kMost), v(4 * kMost);
    Output<std::uint8_t> found(4 * kMost, 0xA5), wanted(4 * kMost, 0x5A);

    const auto compare = [&](std::span<std::uint8_t> y, const std::uint8_t* a,
                             const std::uint8_t* b, std::size_t step, std::size_t shift) {
        const Bound& how = kBounds[shift % 4];
        const Coefficients c = coefficients(how.matrix, how.full_range);
        variant(y.data(), a, b, step, y.size(), c, found.prepare(4 * y.size(), shift % 64).data());
        scalar(y.data(), a, b, step, y.size(), c, wanted.prepare(4 * y.size()).data());
        proof.equal("row", found.elements(), wanted.elements());
        proof.intact("row", found);
    };
    enum Place { page_start, page_end, at_offset };
    const auto place = [](Guarded<std::uint8_t>& memory, std::size_t bytes, Place where,
                          std::size_t shift) {
        const auto span = where == page_start ? memory.against_start(bytes)
                          : where == page_end ? memory.against_end(bytes)
                                              : memory.at(shift % 64, bytes);
        fill_random<std::uint8_t>(span, static_cast<std::uint32_t>(bytes + shift), 0, 255);
        return span;
    };
    for (const std::size_t step : {1u, 2u, 4u}) {
        for (const std::size_t count : sizes_around_vectors()) {
            const std::size_t apart = (count - 1) * step + 1;  // bytes of one channel
            const auto each_order = [&](Place where, std::size_t shift) {
                const auto y = place(luma, count, where, shift);
                proof.next({{"pixels", static_cast<long long>(count)},
                            {"step", static_cast<long long>(step)},
                            {"place", where},
                            {"offset", static_cast<long long>(shift)}});
                // Planes of their own, whatever the step.
                compare(y, place(u, apart, where, shift + 3).data(),
                        place(v, apart, where, shift + 7).data(), step, shift);
                // Interleaved as U V and as V U.
                const auto both = place(u, apart + 1, where, shift + 5);
                if (step == 1) return;
                compare(y, both.data(), both.data() + 1, step, shift + 1);
                compare(y, both.data() + 1, both.data(), step, shift + 2);
            };
            each_order(page_start, count);
            each_order(page_end, count + 1);
            for (std::size_t shift = 0; shift < 64; ++shift) each_order(at_offset, shift);
        }
    }
    if (variant != scalar) return;
#if defined(EDGEINFER_X86_64)
    constexpr int kStep = 1;
#else
    constexpr int kStep = 15;  // emulation is slow; the count is then not checked
#endif
    for (const Bound& bound : kBounds) {
        proof.next({{"bt709", bound.matrix == Matrix::bt709}, {"full_range", bound.full_range}});
        const long long different =
            differences_from_exact(scalar, bound.matrix, bound.full_range, kStep, proof);
        proof.expect(kStep != 1 || different == bound.differences,
                     "another number of triples differs from the exact value");
    }
}

template <std::size_t kStep>
double time_row(Fn fn) {
    constexpr std::size_t kPixels = 512;
    static const std::vector<std::uint8_t> luma(kPixels, 77), chroma(4 * kPixels, 99);
    static std::vector<std::uint8_t> made(4 * kPixels);
    const std::uint8_t* u = chroma.data();
    const std::uint8_t* v = kStep == 1 ? u + kPixels : u + 1;
    return ns_per_pixel(kPixels, [&] {
        fn(luma.data(), u, v, kStep, kPixels, coefficients(Matrix::bt601, false), made.data());
    });
}

const Registration registered{"yuv_rgb",
                              kVariants,
                              &prove,
                              {{"512 pixels, planes", &time_row<1>},
                               {"512 pixels, interleaved", &time_row<2>},
                               {"512 pixels, resized", &time_row<4>}}};

}  // namespace
}  // namespace ei::check
