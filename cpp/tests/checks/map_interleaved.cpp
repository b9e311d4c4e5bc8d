#include "kernels/map_interleaved/map_interleaved.hpp"

#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace map_interleaved;

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
    Output<std::uint8_t> found(3 * kMost, 0xA5), wanted(3 * kMost, 0x5A);
    Tables3 all[kKinds];
    for (int kind = 0; kind < kKinds; ++kind) all[kind] = tables_of(static_cast<Kind>(kind));
    proof.next({{"tables", kKinds}});
    for (int kind = 0; kind < kKinds; ++kind) {
        proof.expect(all[kind].flips == (kind == same || kind == less_128 || kind == flipped),
                     "only_flips() is wrong");
    }

    const auto compare = [&](std::span<std::uint8_t> pixels, std::size_t pixel_bytes, bool swap,
                             std::size_t shift) {
        const std::size_t count = pixels.size() / pixel_bytes;
        const Tables3& tables = all[shift % kKinds];
        fill_random<std::uint8_t>(pixels, static_cast<std::uint32_t>(count + shift), 0, 255);
        variant(pixels.data(), pixel_bytes, count, tables, swap,
                found.prepare(3 * count, shift % 64).data());
        const std::span<std::uint8_t> expected = wanted.prepare(3 * count);
        scalar(pixels.data(), pixel_bytes, count, tables, swap, expected.data());
        proof.equal("row", found.elements(), wanted.elements());
        proof.intact("row", found);
        if (variant != scalar) return;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const std::size_t from = pixel_bytes == 1 ? 0 : swap ? 2 - i % 3 : i % 3;
            expected[i] = tables.of[i % 3][pixels[i / 3 * pixel_bytes + from]];
        }
        proof.equal("scalar", found.elements(), wanted.elements());
    };
    for (const std::size_t pixel_bytes : {1u, 3u, 4u}) {
        for (const bool swap : {false, true}) {
            for (const std::size_t count : sizes_around_vectors()) {
                const auto fact = [&](const char* place, std::size_t value) {
                    proof.next({{"pixels", static_cast<long long>(count)},
                                {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                                {"swap", swap},
                                {place, static_cast<long long>(value)}});
                };
                const std::size_t bytes = pixel_bytes * count;
                fact("page_start", 1);
                compare(input.against_start(bytes), pixel_bytes, swap, count);
                fact("page_end", 1);
                compare(input.against_end(bytes), pixel_bytes, swap, count);
                for (std::size_t shift = 0; shift < 64; ++shift) {
                    fact("offset", shift);
                    compare(input.at(shift, bytes), pixel_bytes, swap, shift);
                }
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
    return ns_per_pixel(
        kPixels, [&] { fn(pixels.data(), kPixelBytes, kPixels, tables, false, made.data()); });
}

const Registration registered{"map_interleaved",
                              kVariants,
                              &prove,
                              {{"512 pixels of 3 bytes", &time_row<3, noise>},
                               {"512 pixels of 3 bytes, less 128", &time_row<3, less_128>},
                               {"512 pixels of 4 bytes, less 128", &time_row<4, less_128>},
                               {"512 gray pixels, less 128", &time_row<1, less_128>}}};

}  // namespace
}  // namespace ei::check
