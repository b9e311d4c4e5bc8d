#pragma once
// All that is kept of one tensor over a calibration: enough for every method to choose a range.
//
// Memory: 8 bytes for each of `bins`, 32 for each channel, whatever the amount of data.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calib/histogram.hpp"
#include "calib/moments.hpp"

namespace ei::calib {

// More values, or samples, than any calibration counts. Sums of as many never overflow, and neither
// do those of two of them, so that merging can refuse what goes beyond.
inline constexpr std::uint64_t kMostCounted = std::uint64_t{1} << 48;

// Least and greatest value of every sample, added up; their mean does not depend on the order of
// the samples, as an exponential average would.
struct SampleExtremes {
    std::uint64_t samples = 0;  // with finite values
    double low = 0, high = 0;
};

class TensorStatistics {
  public:
    // Error(input) for no channel, or for bins beyond kLeastBins to kMostBins.
    TensorStatistics(std::size_t channels, std::size_t bins);

    // Values [outer][channel][inner] of one sample, or of a part of it. Error(input) where `values`
    // are no whole number of outer groups. Cost: two passes, block by block in cache.
    void observe(std::span<const float> values, std::size_t inner, Workspace& workspace);
    // Error(input) where nothing was observed since the last.
    void end_sample();
    // Error(input) for other channels or bins, a sample that is not ended on either side, or more
    // than kMostCounted of anything; nothing is changed then.
    void merge(const TensorStatistics& other);

    std::uint64_t samples() const noexcept { return samples_; }
    bool in_sample() const noexcept { return in_sample_; }
    std::uint64_t count() const noexcept;  // finite values
    std::uint64_t not_finite() const noexcept { return not_finite_; }
    const Histogram& histogram() const noexcept { return histogram_; }
    const std::vector<Channel>& channels() const noexcept { return channels_; }
    const SampleExtremes& extremes() const noexcept { return extremes_; }
    // Error(input) where no finite value was observed.
    float low() const;
    float high() const;

    // Raises what low() and high() raise.
    void expect_observed() const;

  private:
    friend class StateReader;
    TensorStatistics(Histogram histogram, std::vector<Channel> channels, SampleExtremes extremes,
                     std::uint64_t samples, std::uint64_t not_finite);
    void fill(std::span<const float> values, const Added& added, Workspace& workspace);

    Histogram histogram_;
    std::vector<Channel> channels_;
    SampleExtremes extremes_;
    std::uint64_t samples_ = 0, not_finite_ = 0;
    bool in_sample_ = false;
    float sample_low_, sample_high_;  // of the sample that is not ended
};

}  // namespace ei::calib
