#include "kernels/lerp_2x2/lerp_2x2.hpp"

#include <cstdint>

#include "kernels/lerp_rows/lerp_rows.hpp"
#include "plan/rows/cv2_axis.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace lerp_2x2;
using plan::cv2_linear::Axis;

constexpr std::size_t kMostWidth = 2100;
constexpr std::size_t kMostOutputs = 1100;

// What lerp_columns and lerp_rows make of the two rows.
void two_passes(const Rows& rows, std::size_t pixel_bytes, std::size_t width, const Lerp& lerp,
                Weights weights, std::uint8_t* out) {
    const std::size_t made = 4 * lerp.outputs;
    std::vector<std::int16_t> above(made), below(made);
    lerp_columns::scalar::row(rows.upper, pixel_bytes, width, lerp, above.data());
    lerp_columns::scalar::row(rows.lower, pixel_bytes, width, lerp, below.data());
    lerp_rows::scalar::row(above.data(), below.data(), weights.upper, weights.lower, made, out);
}

void prove(Fn variant, Fn, Proof& proof) {
    Guarded<std::uint8_t> upper(4 * kMostWidth), lower(4 * kMostWidth);
    Output<std::uint8_t> found(4 * kMostOutputs, 0xA5), wanted(4 * kMostOutputs, 0x5A);
    constexpr Weights kWeights[] = {{2048, 0},    {0, 2048}, {1024, 1024},
                                    {1025, 1024}, {1, 2047}, {777, 1271}};

    const auto compare = [&](std::span<std::uint8_t> above, std::span<std::uint8_t> below,
                             std::size_t width, std::size_t pixel_bytes, const Axis& axis,
                             std::size_t shift) {
        const Lerp lerp = axis.lerp();
        const auto seed = static_cast<std::uint32_t>(width + shift);
        fill_random<std::uint8_t>(above, seed, 0, 255);
        fill_random<std::uint8_t>(below, seed + 1, 0, 255);
        for (std::size_t i = 0; shift % 3 == 1 && i < above.size(); ++i) {
            above[i] = above[i] < 128 ? 0 : 255;  // reaches both ends of the range
            below[i] = above[i];
        }
        const Weights weights = kWeights[shift % 6];
        const std::size_t made = 4 * lerp.outputs;
        // Rows ahead are not to be read: these cannot be.
        const Rows nowhere{above.data() + above.size(), nullptr};
        for (const Rows& rows : {Rows{above.data(), below.data()}, Rows{above.data(), above.data()},
                                 Rows{below.data(), above.data()}}) {
            variant(rows, nowhere, pixel_bytes, width, lerp, weights,
                    found.prepare(made, shift % 64).data());
            two_passes(rows, pixel_bytes, width, lerp, weights, wanted.prepare(made).data());
            proof.equal("row", found.elements(), wanted.elements());
            proof.intact("row", found);
        }
    };
    const auto each_place = [&](std::size_t width, std::size_t outputs, bool all_offsets) {
        const Axis axis(plan::whole(width, outputs), Axis::Border::reweight);
        for (const std::size_t pixel_bytes : {3u, 4u}) {
            const auto fact = [&](const char* place, std::size_t value) {
                proof.next({{"width", static_cast<long long>(width)},
                            {"outputs", static_cast<long long>(outputs)},
                            {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                            {place, static_cast<long long>(value)}});
            };
            const std::size_t bytes = width * pixel_bytes;
            fact("page_start", 1);
            compare(upper.against_start(bytes), lower.against_start(bytes), width, pixel_bytes,
                    axis, width);
            fact("page_end", 1);
            compare(upper.against_end(bytes), lower.against_end(bytes), width, pixel_bytes, axis,
                    outputs);
            for (std::size_t shift = 0; all_offsets && shift < 64; ++shift) {
                fact("offset", shift);
                compare(upper.at(shift, bytes), lower.at((shift + 9) % 64, bytes), width,
                        pixel_bytes, axis, shift);
            }
        }
    };
    for (std::size_t width = 2; width <= 70; ++width) {
        for (const std::size_t outputs :
             {std::size_t{1}, std::size_t{2}, width / 3 + 1, width / 2 + 1, width - 1, width,
              width + 1, 2 * width + 3, 5 * width + 1}) {
            each_place(width, outputs, width % 11 == 0);
        }
    }
    for (std::size_t outputs = 1; outputs <= 130; ++outputs) each_place(97, outputs, false);
    each_place(640, 224, true);
    each_place(1920, 512, true);
    each_place(300, 1024, true);
    each_place(2047, 3, false);
}

template <std::size_t kPixelBytes>
double time_row(Fn fn) {
    constexpr std::size_t kWidth = 1920, kOutputs = 512;
    static const Axis axis(plan::whole(kWidth, kOutputs), Axis::Border::reweight);
    static const std::vector<std::uint8_t> source(2 * kPixelBytes * kWidth, 77);
    static std::vector<std::uint8_t> made(4 * kOutputs);
    const Rows rows{source.data(), source.data() + kPixelBytes * kWidth};
    return ns_per_pixel(kOutputs, [&] {
        fn(rows, rows, kPixelBytes, kWidth, axis.lerp(), {700, 1348}, made.data());
    });
}

const Registration registered{
    "lerp_2x2",
    kVariants,
    &prove,
    {{"1920 to 512 RGB", &time_row<3>}, {"1920 to 512 RGBA", &time_row<4>}}};

}  // namespace
}  // namespace ei::check
