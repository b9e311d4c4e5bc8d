#include "kernels/average_boxes/average_boxes.hpp"

#include <algorithm>
#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace average_boxes;

constexpr std::size_t kMostRows = 258;
constexpr std::size_t kMostBytes = 4 * 2048;

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> memory[5] = {
        Guarded<std::uint8_t>(kMostBytes), Guarded<std::uint8_t>(kMostBytes),
        Guarded<std::uint8_t>(kMostBytes), Guarded<std::uint8_t>(kMostBytes),
        Guarded<std::uint8_t>(kMostBytes)};
    Output<std::uint8_t> found(4 * 1100, 0xA5), wanted(4 * 1100, 0x5A);
    enum Place { page_start, page_end, at_offset };

    const auto compare = [&](std::size_t row_count, std::size_t box_width, std::size_t outputs,
                             std::size_t pixel_bytes, Place place, std::size_t shift) {
        const std::size_t bytes = outputs * box_width * pixel_bytes;
        if (bytes > kMostBytes) return;
        proof.next({{"rows", static_cast<long long>(row_count)},
                    {"box_width", static_cast<long long>(box_width)},
                    {"outputs", static_cast<long long>(outputs)},
                    {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                    {"place", place},
                    {"offset", static_cast<long long>(shift)}});
        const std::uint8_t* rows[kMostRows];
        for (std::size_t r = 0; r < row_count; ++r) {
            Guarded<std::uint8_t>& own = memory[r % 5];  // rows may repeat
            const auto row = place == page_start ? own.against_start(bytes)
                             : place == page_end ? own.against_end(bytes)
                                                 : own.at((shift + 7 * (r % 5)) % 64, bytes);
            if (r < 5) {
                fill_random<std::uint8_t>(row, static_cast<std::uint32_t>(bytes + r), 0, 255);
                if (shift % 5 == 1) std::fill(row.begin(), row.end(), std::uint8_t{255});
            }
            rows[r] = row.data();
        }
        const std::size_t made = outputs * (pixel_bytes == 1 ? 1 : 4);
        variant(rows, row_count, pixel_bytes, box_width, outputs,
                found.prepare(made, shift % 64).data());
        scalar(rows, row_count, pixel_bytes, box_width, outputs, wanted.prepare(made).data());
        proof.equal("row", found.elements(), wanted.elements());
        proof.intact("row", found);
    };
    std::size_t turn = 0;
    for (const std::size_t pixel_bytes : {1u, 2u, 3u, 4u}) {
        for (std::size_t row_count = 1; row_count <= 9; ++row_count) {
            for (std::size_t box_width = 1; box_width <= 9; ++box_width) {
                for (std::size_t outputs = 1; outputs <= 40; outputs += 1 + outputs / 20) {
                    ++turn;
                    compare(row_count, box_width, outputs, pixel_bytes, page_start, turn);
                    compare(row_count, box_width, outputs, pixel_bytes, page_end, turn);
                }
            }
        }
        for (const std::size_t large : {16u, 17u, 33u, 64u, 70u}) {
            compare(large, large, 5, pixel_bytes, page_end, 1);
            compare(large, large, 5, pixel_bytes, page_end, 2);
            compare(large, 1, 77, pixel_bytes, page_end, 1);
            compare(1, large, 9, pixel_bytes, page_start, 2);
        }
        for (const std::size_t rows : {256u, 257u, 258u}) {  // where sums leave 16 bits
            compare(rows, 2, 9, pixel_bytes, page_end, 1);
        }
        for (const std::size_t wide : {383u, 384u, 385u, 513u}) {  // and a box its buffer
            compare(2, wide, 3, pixel_bytes, page_end, 2);
        }
        for (std::size_t shift = 0; shift < 64; ++shift) {
            compare(3, 3, 100, pixel_bytes, at_offset, shift);
            compare(4, 4, 64, pixel_bytes, at_offset, shift);
        }
        for (const std::size_t outputs : sizes_around_vectors()) {
            compare(3, 2, outputs, pixel_bytes, page_end, outputs);
        }
    }
}

template <std::size_t kPixelBytes, std::size_t kBox>
double time_row(Fn fn) {
    constexpr std::size_t kOutputs = 640;
    constexpr std::size_t kRowBytes = kPixelBytes * kBox * kOutputs;
    static const std::vector<std::uint8_t> source(kBox * kRowBytes, 77);
    static std::vector<std::uint8_t> made(4 * kOutputs);
    const std::uint8_t* rows[kBox];
    for (std::size_t r = 0; r < kBox; ++r) rows[r] = source.data() + r * kRowBytes;
    return ns_per_pixel(kOutputs,
                        [&] { fn(rows, kBox, kPixelBytes, kBox, kOutputs, made.data()); });
}

const Registration registered{"average_boxes",
                              kVariants,
                              &prove,
                              {{"1920 to 640 RGB", &time_row<3, 3>},
                               {"1920 to 640 RGBA", &time_row<4, 3>},
                               {"1920 to 640 gray", &time_row<1, 3>},
                               {"2560 to 640 RGB", &time_row<3, 4>}}};

}  // namespace
}  // namespace ei::check
