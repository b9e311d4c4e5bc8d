#include "kernels/lerp_columns/lerp_columns.hpp"

#include <cstdint>

#include "plan/rows/cv2_axis.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace lerp_columns;

constexpr std::size_t kMostWidth = 2100;
constexpr std::size_t kMostOutputs = 1100;

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> memory(4 * kMostWidth);
    Output<std::int16_t> found(4 * kMostOutputs, 0xA5), wanted(4 * kMostOutputs, 0x5A);

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
    const auto each_place = [&](std::size_t width, std::size_t outputs, bool all_offsets) {
        const plan::cv2_linear::Axis axis(plan::whole(width, outputs),
                                          plan::cv2_linear::Axis::Border::reweight);
        for (const std::size_t pixel_bytes : {1u, 2u, 3u, 4u}) {
            const auto fact = [&](const char* place, std::size_t value) {
                proof.next({{"width", static_cast<long long>(width)},
                            {"outputs", static_cast<long long>(outputs)},
                            {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                            {place, static_cast<long long>(value)}});
            };
            const std::size_t bytes = width * pixel_bytes;
            fact("page_start", 1);
            compare(memory.against_start(bytes), width, pixel_bytes, axis, width);
            fact("page_end", 1);
            compare(memory.against_end(bytes), width, pixel_bytes, axis, outputs);
            for (std::size_t shift = 0; all_offsets && shift < 64; ++shift) {
                fact("offset", shift);
                compare(memory.at(shift, bytes), width, pixel_bytes, axis, shift);
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
    each_place(960, 512, true);
    each_place(300, 1024, true);
    each_place(2047, 3, false);
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
