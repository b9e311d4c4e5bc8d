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
    Guarded<std::uint8_t> input(3 * kCapacity);
    Output<float> found[3] = {{kCapacity, 0xA5}, {kCapacity, 0xA5}, {kCapacity, 0xA5}};
    Output<float> wanted[3] = {{kCapacity, 0x5A}, {kCapacity, 0x5A}, {kCapacity, 0x5A}};

    const auto compare = [&](std::span<const std::uint8_t> pixels, std::size_t offset) {
        const std::size_t count = pixels.size() / 3;
        float* f[3];
        float* w[3];
        for (std::size_t c = 0; c < 3; ++c) {
            f[c] = found[c].prepare(count, (offset + 5 * c) % 16).data();
            w[c] = wanted[c].prepare(count).data();
        }
        variant(pixels.data(), count, kImageNet, f[0], f[1], f[2]);
        scalar(pixels.data(), count, kImageNet, w[0], w[1], w[2]);
        for (std::size_t c = 0; c < 3; ++c) {
            proof.equal("plane", found[c].elements(), wanted[c].elements());
            proof.intact("plane", found[c]);
        }
    };

    for (const std::size_t count : sizes_around_vectors()) {
        const auto seed = static_cast<std::uint32_t>(count);
        for (std::size_t offset = 0; offset < 64; ++offset) {
            proof.next({{"pixels", static_cast<long long>(count)},
                        {"offset", static_cast<long long>(offset)}});
            const auto pixels = input.at(offset, 3 * count);
            fill_random<std::uint8_t>(pixels, seed, 0, 255);
            compare(pixels, offset);
        }
        for (const bool end : {false, true}) {
            proof.next({{"pixels", static_cast<long long>(count)}, {"page_end", end}});
            const auto pixels = end ? input.against_end(3 * count) : input.against_start(3 * count);
            fill_random<std::uint8_t>(pixels, seed, 0, 255);
            compare(pixels, count);
        }
    }
}

double time_row(Fn fn) {
    constexpr std::size_t kPixels = 512;
    static const std::vector<std::uint8_t> pixels(3 * kPixels, 77);
    static std::vector<float> planes(3 * kPixels);
    return ns_per_pixel(kPixels, [&] {
        fn(pixels.data(), kPixels, kImageNet, planes.data(), planes.data() + kPixels,
           planes.data() + 2 * kPixels);
    });
}

const Registration registered{"pack_planar", kVariants, &prove, {{"512 pixels", &time_row}}};

}  // namespace
}  // namespace ei::check
