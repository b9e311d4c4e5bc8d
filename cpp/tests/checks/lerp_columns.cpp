#include "kernels/lerp_columns/lerp_columns.hpp"

#include <cstdint>

#include "tests/lerp_cases.hpp"
#include "tests/places.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace lerp_columns;

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> memory(4 * kMostLerpWidth);
    Output<std::int16_t> found(4 * kMostLerpOutputs, 0xA5), wanted(4 * kMostLerpOutputs, 0x5A);

    const auto compare = [&](std::span<std::uint8_t> row, std::size_t width,
                             std::size_t pixel_bytes, const plan::cv2_linear::Axis& axis,
                             std::size_t shift) {
        const Lerp lerp = axis.lerp();
        fill_random<std::uint8_t>(row, static_cast<std::uint32_t>(width + shift), 0, 255);
        for (std::size_t i = 0; shift % 3 == 1 && i < row.size(); ++i) {
            row[i] = row[i] < 128 ? 0 : 255;  // reaches both ends of the range
        }
        const std::size_t made = lerp.outputs * values_of(pixel_bytes);
        variant(row.data(), pixel_bytes, width, lerp, found.prepare(made, shift % 64).data());
        scalar(row.data(), pixel_bytes, width, lerp, wanted.prepare(made).data());
        proof.equal("row", found.elements(), wanted.elements());
        proof.intact("row", found);
    };
    each_lerp([&](std::size_t width, const plan::cv2_linear::Axis& axis, std::size_t outputs,
                  std::size_t offsets) {
        for (const std::size_t pixel_bytes : {1u, 2u, 3u, 4u}) {
            for (const Place& place : places(width, offsets)) {
                proof.next({{"width", static_cast<long long>(width)},
                            {"outputs", static_cast<long long>(outputs)},
                            {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                            place.fact()});
                compare(place.of(memory, width * pixel_bytes), width, pixel_bytes, axis,
                        place.shift);
            }
        }
    });
}

template <std::size_t kPixelBytes, int kWidth = 1920>
double time_row(Fn fn) {
    constexpr int kOutputs = 512;
    static const plan::cv2_linear::Axis axis(plan::whole(kWidth, kOutputs),
                                             plan::cv2_linear::Axis::Border::reweight);
    static const std::vector<std::uint8_t> source(kPixelBytes * kWidth, 77);
    static std::vector<std::int16_t> made(4 * kOutputs);
    return ns_per_pixel(kOutputs,
                        [&] { fn(source.data(), kPixelBytes, kWidth, axis.lerp(), made.data()); });
}

const Registration registered{"lerp_columns",
                              kVariants,
                              &prove,
                              {{"1920 to 512 RGB", &time_row<3>},
                               {"1920 to 512 RGBA", &time_row<4>},
                               {"1920 to 512 chroma", &time_row<2>},
                               {"960 to 512 chroma", &time_row<2, 960>},
                               {"1920 to 512 gray", &time_row<1>}}};

}  // namespace
}  // namespace ei::check
