#pragma once
// Contents of tensors and attribute lists, decoded on demand and never beyond `limit` elements.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

// More than any shape, axis list or scale of a tail has; weights are not decoded here. A list cut
// off at this length still fits no tensor, which has 64 dimensions at most.
inline constexpr std::size_t kSmallList = 1'024;

std::vector<std::int64_t> ints(const Attribute& attribute, std::size_t limit = kSmallList);
std::vector<float> floats(const Attribute& attribute, std::size_t limit = kSmallList);
std::vector<std::string_view> strings(const Attribute& attribute, std::size_t limit = kSmallList);

// Attributes of a node, or the default where they are not given.
std::int64_t int_of(const Node& node, std::string_view name, std::int64_t otherwise);
std::string_view text_of(const Node& node, std::string_view name, std::string_view otherwise);
std::vector<std::int64_t> ints_of(const Node& node, std::string_view name);

// Elements the dims announce; none when one is negative or the product overflows 62 bits.
std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& dims) noexcept;

// Values of a tensor held in the file; none when it is external, of another kind of type (int64,
// int32, int16, int8, uint8 and bool for ints; float32 for floats), longer than `limit`, when
// its data does not match its dims, or when its message is far larger than such values need.
std::optional<std::vector<std::int64_t>> int_values(const Tensor& tensor,
                                                    std::size_t limit = kSmallList);
std::optional<std::vector<float>> float_values(const Tensor& tensor,
                                               std::size_t limit = kSmallList);

// Empty when the data in the file has the length the dims announce (or lies outside, or the type
// is not known); otherwise what is wrong: "dims announce 12 bytes, the file holds 8".
std::string data_mismatch(const Tensor& tensor);

// Bytes the tensor's values take; 0 where dims or type do not tell.
std::size_t data_bytes(const Tensor& tensor);

}  // namespace ei::graph
