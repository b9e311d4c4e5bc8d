#include "base/element_type.hpp"

#include <array>

namespace ei {
namespace {

struct Row {
    const char* name;
    int bits;
};

constexpr std::array<Row, 23> kRows = {{
    {"unknown", 0},
    {"float32", 32},
    {"uint8", 8},
    {"int8", 8},
    {"uint16", 16},
    {"int16", 16},
    {"int32", 32},
    {"int64", 64},
    {"string", 0},
    {"bool", 8},
    {"float16", 16},
    {"float64", 64},
    {"uint32", 32},
    {"uint64", 64},
    {"complex64", 64},
    {"complex128", 128},
    {"bfloat16", 16},
    {"float8_e4m3fn", 8},
    {"float8_e4m3fnuz", 8},
    {"float8_e5m2", 8},
    {"float8_e5m2fnuz", 8},
    {"uint4", 4},
    {"int4", 4},
}};

const Row& row_of(ElementType type) noexcept {
    const auto index = static_cast<std::size_t>(type);
    return index < kRows.size() ? kRows[index] : kRows[0];
}

}  // namespace

const char* name_of(ElementType type) noexcept {
    return row_of(type).name;
}

int bits_of(ElementType type) noexcept {
    return row_of(type).bits;
}

std::size_t bytes_of(ElementType type, std::size_t elements) noexcept {
    const auto bits = static_cast<std::size_t>(bits_of(type));
    return bits < 8 ? (elements * bits + 7) / 8 : elements * (bits / 8);
}

}  // namespace ei
