#include "calib/tensor_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"

namespace ei::calib {
namespace {

// The second pass should find what the first one read in a cache of a core's own.
constexpr std::size_t kBlock = std::size_t{1} << 16;  // values
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::size_t checked_bins(std::size_t bins) {
    if (bins >= kLeastBins && bins <= kMostBins) return bins;
    throw Error(ErrorKind::input, "bins: found " + std::to_string(bins) + ", wanted " +
                                      std::to_string(kLeastBins) + " to " +
                                      std::to_string(kMostBins));
}

}  // namespace

TensorStatistics::TensorStatistics(std::size_t channels, std::size_t bins)
    : histogram_(checked_bins(bins)), sample_low_(kInfinity), sample_high_(-kInfinity) {
    if (channels == 0) {
        throw Error(ErrorKind::input, "channels: found 0, wanted 1 or more");
    }
    channels_.resize(channels);
}

TensorStatistics::TensorStatistics(Histogram histogram, std::vector<Channel> channels,
                                   SampleExtremes extremes, std::uint64_t samples,
                                   std::uint64_t not_finite)
    : histogram_(std::move(histogram)),
      channels_(std::move(channels)),
      extremes_(extremes),
      samples_(samples),
      not_finite_(not_finite),
      sample_low_(kInfinity),
      sample_high_(-kInfinity) {}

void TensorStatistics::fill(std::span<const float> values, const Added& added,
                            Workspace& workspace) {
    not_finite_ += added.not_finite;
    if (added.low > added.high) return;
    const float low = std::min(added.low, 0.0f), high = std::max(added.high, 0.0f);
    sample_low_ = std::min(sample_low_, added.low);
    sample_high_ = std::max(sample_high_, added.high);
    if (added.not_finite == 0) return histogram_.observe(values, low, high, workspace);
    std::array<float, 1024> kept;
    while (!values.empty()) {
        const auto part = values.first(std::min(values.size(), kept.size()));
        values = values.subspan(part.size());
        const auto end = std::copy_if(part.begin(), part.end(), kept.begin(),
                                      [](float value) { return std::isfinite(value); });
        histogram_.observe({kept.begin(), end}, low, high, workspace);
    }
}

void TensorStatistics::observe(std::span<const float> values, std::size_t inner,
                               Workspace& workspace) {
    const std::size_t group = inner * channels_.size();
    if (group == 0 ? !values.empty() : values.size() % group != 0) {
        throw Error(ErrorKind::input, "values: found " + std::to_string(values.size()) +
                                          ", wanted a multiple of the " +
                                          std::to_string(channels_.size()) + " channels");
    }
    in_sample_ = true;
    // One channel is one row, which may be cut anywhere.
    const std::size_t row = channels_.size() == 1 ? kBlock : inner;
    const std::size_t rows = std::max<std::size_t>(kBlock / std::max<std::size_t>(row, 1), 1);
    for (std::size_t done = 0, channel = 0; done < values.size();) {
        const auto block = values.subspan(done, std::min(rows * row, values.size() - done));
        fill(block, add_rows(block, row, channel, channels_), workspace);
        done += block.size();
        channel = (channel + rows) % channels_.size();
    }
}

void TensorStatistics::end_sample() {
    if (!in_sample_) {
        throw Error(ErrorKind::input,
                    "end_sample: found nothing observed since the last sample, "
                    "wanted observe() before it");
    }
    in_sample_ = false;
    ++samples_;
    if (sample_low_ <= sample_high_) {
        ++extremes_.samples;
        extremes_.low += sample_low_;
        extremes_.high += sample_high_;
    }
    sample_low_ = kInfinity;
    sample_high_ = -kInfinity;
}

void TensorStatistics::merge(const TensorStatistics& other) {
    if (in_sample_ || other.in_sample_) {
        throw Error(ErrorKind::input,
                    "merge: found a sample that is not ended; call end_sample() first");
    }
    const auto differ = [](const char* what, std::size_t found, std::size_t wanted) {
        return Error(ErrorKind::input, "merge: found statistics of " + std::to_string(found) + " " +
                                           what + ", wanted " + std::to_string(wanted));
    };
    if (other.channels_.size() != channels_.size()) {
        throw differ("channels", other.channels_.size(), channels_.size());
    }
    if (other.histogram_.most_bins() != histogram_.most_bins()) {
        throw differ("bins", other.histogram_.most_bins(), histogram_.most_bins());
    }
    if (std::max({count() + other.count(), samples_ + other.samples_,
                  not_finite_ + other.not_finite_}) > kMostCounted) {
        throw Error(ErrorKind::input, "merge: found more than 2^48 values, wanted fewer");
    }
    histogram_.merge(other.histogram_);
    for (std::size_t i = 0; i < channels_.size(); ++i) channels_[i].add(other.channels_[i]);
    extremes_.samples += other.extremes_.samples;
    extremes_.low += other.extremes_.low;
    extremes_.high += other.extremes_.high;
    samples_ += other.samples_;
    not_finite_ += other.not_finite_;
}

std::uint64_t TensorStatistics::count() const noexcept {
    std::uint64_t sum = 0;
    for (const Channel& channel : channels_) sum += channel.count;
    return sum;
}

void TensorStatistics::expect_observed() const {
    if (count() > 0) return;
    throw Error(ErrorKind::input,
                not_finite_ == 0
                    ? "statistics: found no value observed, wanted one or more; run samples first"
                    : "statistics: found only values that are NaN or infinite (" +
                          std::to_string(not_finite_) + "), wanted finite ones");
}

float TensorStatistics::low() const {
    expect_observed();
    float low = kInfinity;
    for (const Channel& channel : channels_) low = std::min(low, channel.low);
    return low;
}

float TensorStatistics::high() const {
    expect_observed();
    float high = -kInfinity;
    for (const Channel& channel : channels_) high = std::max(high, channel.high);
    return high;
}

}  // namespace ei::calib
