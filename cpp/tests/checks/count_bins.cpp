#include "kernels/count_bins/count_bins.hpp"

#include <algorithm>
#include <cmath>

#include "tests/places.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace count_bins;

constexpr std::size_t kMost = 1100;
constexpr std::size_t kMostSlots = 2049;

struct Case {
    int exponent;  // width = 2^exponent
    std::size_t negatives, positives;
};
constexpr Case kCases[] = {{-8, 1000, 1048}, {0, 0, 2048}, {3, 2048, 0}, {-126, 700, 13},
                           {117, 8, 8},      {-3, 1, 1},   {-20, 0, 0}};

void fill(std::span<float> values, const Case& one, std::size_t shift) {
    const float width = std::ldexp(1.0f, one.exponent);
    const auto seed = static_cast<std::uint32_t>(values.size() + 7 * shift);
    fill_random<float>(values, seed, -static_cast<float>(one.negatives),
                       static_cast<float>(one.positives));
    for (std::size_t i = 0; i < values.size(); ++i) {
        float& value = values[i];
        if (i % 5 == shift % 5) value = std::trunc(value);  // an edge
        if (i % 3 == shift % 3 && shift % 2 == 0) value = i % 2 == 0 ? 0.0f : -0.0f;
        if (i % 11 == 1) value *= 1e-38f;  // lost in the multiplication
        // The far edge belongs to no bin.
        value = std::min(value, std::nextafter(static_cast<float>(one.positives), 0.0f));
        value = std::max(value, std::nextafter(-static_cast<float>(one.negatives), 0.0f));
        value *= width;
        if (one.positives == 0) value = std::min(value, 0.0f);
        if (one.negatives == 0) value = std::max(value, 0.0f);
    }
}

// The sums over the tables, in the first of them.
std::span<std::uint32_t> added(std::span<std::uint32_t> tables, std::size_t slots) {
    for (std::size_t i = slots; i < tables.size(); ++i) tables[i % slots] += tables[i];
    return tables.first(slots);
}

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<float> input(kMost);
    Output<std::uint32_t> found(kTables * kMostSlots, 0xA5), wanted(kTables * kMostSlots, 0x5A);
    const auto compare = [&](std::span<float> values, std::size_t shift) {
        const Case& one = kCases[shift % std::size(kCases)];
        const Bins bins{std::ldexp(1.0f, -one.exponent), static_cast<std::int32_t>(one.negatives),
                        one.negatives + one.positives + 1};
        fill(values, one, shift);
        const auto f = found.prepare(kTables * bins.slots, shift % 16);
        const auto w = wanted.prepare(kTables * bins.slots);
        std::fill(f.begin(), f.end(), 0);
        std::fill(w.begin(), w.end(), 0);
        variant(values.data(), values.size(), bins, f.data());
        scalar(values.data(), values.size(), bins, w.data());
        proof.equal("counts", added(f, bins.slots), added(w, bins.slots));
        proof.intact("counts", found);
        if (variant != scalar) return;
        std::fill(w.begin(), w.end(), 0);
        for (const float value : values) {
            const double place = std::fabs(value) / std::ldexp(1.0, one.exponent);
            const auto bin = static_cast<std::size_t>(place);
            ++w[value == 0  ? bins.slots - 1
                : value < 0 ? one.negatives - 1 - bin
                            : one.negatives + bin];
        }
        proof.equal("scalar", f.first(bins.slots), w.first(bins.slots));
    };
    for (const std::size_t count : sizes_around_vectors()) {
        for (const Place& place : places(count, 28)) {
            proof.next({{"values", static_cast<long long>(count)}, place.fact()});
            compare(place.of(input, count), place.shift);
        }
    }
}

// Half of the values zero, as behind a ReLU, or none.
template <bool kZeros>
double time_row(Fn fn) {
    constexpr std::size_t kCount = 12544, kSlots = 1601;
    static std::vector<std::uint32_t> tables(kTables * kSlots);
    static const std::vector<float> values = [] {
        std::vector<float> made(kCount);
        std::mt19937 bits(3);
        std::normal_distribution<float> draw(0, 100);
        for (float& value : made) {
            value = std::clamp(draw(bits), kZeros ? 0.0f : -399.0f, 399.0f);
        }
        return made;
    }();
    return ns_per_pixel(kCount,
                        [&] { fn(values.data(), kCount, {2.0f, 800, kSlots}, tables.data()); });
}

const Registration registered{
    "count_bins",
    kVariants,
    &prove,
    {{"12544 values, half zero", &time_row<true>}, {"12544 values", &time_row<false>}}};

}  // namespace
}  // namespace ei::check
