#include "kernels/resize_columns/resize_columns.hpp"

#include <cstdint>

#include "plan/rows/pillow_axis.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace resize_columns;

constexpr std::size_t kMostRows = 7;
constexpr std::size_t kMostWidth = 2100;
constexpr std::size_t kMostOutputs = 1100;

struct Rows {
    Guarded<std::uint8_t> memory[kMostRows] = {
        Guarded<std::uint8_t>(4 * kMostWidth), Guarded<std::uint8_t>(4 * kMostWidth),
        Guarded<std::uint8_t>(4 * kMostWidth), Guarded<std::uint8_t>(4 * kMostWidth),
        Guarded<std::uint8_t>(4 * kMostWidth), Guarded<std::uint8_t>(4 * kMostWidth),
        Guarded<std::uint8_t>(4 * kMostWidth)};
    Output<std::uint8_t> found[kMostRows] = {{4 * kMostOutputs, 0xA5}, {4 * kMostOutputs, 0xA5},
                                             {4 * kMostOutputs, 0xA5}, {4 * kMostOutputs, 0xA5},
                                             {4 * kMostOutputs, 0xA5}, {4 * kMostOutputs, 0xA5},
                                             {4 * kMostOutputs, 0xA5}};
    Output<std::uint8_t> wanted[kMostRows] = {{4 * kMostOutputs, 0x5A}, {4 * kMostOutputs, 0x5A},
                                              {4 * kMostOutputs, 0x5A}, {4 * kMostOutputs, 0x5A},
                                              {4 * kMostOutputs, 0x5A}, {4 * kMostOutputs, 0x5A},
                                              {4 * kMostOutputs, 0x5A}};
};

enum Place { page_start, page_end, offset };

// One case: `count` rows of one geometry, each row at its own place.
void compare(Fn variant, Fn scalar, Proof& proof, Rows& rows, const plan::pillow::Axis& axis,
             std::size_t width, std::size_t pixel_bytes, std::size_t count, Place place,
             std::size_t shift) {
    const Taps taps = axis.taps();
    proof.next({{"width", static_cast<long long>(width)},
                {"outputs", static_cast<long long>(taps.outputs)},
                {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                {"rows", static_cast<long long>(count)},
                {"place", place},
                {"offset", static_cast<long long>(shift)}});
    const std::size_t bytes = width * pixel_bytes;
    const std::size_t made = taps.outputs * (pixel_bytes == 1 ? 1 : 4);
    const std::uint8_t* sources[kMostRows];
    std::uint8_t* found[kMostRows];
    std::uint8_t* wanted[kMostRows];
    for (std::size_t r = 0; r < count; ++r) {
        const auto row = place == page_end     ? rows.memory[r].against_end(bytes)
                         : place == page_start ? rows.memory[r].against_start(bytes)
                                               : rows.memory[r].at((shift + 7 * r) % 64, bytes);
        fill_random<std::uint8_t>(row, static_cast<std::uint32_t>(width + r), 0, 255);
        if (shift % 3 == 1) {
            for (std::uint8_t& byte : row) byte = byte < 128 ? 0 : 255;  // reaches both ends
        }
        sources[r] = row.data();
        found[r] = rows.found[r].prepare(made, (shift + 3 * r) % 64).data();
        wanted[r] = rows.wanted[r].prepare(made).data();
    }
    variant(sources, count, pixel_bytes, width, taps, found);
    scalar(sources, count, pixel_bytes, width, taps, wanted);
    for (std::size_t r = 0; r < count; ++r) {
        proof.equal("row", rows.found[r].elements(), rows.wanted[r].elements());
        proof.intact("row", rows.found[r]);
    }
}

void prove(Fn variant, Fn scalar, Proof& proof) {
    Rows rows;
    std::size_t turn = 0;
    const auto each_place = [&](std::size_t width, std::size_t outputs, bool all_offsets) {
        const plan::pillow::Axis axis(plan::whole(width, outputs));
        for (const std::size_t pixel_bytes : {1u, 2u, 3u, 4u}) {
            for (std::size_t count = 1; count <= kMostRows; ++count) {
                compare(variant, scalar, proof, rows, axis, width, pixel_bytes, count, page_start,
                        turn++ % 64);
                compare(variant, scalar, proof, rows, axis, width, pixel_bytes, count, page_end,
                        turn++ % 64);
            }
            for (std::size_t shift = 0; all_offsets && shift < 64; ++shift) {
                compare(variant, scalar, proof, rows, axis, width, pixel_bytes,
                        1 + shift % kMostRows, offset, shift);
            }
        }
    };
    for (std::size_t width = 1; width <= 70; ++width) {
        for (const std::size_t outputs :
             {std::size_t{1}, std::size_t{2}, width / 3 + 1, width / 2 + 1, width, width + 1,
              2 * width + 3, std::size_t{17}, std::size_t{33}}) {
            each_place(width, outputs, width % 23 == 0);
        }
    }
    for (std::size_t outputs = 1; outputs <= 40; ++outputs) each_place(97, outputs, false);
    each_place(640, 224, true);
    each_place(1920, 224, true);
    each_place(1920, 512, true);
    each_place(1920, 1024, false);
    each_place(2047, 3, false);
}

template <std::size_t kPixelBytes, int kOutputs>
double time_rows(Fn fn) {
    constexpr int kWidth = 1920;
    static const plan::pillow::Axis axis(plan::whole(kWidth, kOutputs));
    constexpr std::size_t kRows = 4;
    static const std::vector<std::uint8_t> source(kRows * kPixelBytes * kWidth, 77);
    static std::vector<std::uint8_t> made(kRows * 4 * kOutputs);
    const std::uint8_t* sources[kRows];
    std::uint8_t* targets[kRows];
    for (std::size_t r = 0; r < kRows; ++r) {
        sources[r] = source.data() + r * kPixelBytes * kWidth;
        targets[r] = made.data() + r * 4 * kOutputs;
    }
    return ns_per_pixel(kRows * kOutputs,
                        [&] { fn(sources, kRows, kPixelBytes, kWidth, axis.taps(), targets); });
}

const Registration registered{"resize_columns",
                              kVariants,
                              &prove,
                              {{"1920 to 224 RGB", &time_rows<3, 224>},
                               {"1920 to 512 RGB", &time_rows<3, 512>},
                               {"1920 to 512 RGBA", &time_rows<4, 512>},
                               {"1920 to 512 chroma", &time_rows<2, 512>},
                               {"1920 to 512 gray", &time_rows<1, 512>}}};

}  // namespace
}  // namespace ei::check
