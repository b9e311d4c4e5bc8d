#include "plan/rows/cv2_area_axis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/average_boxes/average_boxes.hpp"

namespace ei::plan::cv2_area {
namespace {

// The ratio is inverted twice, as OpenCV does: source / target can differ in the last bit, and
// that bit decides which way applies.
double ratio_of(const AxisSpan& span) {
    return 1.0 / (static_cast<double>(span.target) / span.source);
}

bool is_integer(double ratio) {
    return std::abs(ratio - std::nearbyint(ratio)) < std::numeric_limits<double>::epsilon();
}

// Pixels of which less than this is covered take no part.
constexpr double kLeastCover = 1e-3;

}  // namespace

Way way(const AxisSpan& columns, const AxisSpan& rows) noexcept {
    const double across = ratio_of(columns);
    const double down = ratio_of(rows);
    if (across < 1 || down < 1) return Way::lerp;
    if (!is_integer(across) || !is_integer(down)) return Way::weights;
    if (across == 2 && down == 2) return Way::halve;
    // The sums of larger boxes would not fit 32 bits, and do not in OpenCV.
    const bool fits = across * down <= static_cast<double>(average_boxes::kMostPixels);
    return fits ? Way::boxes : Way::weights;
}

Axis::Axis(const AxisSpan& span) {
    const double ratio = ratio_of(span);
    std::vector<float> packed;
    for (int x = span.first; x < span.first + span.count; ++x) {
        const double begin = x * ratio;
        const double end = begin + ratio;
        const double covered = std::min(ratio, span.source - begin);
        const int last = std::min(static_cast<int>(std::floor(end)), span.source - 1);
        const int whole = std::min(static_cast<int>(std::ceil(begin)), last);
        const std::size_t before = packed.size();
        const bool first_in_part = whole - begin > kLeastCover;
        if (first_in_part) packed.push_back(static_cast<float>((whole - begin) / covered));
        packed.insert(packed.end(), static_cast<std::size_t>(last - whole),
                      static_cast<float>(1.0 / covered));
        if (end - last > kLeastCover) {
            const double part = std::min({end - last, 1.0, covered});
            packed.push_back(static_cast<float>(part / covered));
        }
        first_.push_back(first_in_part ? whole - 1 : whole);
        count_.push_back(static_cast<std::int32_t>(packed.size() - before));
        padded_ = std::max(padded_, packed.size() - before);
    }
    weights_.assign(first_.size() * padded_, 0.0f);
    const float* from = packed.data();
    for (std::size_t x = 0; x < first_.size(); ++x) {
        const auto count = static_cast<std::size_t>(count_[x]);
        std::copy_n(from, count, weights_.data() + x * padded_);
        from += count;
    }
}

}  // namespace ei::plan::cv2_area
