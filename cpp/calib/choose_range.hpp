#pragma once
// From what was observed to the range that is quantised. Every method finishes from the same state,
// so one calibration serves them all.
//
// Each range holds zero, since every quantiser in use needs it; no range reaches beyond what was
// observed. All but the first two look at the histogram alone, and so are exact to one bin.

#include <optional>

#include "calib/tensor_statistics.hpp"

namespace ei::calib {

enum class Method {
    minmax,          // all that was seen
    moving_average,  // mean over samples of each sample's own extremes
    percentile,      // all but a share of the values at each end; parameter: 50 < per cent <= 100
    entropy,         // least Kullback-Leibler divergence of the quantised distribution
    mse,             // least mean square of rounding and clipping
};

inline constexpr double kDefaultPercentile = 99.99;
// Of entropy and mse the parameter is how many levels the quantiser has, a whole number.
inline constexpr double kDefaultLevels = 256, kLeastLevels = 4, kMostLevels = 65536;

struct Range {
    float low, high;  // low <= 0 <= high
};

// Error(input) where nothing was observed, or for a parameter beyond its limits, or one that the
// method does not take. Cost: O(bins) for the first three; some 500 sums over the levels for
// entropy and 250 over the bins for mse, milliseconds with 2,048 bins.
Range choose_range(const TensorStatistics& statistics, Method method,
                   std::optional<double> parameter);

// The searches, each over a histogram that holds more than zeros.
//
// Entropy: of windows [-t, t] (cut to what was seen), t a whole number of bins, the one whose
// histogram, once its bins are joined to `levels` groups and spread evenly over those of a group
// that were not empty, diverges least from the original with all that is clipped added to the
// outermost bins. The idea is TensorRT's (S. Migacz, GTC 2017). Exact zeros are left out: every
// quantiser holds them exactly. Of equal windows the widest is taken.
Range least_divergence(const Histogram& histogram, std::size_t levels);

// Mean square: low and high are searched in turn over fractions of the extremes. The error of a
// candidate is exact for values spread evenly within each bin, with the zero point rounded as a
// quantiser rounds it; exact zeros cost nothing.
Range least_square_error(const Histogram& histogram, std::size_t levels);

}  // namespace ei::calib
