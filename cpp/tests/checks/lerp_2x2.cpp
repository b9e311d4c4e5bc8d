#include "kernels/lerp_2x2/lerp_2x2.hpp"

#include <cstdint>

#include "kernels/lerp_rows/lerp_rows.hpp"
#include "tests/lerp_cases.hpp"
#include "tests/places.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace lerp_2x2;
using plan::cv2_linear::Axis;

// What lerp_columns and lerp_rows make of the two rows.
void two_passes(const Rows& rows, std::size_t pixel_bytes, std::size_t width, const Lerp& lerp,
                Weights weights, std::uint8_t* out) {
    const std::size_t made = lerp_columns::values_of(pixel_bytes) * lerp.outputs;
    std::vector<std::int16_t> above(made), below(made);
    lerp_columns::scalar::row(rows.upper, pixel_bytes, width, lerp, above.data());
    lerp_columns::scalar::row(rows.lower, pixel_bytes, width, lerp, below.data());
    lerp_rows::scalar::row(above.data(), below.data(), weights.upper, weights.lower, made, out);
}

void prove(Fn variant, Fn, Proof& proof) {
    Guarded<std::uint8_t> upper(4 * kMostLerpWidth), lower(4 * kMostLerpWidth);
    Output<std::uint8_t> found(4 * kMostLerpOutputs, 0xA5), wanted(4 * kMostLerpOutputs, 0x5A);
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
        const std::size_t made = lerp_columns::values_of(pixel_bytes) * lerp.outputs;
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
    each_lerp([&](std::size_t width, const Axis& axis, std::size_t outputs, std::size_t offsets) {
        for (const std::size_t pixel_bytes : {1u, 3u, 4u}) {
            const std::size_t bytes = width * pixel_bytes;
            for (const Place& place : places(outputs, offsets)) {
                proof.next({{"width", static_cast<long long>(width)},
                            {"outputs", static_cast<long long>(outputs)},
                            {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                            place.fact()});
                // The two rows do not lie alike.
                const Place other{place.name, (place.shift + 9) % 64};
                compare(place.of(upper, bytes), other.of(lower, bytes), width, pixel_bytes, axis,
                        place.shift);
            }
        }
    });
}

template <std::size_t kPixelBytes, std::size_t kOutputs = 512>
double time_row(Fn fn) {
    constexpr std::size_t kWidth = 1920;
    static const Axis axis(plan::whole(kWidth, kOutputs), Axis::Border::reweight);
    static const std::vector<std::uint8_t> source(2 * kPixelBytes * kWidth, 77);
    static std::vector<std::uint8_t> made(4 * kOutputs);
    const Rows rows{source.data(), source.data() + kPixelBytes * kWidth};
    return ns_per_pixel(kOutputs, [&] {
        fn(rows, rows, kPixelBytes, kWidth, axis.lerp(), {700, 1348}, made.data());
    });
}

const Registration registered{"lerp_2x2",
                              kVariants,
                              &prove,
                              {{"1920 to 512 RGB", &time_row<3>},
                               {"1920 to 512 RGBA", &time_row<4>},
                               {"1920 to 512 gray", &time_row<1>},
                               {"1920 to 224 gray", &time_row<1, 224>}}};

}  // namespace
}  // namespace ei::check
