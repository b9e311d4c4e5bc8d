#include "kernels/area_rows/area_rows.hpp"

#include <algorithm>
#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace area_rows;

constexpr std::size_t kMost = 1100;
constexpr float kWeights[] = {1.0f, 0.46666667f, 0.0013f, 0.25f};

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<float> row(kMost), before(kMost);
    Output<float> found_sums(kMost, 0xA5), wanted_sums(kMost, 0x5A);
    Output<std::uint8_t> found(kMost, 0xA5), wanted(kMost, 0x5A);

    const auto compare = [&](std::span<float> values, std::span<float> sums, std::size_t shift) {
        const std::size_t count = values.size();
        const float weight = kWeights[shift % 4];
        fill_random<float>(values, static_cast<std::uint32_t>(count + shift), 0, 255.01f);
        // Together no more than 255 and what rounding adds; some sums exactly between two integers.
        for (std::size_t i = 0; i < count; ++i) {
            if (i % 3 == 1) values[i] = static_cast<float>(static_cast<int>(values[i] * 8)) / 8;
            sums[i] = (255 - values[i]) * (1 - weight);
            if (i % 5 == 2) sums[i] = static_cast<float>(static_cast<int>(sums[i] * 2)) / 2;
        }
        // Every use: first or not, kept or rounded, beside or on top of the sums.
        for (const bool first : {false, true}) {
            const float* added = first ? nullptr : sums.data();
            variant(values.data(), weight, count, added,
                    found_sums.prepare(count, shift % 16).data(), nullptr);
            scalar(values.data(), weight, count, added, wanted_sums.prepare(count).data(), nullptr);
            proof.equal("sums", found_sums.elements(), wanted_sums.elements());
            proof.intact("sums", found_sums);
            variant(values.data(), weight, count, added, nullptr,
                    found.prepare(count, shift % 64).data());
            scalar(values.data(), weight, count, added, nullptr, wanted.prepare(count).data());
            proof.equal("bytes", found.elements(), wanted.elements());
            proof.intact("bytes", found);
        }
        const std::span<float> f = found_sums.prepare(count, shift % 16);
        const std::span<float> w = wanted_sums.prepare(count);
        std::copy(sums.begin(), sums.end(), f.begin());
        std::copy(sums.begin(), sums.end(), w.begin());
        variant(values.data(), weight, count, f.data(), f.data(), nullptr);
        scalar(values.data(), weight, count, w.data(), w.data(), nullptr);
        proof.equal("sums in place", found_sums.elements(), wanted_sums.elements());
        proof.intact("sums in place", found_sums);
    };
    for (const std::size_t count : sizes_around_vectors()) {
        const auto fact = [&](const char* place, std::size_t value) {
            proof.next({{"values", static_cast<long long>(count)},
                        {place, static_cast<long long>(value)}});
        };
        fact("page_start", 1);
        compare(row.against_start(count), before.against_start(count), count);
        fact("page_end", 1);
        compare(row.against_end(count), before.against_end(count), count);
        for (std::size_t shift = 0; shift < 16; ++shift) {
            fact("offset", shift);
            compare(row.at(shift, count), before.at((shift + 5) % 16, count), shift);
        }
    }
}

template <bool kRound>
double time_row(Fn fn) {
    constexpr std::size_t kPixels = 512;
    static const std::vector<float> row(4 * kPixels, 77.3f), before(4 * kPixels, 20.2f);
    static std::vector<float> sums(4 * kPixels);
    static std::vector<std::uint8_t> made(4 * kPixels);
    return ns_per_pixel(kPixels, [&] {
        fn(row.data(), 0.4f, 4 * kPixels, before.data(), sums.data(),
           kRound ? made.data() : nullptr);
    });
}

const Registration registered{
    "area_rows",
    kVariants,
    &prove,
    {{"512 pixels, kept", &time_row<false>}, {"512 pixels, rounded", &time_row<true>}}};

}  // namespace
}  // namespace ei::check
