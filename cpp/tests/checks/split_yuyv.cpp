#include "kernels/split_yuyv/split_yuyv.hpp"

#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace split_yuyv;

constexpr std::size_t kMost = 1100;

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> input(4 * kMost);
    Output<std::uint8_t> luma(2 * kMost, 0xA5), chroma(2 * kMost, 0xA5);
    Output<std::uint8_t> wanted_luma(2 * kMost, 0x5A), wanted_chroma(2 * kMost, 0x5A);

    const auto compare = [&](std::span<std::uint8_t> yuyv, std::size_t shift) {
        const std::size_t pairs = yuyv.size() / 4;
        fill_random<std::uint8_t>(yuyv, static_cast<std::uint32_t>(pairs + shift), 0, 255);
        variant(yuyv.data(), pairs, luma.prepare(2 * pairs, shift % 64).data(),
                chroma.prepare(2 * pairs, (shift + 9) % 64).data());
        const std::span<std::uint8_t> y = wanted_luma.prepare(2 * pairs);
        const std::span<std::uint8_t> uv = wanted_chroma.prepare(2 * pairs);
        scalar(yuyv.data(), pairs, y.data(), uv.data());
        proof.equal("luma", luma.elements(), wanted_luma.elements());
        proof.equal("chroma", chroma.elements(), wanted_chroma.elements());
        proof.intact("luma", luma);
        proof.intact("chroma", chroma);
        if (variant != scalar) return;
        for (std::size_t pair = 0; pair < pairs; ++pair) {
            y[2 * pair] = yuyv[4 * pair];
            uv[2 * pair] = yuyv[4 * pair + 1];
            y[2 * pair + 1] = yuyv[4 * pair + 2];
            uv[2 * pair + 1] = yuyv[4 * pair + 3];
        }
        proof.equal("scalar luma", luma.elements(), wanted_luma.elements());
        proof.equal("scalar chroma", chroma.elements(), wanted_chroma.elements());
    };
    for (const std::size_t pairs : sizes_around_vectors()) {
        const auto fact = [&](const char* place, std::size_t value) {
            proof.next(
                {{"pairs", static_cast<long long>(pairs)}, {place, static_cast<long long>(value)}});
        };
        fact("page_start", 1);
        compare(input.against_start(4 * pairs), pairs);
        fact("page_end", 1);
        compare(input.against_end(4 * pairs), pairs);
        for (std::size_t shift = 0; shift < 64; ++shift) {
            fact("offset", shift);
            compare(input.at(shift, 4 * pairs), shift);
        }
    }
}

double time_row(Fn fn) {
    constexpr std::size_t kPairs = 640;
    static const std::vector<std::uint8_t> yuyv(4 * kPairs, 77);
    static std::vector<std::uint8_t> made(4 * kPairs);
    return ns_per_pixel(2 * kPairs,
                        [&] { fn(yuyv.data(), kPairs, made.data(), made.data() + 2 * kPairs); });
}

const Registration registered{"split_yuyv", kVariants, &prove, {{"1280 pixels", &time_row}}};

}  // namespace
}  // namespace ei::check
