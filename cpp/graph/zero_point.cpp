#include "graph/zero_point.hpp"

#include <algorithm>

#include "graph/fields.hpp"
#include "graph/initializers.hpp"
#include "graph/values.hpp"
#include "graph/wire.hpp"

namespace ei::graph {

std::optional<ZeroPoint> int8_zero_point(const Links& links, const Node& node, std::size_t slot) {
    const std::string_view name = node.input(slot);
    if (name.empty()) {
        const auto scale = links.constant_floats(node.input(slot - 1));
        if (!scale || scale->size() != 1) return std::nullopt;
        return ZeroPoint{};
    }
    const Tensor* const tensor = links.constant(name);
    if (tensor == nullptr || tensor->type != ElementType::int8 || tensor->dims.size() > 1) {
        return std::nullopt;
    }
    const auto values = int_values(*tensor);
    if (!values || values->size() != 1) return std::nullopt;
    const std::int64_t value = values->front();
    if (value < -kHalfRange || value >= kHalfRange) return std::nullopt;
    return ZeroPoint{value, tensor->dims};
}

std::vector<std::byte> with_inputs(const Node& node,
                                   const std::map<std::size_t, std::string>& names) {
    const Attribute* const dtype =
        node.op_type == "QuantizeLinear" ? node.attribute("output_dtype") : nullptr;
    const std::size_t count =
        std::max(node.inputs.size(), names.empty() ? 0 : names.rbegin()->first + 1);
    WireWriter out;
    for (std::size_t i = 0; i < count; ++i) {
        const auto other = names.find(i);
        out.text(node_field::input,
                 other == names.end() ? node.input(i) : std::string_view(other->second));
    }
    WireReader fields(node.message);
    std::vector<std::byte> message = out.take();
    for (Field field; fields.next(field);) {
        if (field.is(node_field::input, WireType::length)) continue;
        if (dtype != nullptr && field.is(node_field::attribute, WireType::length) &&
            field.payload.data() == dtype->message.data()) {
            continue;
        }
        message.insert(message.end(), field.whole.begin(), field.whole.end());
    }
    return message;
}

std::vector<std::byte> uint8_tensor(std::string_view name, const std::vector<std::int64_t>& dims,
                                    std::int64_t value) {
    const std::byte byte = static_cast<std::byte>(value);
    return raw_tensor(name, ElementType::uint8, dims, Bytes(&byte, 1));
}

}  // namespace ei::graph
