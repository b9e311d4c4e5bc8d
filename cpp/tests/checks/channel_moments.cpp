#include "kernels/channel_moments/channel_moments.hpp"

#include <cmath>
#include <limits>

#include "tests/places.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace channel_moments;

constexpr std::size_t kMost = 1100;
constexpr float kNotFinite[] = {std::numeric_limits<float>::quiet_NaN(),
                                std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity()};

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<float> input(kMost);
    const auto compare = [&](std::span<float> values, std::size_t shift) {
        const auto seed = static_cast<std::uint32_t>(values.size() + shift);
        fill_random<float>(values, seed, shift % 3 == 0 ? 0.0f : -3.0f,
                           shift % 5 == 0 ? 0.0f : 7.0f);
        // Magnitudes far apart, and zeros of both signs.
        if (shift % 4 == 1) values[shift % values.size()] = 3.4e38f;
        if (shift % 4 == 2) values[seed % values.size()] *= 1e-42f;
        if (shift % 7 == 3) values[seed % values.size()] = -0.0f;
        Moments found = variant(values.data(), values.size());
        Moments wanted = scalar(values.data(), values.size());
        proof.equal("low", std::span(&found.low, 1), std::span(&wanted.low, 1));
        proof.equal("high", std::span(&found.high, 1), std::span(&wanted.high, 1));
        proof.equal("sum", std::span(&found.sum, 1), std::span(&wanted.sum, 1));
        proof.equal("squares", std::span(&found.squares, 1), std::span(&wanted.squares, 1));
        proof.expect(std::isfinite(found.squares), "finite values were told as not finite");
        if (variant == scalar) {
            double sum = 0, squares = 0, magnitudes = 0;
            for (const float value : values) {
                sum += value;
                squares += double{value} * value;
                magnitudes += std::fabs(value);
            }
            proof.expect(std::fabs(found.sum - sum) <= 1e-13 * magnitudes, "the sum is wrong");
            proof.expect(std::fabs(found.squares - squares) <= 1e-13 * squares,
                         "the sum of squares is wrong");
        }
        const float kept = values[seed % values.size()];
        values[seed % values.size()] = kNotFinite[shift % 3];
        proof.expect(!std::isfinite(variant(values.data(), values.size()).squares),
                     "a value that is not finite was not told");
        values[seed % values.size()] = kept;
    };
    for (const std::size_t count : sizes_around_vectors()) {
        for (const Place& place : places(count, 32)) {
            proof.next({{"values", static_cast<long long>(count)}, place.fact()});
            compare(place.of(input, count), place.shift);
        }
    }
}

template <std::size_t kCount>
double time_row(Fn fn) {
    static const std::vector<float> values(kCount, 1.5f);
    static std::vector<Moments> made(1);
    return ns_per_pixel(kCount, [&] { made[0] = fn(values.data(), kCount); });
}

const Registration registered{"channel_moments",
                              kVariants,
                              &prove,
                              {{"49 values", &time_row<49>}, {"12544 values", &time_row<12544>}}};

}  // namespace
}  // namespace ei::check
