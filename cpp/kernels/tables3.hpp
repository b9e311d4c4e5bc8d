#pragma once
// One table of 256 bytes for each of three channels, shared by the operations that make bytes of
// bytes.

#include <cstdint>

namespace ei {

struct Tables3 {
    std::uint8_t of[3][256];
    // Whoever fills the tables may promise that only_flips() holds; variants then look nothing up.
    bool flips = false;
};

// Every table is v ^ k for one k: the bytes themselves (k = 0), or less 128 (k = 128).
constexpr bool only_flips(const Tables3& tables) noexcept {
    for (const auto& table : tables.of) {
        for (int v = 0; v < 256; ++v) {
            if (table[v] != (v ^ tables.of[0][0])) return false;
        }
    }
    return true;
}

}  // namespace ei
