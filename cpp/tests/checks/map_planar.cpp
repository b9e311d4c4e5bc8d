#include "kernels/map_planar/map_planar.hpp"

#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace map_planar;

constexpr std::size_t kMost = 1100;

Tables3 noise() {
    Tables3 tables;
    for (std::uint32_t c = 0; c < 3; ++c) fill_random<std::uint8_t>(tables.of[c], c, 0, 255);
    return tables;
}

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> input(4 * kMost);
    Output<std::uint8_t> found[3] = {{kMost, 0xA5}, {kMost, 0xA5}, {kMost, 0xA5}};
    Output<std::uint8_t> wanted[3] = {{kMost, 0x5A}, {kMost, 0x5A}, {kMost, 0x5A}};
    const Tables3 tables = noise();

    const auto compare = [&](std::span<std::uint8_t> pixels, std::size_t pixel_bytes,
                             std::size_t shift) {
        const std::size_t count = pixels.size() / pixel_bytes;
        fill_random<std::uint8_t>(pixels, static_cast<std::uint32_t>(count + shift), 0, 255);
        std::uint8_t* f[3];
        std::uint8_t* w[3];
        for (std::size_t c = 0; c < 3; ++c) {
            f[c] = found[c].prepare(count, (shift + 5 * c) % 64).data();
            w[c] = wanted[c].prepare(count).data();
        }
        variant(pixels.data(), pixel_bytes, count, tables, f[0], f[1], f[2]);
        scalar(pixels.data(), pixel_bytes, count, tables, w[0], w[1], w[2]);
        for (std::size_t c = 0; c < 3; ++c) {
            proof.equal("plane", found[c].elements(), wanted[c].elements());
            proof.intact("plane", found[c]);
            if (variant != scalar) continue;
            for (std::size_t x = 0; x < count; ++x) {
                w[c][x] = tables.of[c][pixels[pixel_bytes == 1 ? x : x * pixel_bytes + c]];
            }
            proof.equal("scalar", found[c].elements(), wanted[c].elements());
        }
    };
    for (const std::size_t pixel_bytes : {1u, 3u, 4u}) {
        for (const std::size_t count : sizes_around_vectors()) {
            const auto fact = [&](const char* place, std::size_t value) {
                proof.next({{"pixels", static_cast<long long>(count)},
                            {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                            {place, static_cast<long long>(value)}});
            };
            const std::size_t bytes = pixel_bytes * count;
            fact("page_start", 1);
            compare(input.against_start(bytes), pixel_bytes, count);
            fact("page_end", 1);
            compare(input.against_end(bytes), pixel_bytes, count);
            for (std::size_t shift = 0; shift < 64; ++shift) {
                fact("offset", shift);
                compare(input.at(shift, bytes), pixel_bytes, shift);
            }
        }
    }
}

template <std::size_t kPixelBytes>
double time_row(Fn fn) {
    constexpr std::size_t kPixels = 512;
    static const std::vector<std::uint8_t> pixels(kPixelBytes * kPixels, 77);
    static std::vector<std::uint8_t> made(3 * kPixels);
    static const Tables3 tables = noise();
    return ns_per_pixel(kPixels, [&] {
        fn(pixels.data(), kPixelBytes, kPixels, tables, made.data(), made.data() + kPixels,
           made.data() + 2 * kPixels);
    });
}

const Registration registered{"map_planar",
                              kVariants,
                              &prove,
                              {{"512 pixels of 3 bytes", &time_row<3>},
                               {"512 pixels of 4 bytes", &time_row<4>},
                               {"512 gray pixels", &time_row<1>}}};

}  // namespace
}  // namespace ei::check
