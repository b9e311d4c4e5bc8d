#pragma once
// Class ids that a graph's own ArgMax left, as a mask: narrowed to 8 or 16 bits, and counted.

#include <cstddef>
#include <cstdint>

#include "base/element_type.hpp"

namespace ei::plan {

class ClassMap {
  public:
    // ids: `pixels` integers of `type` (any integer type of 8 to 64 bits). Error(input) when an id
    // is below 0 or above 65535, or the type holds no class ids.
    ClassMap(const void* ids, ElementType type, std::size_t pixels);

    int classes() const noexcept { return most_ + 1; }
    bool wide() const noexcept { return most_ > 255; }
    std::size_t bytes() const noexcept { return pixels_ * (wide() ? 2 : 1); }

    // mask: bytes(); areas: classes() counts of pixels.
    void write(void* mask, std::int64_t* areas) const;

  private:
    const void* ids_;
    ElementType type_;
    std::size_t pixels_;
    int most_ = 0;
};

}  // namespace ei::plan
