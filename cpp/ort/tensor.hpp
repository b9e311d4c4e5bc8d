#pragma once
// Tensors as ONNX Runtime holds them: what a session declares, and values that own or borrow
// memory.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/element_type.hpp"
#include "ort/library.hpp"

namespace ei::ort {

// One axis: a size, or the name of a symbolic axis ("?" for one without a name).
using Axis = std::variant<std::int64_t, std::string>;

struct TensorSpec {
    std::string name;
    ElementType type = ElementType::undefined;
    std::vector<Axis> shape;

    // The shape as integers; nothing when an axis is symbolic.
    bool fixed(std::vector<std::int64_t>& out) const;

    bool operator==(const TensorSpec&) const = default;
};

// Product of the sizes. Error(input) naming `what` when a size is negative or the product, in bytes
// of `type`, does not fit.
std::size_t count_elements(std::span<const std::int64_t> shape, ElementType type,
                           const std::string& what);

struct TypeAndShape {
    ElementType type = ElementType::undefined;
    std::vector<std::int64_t> shape;
};

class Value {
  public:
    Value() = default;
    explicit Value(OrtValue* handle) : handle_(handle) {}

    // Borrows `data`: the caller keeps it alive and unmoved as long as the value.
    static Value view(void* data, std::size_t bytes, std::span<const std::int64_t> shape,
                      ElementType type);
    // Copies the strings.
    static Value strings(std::span<const char* const> items, std::span<const std::int64_t> shape);

    explicit operator bool() const noexcept { return handle_ != nullptr; }
    OrtValue* get() const noexcept { return handle_.get(); }
    OrtValue* release() noexcept { return handle_.release(); }

    // Error(run) naming `name` when the value is a sequence, a map, or an empty optional.
    void expect_tensor(const std::string& name) const;
    TypeAndShape type_and_shape() const;
    ElementType type() const { return type_and_shape().type; }
    std::vector<std::int64_t> shape() const { return type_and_shape().shape; }
    std::int64_t elements() const;
    void* data() const;
    std::vector<std::string> read_strings() const;

  private:
    ValueHandle handle_;
};

// Two 4-bit values a byte, low half first, as ONNX stores them; one value a byte on our side.
void pack_nibbles(std::span<const std::uint8_t> values, std::uint8_t* packed) noexcept;
void unpack_nibbles(const std::uint8_t* packed, std::span<std::uint8_t> values,
                    bool is_signed) noexcept;

}  // namespace ei::ort
