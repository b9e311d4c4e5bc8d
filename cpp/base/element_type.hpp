#pragma once
// Element types of tensors, numbered as ONNX numbers them (onnx TensorProto.DataType).

#include <cstddef>
#include <cstdint>

namespace ei {

enum class ElementType : std::int32_t {
    undefined = 0,
    float32 = 1,
    uint8 = 2,
    int8 = 3,
    uint16 = 4,
    int16 = 5,
    int32 = 6,
    int64 = 7,
    string = 8,
    boolean = 9,
    float16 = 10,
    float64 = 11,
    uint32 = 12,
    uint64 = 13,
    complex64 = 14,
    complex128 = 15,
    bfloat16 = 16,
    float8e4m3fn = 17,
    float8e4m3fnuz = 18,
    float8e5m2 = 19,
    float8e5m2fnuz = 20,
    uint4 = 21,
    int4 = 22,
};

// Name as NumPy or ml_dtypes spell it ("float32", "float8_e4m3fn", "int4"); "unknown" otherwise.
const char* name_of(ElementType type) noexcept;

// Bits one element takes in a tensor buffer: 4 for the packed types, 0 for strings and unknown.
int bits_of(ElementType type) noexcept;

// Bytes that `elements` values take; packed types round up to a whole byte.
std::size_t bytes_of(ElementType type, std::size_t elements) noexcept;

}  // namespace ei
