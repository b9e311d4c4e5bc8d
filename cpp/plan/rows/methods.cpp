#include "plan/rows/methods.hpp"

#include "plan/rows/kept.hpp"

namespace ei::plan {

const Method& method_of(Resize resize) {
    for (const Method& method : kMethods) {
        if (method.resize == resize) return method;
    }
    return kMethods[0];  // not reached: every resize has its line
}

std::unique_ptr<const Resampler> make_resampler(Resize resize, const PlaneSpan& span,
                                                cpu::Features features) {
    if (span.columns.keeps_size() && span.rows.keeps_size()) return kept::make(span);
    return method_of(resize).make(span, features);
}

}  // namespace ei::plan
