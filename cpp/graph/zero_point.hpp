#pragma once
// From int8 to uint8 by the zero point: with one that is 128 higher, integers that are 128 higher
// stand for the same real values.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/links.hpp"
#include "graph/model.hpp"

namespace ei::graph {

inline constexpr std::int64_t kHalfRange = 128;

// As an int8 tensor of one value; `dims` is empty or {1}.
struct ZeroPoint {
    std::int64_t value = 0;
    std::vector<std::int64_t> dims;
};

// The int8 zero point that input `slot` of a node names, or the zero that stands for one left out
// behind a single scale; none when it is anything but one constant.
std::optional<ZeroPoint> int8_zero_point(const Links& links, const Node& node, std::size_t slot);

// The node with other names for some of its inputs, by index. The type of what a QuantizeLinear
// makes is that of its zero point then: the attribute that may have told it goes. (That of a
// DequantizeLinear tells of the floats.)
std::vector<std::byte> with_inputs(const Node& node,
                                   const std::map<std::size_t, std::string>& names);

// Payload of a TensorProto of one element.
std::vector<std::byte> uint8_tensor(std::string_view name, const std::vector<std::int64_t>& dims,
                                    std::int64_t value);

}  // namespace ei::graph
