#pragma once
// The value that a logit enters the arithmetic with.

#include "kernels/upsample_argmax/upsample_argmax.hpp"

namespace ei::upsample_argmax {

template <class In>
inline float limited(In logit) noexcept {
    const auto value = static_cast<float>(logit);
    // Written so that NaN fails the first comparison and becomes the lower limit.
    const float raised = value > -kLimit ? value : -kLimit;
    return raised < kLimit ? raised : kLimit;
}

}  // namespace ei::upsample_argmax
