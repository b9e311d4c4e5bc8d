// Any bytes as the state of statistics, and any floats observed in any parts: what is read holds
// together and comes back, and neither parts nor merging change what was counted.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "calib/choose_range.hpp"
#include "calib/state.hpp"
#include "fuzz/draws.hpp"
#include "kernels/channel_moments/channel_moments.hpp"
#include "kernels/count_bins/count_bins.hpp"

namespace ei::fuzz {
namespace {

using namespace calib;

constexpr Method kMethods[] = {Method::minmax, Method::moving_average, Method::percentile,
                               Method::entropy, Method::mse};

TensorStatistics fresh(const TensorStatistics& like) {
    return TensorStatistics(like.channels().size(), like.histogram().most_bins());
}

// What every object of the class keeps, however it was made.
void expect_whole(const TensorStatistics& statistics) {
    const Histogram& histogram = statistics.histogram();
    const auto& counts = histogram.counts();
    const std::uint64_t binned = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    expect(binned + histogram.zeros() == statistics.count(), "every finite value is in one place");
    expect(counts.size() == histogram.grid().bins() && counts.size() <= histogram.most_bins(),
           "no more bins than were asked for");
    for (const Channel& channel : statistics.channels()) {
        expect(channel.count == 0 || std::isfinite(channel.mean()), "means are finite");
        expect(channel.count == 0 || (std::isfinite(channel.variance()) && channel.variance() >= 0),
               "variances are finite");
    }
    for (const Method method : kMethods) {
        try {
            const Range range = choose_range(statistics, method, std::nullopt);
            expect(range.low <= 0 && range.high >= 0, "ranges hold zero");
            expect(range.low >= histogram.low() && range.high <= histogram.high(),
                   "ranges lie within what was seen");
            expect(statistics.count() > 0, "of nothing there is no range");
        } catch (const Error& error) {
            expect(error.kind() == ErrorKind::input && statistics.count() == 0,
                   "where something was seen there is a range");
        }
    }
    const std::vector<std::byte> state = write_state(statistics);
    expect(write_state(read_state(state)) == state, "statistics come back as they were");
    TensorStatistics twice = read_state(state);
    twice.merge(statistics);
    expect(twice.count() == 2 * statistics.count() && twice.samples() == 2 * statistics.samples() &&
               twice.histogram().zeros() == 2 * histogram.zeros(),
           "merging adds up");
}

void hostile(std::span<const std::byte> state) {
    try {
        const TensorStatistics found = read_state(state);
        expect(std::ranges::equal(write_state(found), state), "nothing else was in the bytes");
        if (found.count() + found.samples() + found.not_finite() < kMostCounted / 2) {
            expect_whole(found);
        }
    } catch (const Error& error) {
        expect(error.kind() == ErrorKind::input, "a state is refused as input");
    }
}

bool same(const TensorStatistics& one, const TensorStatistics& other) {
    const Histogram &mine = one.histogram(), &theirs = other.histogram();
    return mine.grid() == theirs.grid() && mine.counts() == theirs.counts() &&
           mine.zeros() == theirs.zeros() && one.not_finite() == other.not_finite() &&
           std::ranges::equal(one.channels(), other.channels(), [](const auto& a, const auto& b) {
               return a.count == b.count && a.low == b.low && a.high == b.high;
           });
}

void expect_variants_equal(std::span<const float> values, const TensorStatistics& seen) {
    const channel_moments::Moments wanted =
        channel_moments::scalar::row(values.data(), values.size());
    for (const auto& variant : channel_moments::kVariants) {
        if (!available(variant, cpu::detected())) continue;
        const auto found = variant.fn(values.data(), values.size());
        expect(std::isfinite(found.squares) == std::isfinite(wanted.squares),
               "variants tell what is not finite");
        if (!std::isfinite(wanted.squares)) continue;
        expect(found.low == wanted.low && found.high == wanted.high && found.sum == wanted.sum &&
                   found.squares == wanted.squares,
               "moments equal scalar");
    }
    if (!std::isfinite(wanted.squares)) return;
    const Grid& grid = seen.histogram().grid();
    const count_bins::Bins bins{grid.per_width(), static_cast<std::int32_t>(grid.negatives),
                                grid.bins() + 1};
    const auto count = [&](count_bins::Fn fn) {
        std::vector<std::uint32_t> tables(count_bins::kTables * bins.slots);
        fn(values.data(), values.size(), bins, tables.data());
        for (std::size_t i = bins.slots; i < tables.size(); ++i) {
            tables[i % bins.slots] += tables[i];
        }
        tables.resize(bins.slots);
        return tables;
    };
    const std::vector<std::uint32_t> scalar = count(&count_bins::scalar::row);
    for (const auto& variant : count_bins::kVariants) {
        if (!available(variant, cpu::detected())) continue;
        expect(count(variant.fn) == scalar, "counts equal scalar");
    }
}

void laws(Draws& draws) {
    constexpr std::size_t kBins[] = {16, 48, 300};  // searches over more take long
    const auto channels = static_cast<std::size_t>(draws.within(1, 5));
    const auto inner = static_cast<std::size_t>(draws.within(1, 20));
    const auto outer = static_cast<std::size_t>(draws.within(1, 12));
    const std::size_t bins = draws.one_of(kBins), group = channels * inner;
    const int pieces = draws.within(1, 4), changes = draws.within(0, 8);
    const bool whole_numbers = draws.coin();
    Draws rest = draws;
    for (int i = 0; i < 2 * (pieces + changes); ++i) rest.raw<std::uint16_t>();
    std::vector<float> values = rest.fill<float>(outer * group);
    if (whole_numbers) {  // not of all magnitudes at once
        const std::vector<std::int8_t> small = rest.fill<std::int8_t>(values.size());
        std::copy(small.begin(), small.end(), values.begin());
    }

    Workspace workspace;
    TensorStatistics whole(channels, bins), parts(channels, bins), merged(channels, bins);
    whole.observe(values, inner, workspace);
    whole.end_sample();
    std::span<const float> left(values);
    for (int i = 0; i < pieces; ++i) {
        const std::size_t groups = left.size() / group;
        const std::size_t taken =
            i + 1 == pieces ? groups : draws.raw<std::uint16_t>() % (groups + 1);
        const auto piece = left.first(taken * group);
        left = left.subspan(piece.size());
        parts.observe(piece, inner, workspace);
        TensorStatistics alone = fresh(whole);
        alone.observe(piece, inner, workspace);
        alone.end_sample();
        merged.merge(alone);
    }
    parts.end_sample();
    expect(same(whole, parts), "parts change nothing");
    expect(same(whole, merged), "merging changes nothing");
    for (const TensorStatistics* one : {&whole, &parts, &merged}) expect_whole(*one);
    expect_variants_equal(values, whole);

    std::vector<std::byte> state = write_state(whole);
    for (int i = 0; i < changes; ++i) {
        const std::size_t at = draws.raw<std::uint16_t>() % state.size();
        state[at] ^= std::byte{draws.raw<std::uint8_t>()};
    }
    hostile(state);
}

}  // namespace
}  // namespace ei::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ei::fuzz;
    Draws draws({data, size});
    if (draws.coin()) {
        laws(draws);
    } else if (size > 0) {
        hostile(std::as_bytes(std::span(data + 1, size - 1)));
    }
    return 0;
}
