#pragma once
// One table of 256 bytes for each of three channels, shared by the operations that make bytes of
// bytes.

#include <cstdint>

namespace ei {

struct Tables3 {
    std::uint8_t of[3][256];
};

}  // namespace ei
