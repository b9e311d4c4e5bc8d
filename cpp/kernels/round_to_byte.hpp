#pragma once
// Shared by the operations that leave float32 for bytes.

#include <bit>
#include <cstdint>

namespace ei {

// To the nearest integer, ties to even, then into 0..255, for values within +-2^22. Adding
// 1.5 * 2^23 leaves no bits below the point, so the sum is rounded and its low bits are the
// integer; unlike std::nearbyint this vectorises everywhere.
inline std::uint8_t round_to_byte(float value) noexcept {
    constexpr float kShift = 12582912.0f;
    const std::int32_t rounded =
        std::bit_cast<std::int32_t>(value + kShift) - std::bit_cast<std::int32_t>(kShift);
    return static_cast<std::uint8_t>(rounded < 0 ? 0 : rounded > 255 ? 255 : rounded);
}

}  // namespace ei
