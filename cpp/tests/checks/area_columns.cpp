#include "kernels/area_columns/area_columns.hpp"

#include <cstdint>

#include "plan/rows/cv2_area_axis.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace area_columns;
using plan::cv2_area::Axis;

constexpr std::size_t kMostWidth = 2100;

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> memory(4 * kMostWidth);
    Output<float> found(4 * kMostWidth, 0xA5), wanted(4 * kMostWidth, 0x5A);

    const auto compare = [&](std::span<std::uint8_t> row, std::size_t width,
                             std::size_t pixel_bytes, const Axis& axis, std::size_t shift) {
        const Taps taps = axis.taps();
        fill_random<std::uint8_t>(row, static_cast<std::uint32_t>(width + shift), 0, 255);
        const std::size_t made = taps.outputs * (pixel_bytes == 1 ? 1 : 4);
        variant(row.data(), pixel_bytes, width, taps, found.prepare(made, shift % 16).data());
        scalar(row.data(), pixel_bytes, width, taps, wanted.prepare(made).data());
        proof.equal("row", found.elements(), wanted.elements());
        proof.intact("row", found);
    };
    const auto each_place = [&](const plan::AxisSpan& span, bool all_offsets) {
        const Axis axis(span);
        const auto width = static_cast<std::size_t>(span.source);
        for (const std::size_t pixel_bytes : {1u, 2u, 3u, 4u}) {
            const auto fact = [&](const char* place, std::size_t value) {
                proof.next({{"width", span.source},
                            {"target", span.target},
                            {"first", span.first},
                            {"outputs", span.count},
                            {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                            {place, static_cast<long long>(value)}});
            };
            const std::size_t bytes = width * pixel_bytes;
            fact("page_start", 1);
            compare(memory.against_start(bytes), width, pixel_bytes, axis, width);
            fact("page_end", 1);
            compare(memory.against_end(bytes), width, pixel_bytes, axis, width + 1);
            for (std::size_t shift = 0; all_offsets && shift < 64; ++shift) {
                fact("offset", shift);
                compare(memory.at(shift, bytes), width, pixel_bytes, axis, shift);
            }
        }
    };
    for (int width = 1; width <= 70; ++width) {
        for (int outputs = 1; outputs <= width; ++outputs) {
            each_place(plan::whole(width, outputs), width % 23 == 0 && outputs % 7 == 0);
        }
    }
    for (int first = 0; first < 40; ++first) {
        for (int count = 1; count <= 40 - first; count += 3) {
            each_place({97, 40, first, count}, false);
        }
    }
    each_place(plan::whole(640, 224), true);
    each_place(plan::whole(1920, 512), true);
    each_place(plan::whole(2047, 3), false);
    each_place(plan::whole(2047, 2046), false);
}

template <std::size_t kPixelBytes>
double time_row(Fn fn) {
    constexpr int kWidth = 1920, kOutputs = 512;
    static const Axis axis(plan::whole(kWidth, kOutputs));
    static const std::vector<std::uint8_t> source(kPixelBytes * kWidth, 77);
    static std::vector<float> made(4 * kOutputs);
    return ns_per_pixel(kOutputs,
                        [&] { fn(source.data(), kPixelBytes, kWidth, axis.taps(), made.data()); });
}

const Registration registered{"area_columns",
                              kVariants,
                              &prove,
                              {{"1920 to 512 RGB", &time_row<3>},
                               {"1920 to 512 RGBA", &time_row<4>},
                               {"1920 to 512 gray", &time_row<1>}}};

}  // namespace
}  // namespace ei::check
