#include "ort/shrinking.hpp"

#include <algorithm>

namespace ei::ort {

bool Shrinking::due(std::int64_t elements) noexcept {
    if (elements > largest_ / 2) {
        largest_ = std::max(largest_.load(), elements);
        small_ = 0;
        recent_ = 0;
        return false;
    }
    recent_ = std::max(recent_.load(), elements);
    if (++small_ < kRunsBefore) return false;
    largest_ = recent_.load();
    small_ = 0;
    recent_ = 0;
    return true;
}

}  // namespace ei::ort
