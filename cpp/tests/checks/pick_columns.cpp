#include "kernels/pick_columns/pick_columns.hpp"

#include <algorithm>
#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace pick_columns;

constexpr std::size_t kMost = 2100;

// Increasing positions as resizing gives them, with the first and the last pixel among them.
std::vector<std::int32_t> spread(std::size_t width, std::size_t outputs) {
    std::vector<std::int32_t> source;
    for (std::size_t x = 0; x < outputs; ++x) {
        source.push_back(static_cast<std::int32_t>(x * width / outputs));
    }
    source.back() = static_cast<std::int32_t>(width - 1);
    return source;
}

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> memory(4 * kMost);
    Guarded<std::int32_t> positions(kMost);
    Output<std::uint8_t> found(4 * kMost, 0xA5), wanted(4 * kMost, 0x5A);

    const auto compare = [&](std::span<std::uint8_t> row, std::size_t pixel_bytes,
                             const std::vector<std::int32_t>& picked, std::size_t shift) {
        fill_random<std::uint8_t>(row, static_cast<std::uint32_t>(row.size() + shift), 0, 255);
        const std::span<std::int32_t> source = positions.against_end(picked.size());
        std::copy(picked.begin(), picked.end(), source.begin());
        const std::size_t out_bytes = pixel_bytes == 1 ? 1 : 4;
        const std::size_t made = picked.size() * out_bytes;
        variant(row.data(), pixel_bytes, picked.size(), source.data(),
                found.prepare(made, shift % 64).data());
        const std::span<std::uint8_t> expected = wanted.prepare(made);
        scalar(row.data(), pixel_bytes, picked.size(), source.data(), expected.data());
        proof.equal("row", found.elements(), wanted.elements());
        proof.intact("row", found);
        if (variant != scalar) return;
        for (std::size_t i = 0; i < made; ++i) {
            const std::size_t at = static_cast<std::size_t>(picked[i / out_bytes]) * pixel_bytes;
            const bool kept = i % out_bytes < std::min<std::size_t>(pixel_bytes, 3);
            expected[i] = kept ? row[at + i % out_bytes] : std::uint8_t{0};
        }
        proof.equal("scalar", found.elements(), wanted.elements());
    };
    const auto each_place = [&](std::size_t width, std::size_t outputs, bool all_offsets) {
        const std::vector<std::int32_t> picked = spread(width, outputs);
        const std::vector<std::int32_t> backwards(picked.rbegin(), picked.rend());
        for (const std::size_t pixel_bytes : {1u, 2u, 3u, 4u}) {
            const auto fact = [&](const char* place, std::size_t value) {
                proof.next({{"width", static_cast<long long>(width)},
                            {"outputs", static_cast<long long>(outputs)},
                            {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                            {place, static_cast<long long>(value)}});
            };
            const std::size_t bytes = width * pixel_bytes;
            fact("page_start", 1);
            compare(memory.against_start(bytes), pixel_bytes, picked, width);
            fact("page_end", 1);
            compare(memory.against_end(bytes), pixel_bytes, picked, outputs);
            fact("backwards", 1);
            compare(memory.against_end(bytes), pixel_bytes, backwards, outputs);
            for (std::size_t shift = 0; all_offsets && shift < 64; ++shift) {
                fact("offset", shift);
                compare(memory.at(shift, bytes), pixel_bytes, picked, shift);
            }
        }
    };
    for (std::size_t width = 1; width <= 70; ++width) {
        for (const std::size_t outputs :
             {std::size_t{1}, std::size_t{2}, width / 3 + 1, width, 2 * width + 3}) {
            each_place(width, outputs, width % 11 == 0);
        }
    }
    for (std::size_t outputs = 1; outputs <= 130; ++outputs) each_place(97, outputs, false);
    each_place(1920, 512, true);
    each_place(300, 1024, true);
}

template <std::size_t kPixelBytes>
double time_row(Fn fn) {
    constexpr std::size_t kOutputs = 512;
    static const std::vector<std::int32_t> source = spread(1920, kOutputs);
    static const std::vector<std::uint8_t> row(kPixelBytes * 1920, 77);
    static std::vector<std::uint8_t> made(4 * kOutputs);
    return ns_per_pixel(kOutputs,
                        [&] { fn(row.data(), kPixelBytes, kOutputs, source.data(), made.data()); });
}

const Registration registered{"pick_columns",
                              kVariants,
                              &prove,
                              {{"1920 to 512 RGB", &time_row<3>},
                               {"1920 to 512 RGBA", &time_row<4>},
                               {"1920 to 512 gray", &time_row<1>}}};

}  // namespace
}  // namespace ei::check
