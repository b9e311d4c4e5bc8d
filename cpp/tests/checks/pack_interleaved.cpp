#include "kernels/pack_interleaved/pack_interleaved.hpp"

#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace pack_interleaved;

constexpr std::size_t kMost = 1100;
constexpr Affine3 kImageNet = {{0.017124754f, 0.017507003f, 0.017429193f},
                               {-2.1179039f, -2.0357141f, -1.8044444f}};

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> input(4 * kMost);
    Output<float> found(3 * kMost, 0xA5), wanted(3 * kMost, 0x5A);

    const auto compare = [&](std::span<std::uint8_t> pixels, std::size_t pixel_bytes, bool swap,
                             std::size_t shift) {
        const std::size_t count = pixels.size() / pixel_bytes;
        fill_random<std::uint8_t>(pixels, static_cast<std::uint32_t>(count + shift), 0, 255);
        variant(pixels.data(), pixel_bytes, count, kImageNet, swap,
                found.prepare(3 * count, shift % 16).data());
        const std::span<float> expected = wanted.prepare(3 * count);
        scalar(pixels.data(), pixel_bytes, count, kImageNet, swap, expected.data());
        proof.equal("row", found.elements(), wanted.elements());
        proof.intact("row", found);
        if (variant != scalar) return;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const std::size_t from = pixel_bytes == 1 ? 0 : swap ? 2 - i % 3 : i % 3;
            const float product =
                static_cast<float>(pixels[i / 3 * pixel_bytes + from]) * kImageNet.scale[i % 3];
            expected[i] = product + kImageNet.bias[i % 3];
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

template <std::size_t kPixelBytes, bool kSwap>
double time_row(Fn fn) {
    constexpr std::size_t kPixels = 512;
    static const std::vector<std::uint8_t> pixels(kPixelBytes * kPixels, 77);
    static std::vector<float> made(3 * kPixels);
    return ns_per_pixel(
        kPixels, [&] { fn(pixels.data(), kPixelBytes, kPixels, kImageNet, kSwap, made.data()); });
}

const Registration registered{"pack_interleaved",
                              kVariants,
                              &prove,
                              {{"512 pixels of 3 bytes", &time_row<3, false>},
                               {"512 pixels of 3 bytes, swapped", &time_row<3, true>},
                               {"512 pixels of 4 bytes", &time_row<4, false>},
                               {"512 pixels of 4 bytes, swapped", &time_row<4, true>},
                               {"512 gray pixels", &time_row<1, false>}}};

}  // namespace
}  // namespace ei::check
