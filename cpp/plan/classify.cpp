#include "plan/classify.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>

#include "base/error.hpp"

namespace ei::plan {
namespace {

// exp(score - greatest), safe where both are infinite.
double share(double score, double greatest) {
    if (std::isnan(score)) return 0.0;
    return score == greatest ? 1.0 : std::exp(score - greatest);
}

}  // namespace

TopClasses classify(std::span<const double> scores, std::int64_t k, bool softmax) {
    if (scores.empty()) {
        throw Error(ErrorKind::input, "classify: found no scores, wanted at least one class");
    }
    if (k < 1) {
        throw Error(ErrorKind::input,
                    "classify: found k = " + std::to_string(k) + ", wanted at least 1");
    }
    std::vector<std::int64_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    const auto score_of = [&](std::int64_t i) { return scores[static_cast<std::size_t>(i)]; };
    const auto better = [&](std::int64_t a, std::int64_t b) {
        const double left = score_of(a);
        const double right = score_of(b);
        if (std::isnan(left) != std::isnan(right)) return std::isnan(right);
        if (left != right && !std::isnan(left)) return left > right;
        return a < b;
    };
    const auto count = static_cast<std::ptrdiff_t>(
        std::min<std::int64_t>(k, static_cast<std::int64_t>(scores.size())));
    std::partial_sort(order.begin(), order.begin() + count, order.end(), better);
    order.resize(static_cast<std::size_t>(count));

    const double greatest = score_of(order.front());
    if (std::isnan(greatest)) {
        throw Error(ErrorKind::input,
                    "classify: every score is NaN, wanted numbers; check the model's input for "
                    "NaN and its preprocessing");
    }
    double total = 1.0;
    if (softmax) {
        if (greatest == -std::numeric_limits<double>::infinity()) {
            throw Error(ErrorKind::input,
                        "classify: no score is above minus infinity, so softmax has no answer; "
                        "wanted at least one finite score, or softmax=False");
        }
        total = 0.0;
        for (const double score : scores) total += share(score, greatest);
    }
    TopClasses top;
    top.scores.reserve(order.size());
    for (const std::int64_t i : order) {
        const double score = score_of(i);
        top.scores.push_back(static_cast<float>(softmax ? share(score, greatest) / total : score));
    }
    top.indices = std::move(order);
    return top;
}

}  // namespace ei::plan
