#include "kernels/resize_rows/resize_rows.hpp"

#include <algorithm>
#include <cstdint>

#include "plan/rows/pillow_axis.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace resize_rows;

constexpr std::size_t kMostRows = 40;
constexpr std::size_t kMostBytes = 4200;

void prove(Fn variant, Fn scalar, Proof& proof) {
    // Rows of one image: the first begins at a page and the last ends at one, in turn.
    Guarded<std::uint8_t> image(kMostRows * kMostBytes + 64);
    Output<std::uint8_t> found(kMostBytes, 0xA5), wanted(kMostBytes, 0x5A);

    const auto compare = [&](std::span<std::uint8_t> pixels, std::size_t height, std::size_t bytes,
                             const plan::pillow::Axis& axis, std::size_t shift) {
        for (std::size_t i = 0; shift % 3 == 1 && i < pixels.size(); ++i) {
            pixels[i] = pixels[i] < 128 ? 0 : 255;
        }
        const std::uint8_t* rows[kMostRows];
        const int outputs = static_cast<int>(axis.taps().outputs);
        for (const int y : {0, outputs / 2, outputs - 1}) {
            const auto taps = static_cast<std::size_t>(axis.count(y));
            for (std::size_t t = 0; t < taps; ++t) {
                const std::size_t row = static_cast<std::size_t>(axis.first(y)) + t;
                rows[t] = pixels.data() + std::min(row, height - 1) * bytes;
            }
            variant(rows, axis.weights(y), taps, bytes,
                    found.prepare(bytes, (shift + 5) % 64).data());
            scalar(rows, axis.weights(y), taps, bytes, wanted.prepare(bytes).data());
            proof.equal("row", found.elements(), wanted.elements());
            proof.intact("row", found);
        }
    };
    for (const auto& [height, outputs] :
         {std::pair{1, 3}, {2, 1}, {3, 2}, {4, 9}, {9, 4}, {13, 3}, {40, 1}}) {
        const plan::pillow::Axis axis(plan::whole(height, outputs));
        const auto rows = static_cast<std::size_t>(height);
        for (const std::size_t bytes : sizes_around_vectors()) {
            const std::size_t size = rows * bytes;
            const auto fact = [&](const char* place, std::size_t value) {
                proof.next({{"taps", static_cast<long long>(axis.most_taps())},
                            {"bytes", static_cast<long long>(bytes)},
                            {place, static_cast<long long>(value)}});
            };
            fact("page_start", 1);
            fill_random<std::uint8_t>(image.against_start(size), static_cast<std::uint32_t>(bytes),
                                      0, 255);
            compare(image.against_start(size), rows, bytes, axis, bytes);
            fact("page_end", 1);
            fill_random<std::uint8_t>(image.against_end(size), static_cast<std::uint32_t>(bytes), 0,
                                      255);
            compare(image.against_end(size), rows, bytes, axis, bytes + 1);
            for (std::size_t shift = 0; bytes % 16 == 7 && shift < 64; ++shift) {
                fact("offset", shift);
                fill_random<std::uint8_t>(image.at(shift, size), static_cast<std::uint32_t>(shift),
                                          0, 255);
                compare(image.at(shift, size), rows, bytes, axis, shift);
            }
        }
    }
}

double time_row(Fn fn) {
    constexpr std::size_t kPixels = 512;
    static const plan::pillow::Axis axis(plan::whole(1080, 512));
    static const std::vector<std::uint8_t> pixels(8 * 4 * kPixels, 77);
    static std::vector<std::uint8_t> made(4 * kPixels);
    const std::uint8_t* rows[8];
    for (std::size_t t = 0; t < 8; ++t) rows[t] = pixels.data() + t * 4 * kPixels;
    return ns_per_pixel(kPixels, [&] {
        fn(rows, axis.weights(100), static_cast<std::size_t>(axis.count(100)), 4 * kPixels,
           made.data());
    });
}

const Registration registered{
    "resize_rows", kVariants, &prove, {{"512 pixels of 4 bytes, 1080 to 512 rows", &time_row}}};

}  // namespace
}  // namespace ei::check
