#pragma once
// The k best classes of one frame.

#include <cstdint>
#include <span>
#include <vector>

namespace ei::plan {

struct TopClasses {
    std::vector<std::int64_t> indices;
    std::vector<float> scores;
};

// Best first; among equal scores the lower index first. NaN ranks last, behind minus infinity.
//
// With softmax the returned scores are exp(s - max) / sum over all classes, in double, then rounded
// to float. NaN takes no part and has probability 0; where the greatest score is infinite, the
// classes that have it share the 1. The order is that of the scores given, so that classes whose
// probabilities round to the same float keep it.
//
// k above the number of classes gives all of them. Error(input): no scores, k below 1, every score
// NaN, or softmax with no score above minus infinity. O(n log k).
TopClasses classify(std::span<const double> scores, std::int64_t k, bool softmax);

}  // namespace ei::plan
