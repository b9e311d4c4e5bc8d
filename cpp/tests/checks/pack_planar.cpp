#include "kernels/pack_planar/pack_planar.hpp"

#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace pack_planar;

constexpr std::size_t kCapacity = 1100;
constexpr Affine3 kImageNet = {{0.017124754f, 0.017507003f, 0.017429193f},
                               {-2.1179039f, -2.0357141f, -1.8044444f}};

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> input(4 * kCapacity);
    Output<float> found[3] = {{kCapacity, 0xA5}, {kCapacity, 0xA5}, {kCapacity, 0xA5}};
    Output<float> wanted[3] = {{kCapacity, 0x5A}, {kCapacity, 0x5A}, {kCapacity, 0x5A}};

    const auto compare = [&](std::span<const std::uint8_t> pixels, std::size_t pixel_bytes,
                             std::size_t offset) {
        const std::size_t count = pixels.size() / pixel_bytes;
        float* f[3];
        float* w[3];
        for (std::size_t c = 0; c < 3; ++c) {
            f[c] = found[c].prepare(count, (offset + 5 * c) % 16).data();
            w[c] = wanted[c].prepare(count).data();
        }
        variant(pixels.data(), pixel_bytes, count, kImageNet, f[0], f[1], f[2]);
        scalar(pixels.data(), pixel_bytes, count, kImageNet, w[0], w[1], w[2]);
        for (std::size_t c = 0; c < 3; ++c) {
            proof.equal("plane", found[c].elements(), wanted[c].elements());
            proof.intact("plane", found[c]);
        }
    };

    for (const std::size_t pixel_bytes : {1u, 3u, 4u}) {
        for (const std::size_t count : sizes_around_vectors()) {
            const auto seed = static_cast<std::uint32_t>(count);
            const Fact pixel_fact{"pixel_bytes", static_cast<long long>(pixel_bytes)};
            const Fact count_fact{"pixels", static_cast<long long>(count)};
            for (std::size_t offset = 0; offset < 64; ++offset) {
                proof.next({pixel_fact, count_fact, {"offset", static_cast<long long>(offset)}});
                const auto pixels = input.at(offset, pixel_bytes * count);
                fill_random<std::uint8_t>(pixels, seed, 0, 255);
                compare(pixels, pixel_bytes, offset);
            }
            for (const bool end : {false, true}) {
                proof.next({pixel_fact, count_fact, {"page_end", end}});
                const auto pixels = end ? input.against_end(pixel_bytes * count)
                                        : input.against_start(pixel_bytes * count);
                fill_random<std::uint8_t>(pixels, seed, 0, 255);
                compare(pixels, pixel_bytes, count);
            }
        }
    }
}

template <std::size_t kPixelBytes>
double time_row(Fn fn) {
    constexpr std::size_t kPixels = 512;
    static const std::vector<std::uint8_t> pixels(kPixelBytes * kPixels, 77);
    static std::vector<float> planes(3 * kPixels);
    return ns_per_pixel(kPixels, [&] {
        fn(pixels.data(), kPixelBytes, kPixels, kImageNet, planes.data(), planes.data() + kPixels,
           planes.data() + 2 * kPixels);
    });
}

const Registration registered{
    "pack_planar",
    kVariants,
    &prove,
    {{"512 pixels of 3 bytes", &time_row<3>}, {"512 pixels of 4 bytes", &time_row<4>}}};

}  // namespace
}  // namespace ei::check
