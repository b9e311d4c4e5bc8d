#include "kernels/lerp_rows/lerp_rows.hpp"

#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace lerp_rows;

constexpr std::size_t kMost = 4200;
constexpr std::int16_t kTop = 32656;  // what lerp_columns gives at most

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::int16_t> upper(kMost), lower(kMost);
    Output<std::uint8_t> found(kMost, 0xA5), wanted(kMost, 0x5A);
    constexpr std::int16_t kWeights[][2] = {{2048, 0},    {0, 2048}, {1024, 1024},
                                            {1025, 1024}, {1, 2047}, {777, 1271}};

    const auto compare = [&](std::span<std::int16_t> above, std::span<std::int16_t> below,
                             std::size_t shift) {
        const auto seed = static_cast<std::uint32_t>(above.size() + shift);
        fill_random<std::int16_t>(above, seed, 0, kTop);
        fill_random<std::int16_t>(below, seed + 1, 0, kTop);
        if (above.size() > 2) above[1] = below[1] = kTop;
        const std::int16_t* weights = kWeights[shift % 6];
        const std::size_t count = above.size();
        variant(above.data(), below.data(), weights[0], weights[1], count,
                found.prepare(count, shift % 64).data());
        scalar(above.data(), below.data(), weights[0], weights[1], count,
               wanted.prepare(count).data());
        proof.equal("row", found.elements(), wanted.elements());
        proof.intact("row", found);
        variant(above.data(), above.data(), weights[0], weights[1], count,
                found.prepare(count, shift % 64).data());
        scalar(above.data(), above.data(), weights[0], weights[1], count,
               wanted.prepare(count).data());
        proof.equal("one row twice", found.elements(), wanted.elements());
    };
    for (const std::size_t count : sizes_around_vectors()) {
        const auto fact = [&](const char* place, std::size_t value) {
            proof.next({{"values", static_cast<long long>(count)},
                        {place, static_cast<long long>(value)}});
        };
        fact("page_start", 1);
        compare(upper.against_start(count), lower.against_start(count), count);
        fact("page_end", 1);
        compare(upper.against_end(count), lower.against_end(count), count + 1);
        for (std::size_t shift = 0; shift < 64; ++shift) {
            fact("offset", shift);
            compare(upper.at(shift, count), lower.at((shift + 9) % 64, count), shift);
        }
    }
}

double time_row(Fn fn) {
    constexpr std::size_t kPixels = 512;
    static const std::vector<std::int16_t> rows(8 * kPixels, 12345);
    static std::vector<std::uint8_t> made(4 * kPixels);
    return ns_per_pixel(kPixels, [&] {
        fn(rows.data(), rows.data() + 4 * kPixels, 700, 1348, 4 * kPixels, made.data());
    });
}

const Registration registered{"lerp_rows", kVariants, &prove, {{"512 pixels of 4", &time_row}}};

}  // namespace
}  // namespace ei::check
