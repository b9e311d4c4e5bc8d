#include "kernels/map_planar/map_planar.hpp"

#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace map_planar;

constexpr std::size_t kMost = 1100;

// Noise, bytes themselves, bytes less 128, bytes flipped somehow, and nearly that.
enum Kind { noise, same, less_128, flipped, nearly, kKinds };

Tables3 tables_of(Kind kind) {
    Tables3 tables;
    for (std::uint32_t c = 0; c < 3; ++c) {
        fill_random<std::uint8_t>(tables.of[c], c, 0, 255);
        for (int v = 0; kind != noise && v < 256; ++v) {
            tables.of[c][v] = static_cast<std::uint8_t>(v ^ (kind == same       ? 0
                                                             : kind == less_128 ? 128
                                                                                : 0x5B));
        }
    }
    if (kind == nearly) tables.of[2][255] ^= 1;
    tables.flips = only_flips(tables);
    return tables;
}

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> input(4 * kMost);
    Output<std::uint8_t> found[3] = {{kMost, 0xA5}, {kMost, 0xA5}, {kMost, 0xA5}};
    Output<std::uint8_t> wanted[3] = {{kMost, 0x5A}, {kMost, 0x5A}, {kMost, 0x5A}};
    Tables3 all[kKinds];
    for (int kind = 0; kind < kKinds; ++kind) all[kind] = tables_of(static_cast<Kind>(kind));
    proof.next({{"tables", kKinds}});
    for (int kind = 0; kind < kKinds; ++kind) {
        proof.expect(all[kind].flips == (kind == same || kind == less_128 || kind == flipped),
                     "only_flips() is wrong");
    }

    const auto compare = [&](std::span<std::uint8_t> pixels, std::size_t pixel_bytes,
                             std::size_t shift) {
        const std::size_t count = pixels.size() / pixel_bytes;
        const Tables3& tables = all[shift % kKinds];
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

template <std::size_t kPixelBytes, Kind kKind>
double time_row(Fn fn) {
    constexpr std::size_t kPixels = 512;
    static const std::vector<std::uint8_t> pixels(kPixelBytes * kPixels, 77);
    static std::vector<std::uint8_t> made(3 * kPixels);
    static const Tables3 tables = tables_of(kKind);
    return ns_per_pixel(kPixels, [&] {
        fn(pixels.data(), kPixelBytes, kPixels, tables, made.data(), made.data() + kPixels,
           made.data() + 2 * kPixels);
    });
}

const Registration registered{"map_planar",
                              kVariants,
                              &prove,
                              {{"512 pixels of 3 bytes", &time_row<3, noise>},
                               {"512 pixels of 3 bytes, less 128", &time_row<3, less_128>},
                               {"512 pixels of 4 bytes, less 128", &time_row<4, less_128>},
                               {"512 gray pixels, less 128", &time_row<1, less_128>}}};

}  // namespace
}  // namespace ei::check
