#include "graph/values.hpp"

#include <bit>
#include <cstring>

#include "graph/fields.hpp"

namespace ei::graph {
namespace {

constexpr std::int64_t kMaxElements = std::int64_t{1} << 62;

// Calls `take(value)` for each number of a repeated scalar field, packed or not; stops when it
// returns false. `width`: 0 for varints, else bytes of the fixed type.
template <class Take>
void each_number(Bytes message, std::uint32_t number, std::size_t width, Take take) {
    WireReader fields(message);
    for (Field field; fields.next(field);) {
        if (field.number != number) continue;
        if (field.type != WireType::length) {
            const WireType single = width == 0   ? WireType::varint
                                    : width == 4 ? WireType::fixed32
                                                 : WireType::fixed64;
            if (field.type == single && !take(field.value)) return;
            continue;
        }
        if (width == 0) {
            WireReader packed(field.payload);
            std::uint64_t value = 0;
            while (packed.next_packed_varint(value)) {
                if (!take(value)) return;
            }
            continue;
        }
        for (std::size_t at = 0; at + width <= field.payload.size(); at += width) {
            std::uint64_t value = 0;
            for (std::size_t i = width; i-- > 0;) {
                value = (value << 8) | std::to_integer<std::uint64_t>(field.payload[at + i]);
            }
            if (!take(value)) return;
        }
    }
}

template <class T, class Convert>
std::vector<T> list(Bytes message, std::uint32_t number, std::size_t width, std::size_t limit,
                    Convert convert) {
    std::vector<T> out;
    each_number(message, number, width, [&](std::uint64_t value) {
        if (out.size() == limit) return false;
        out.push_back(convert(value));
        return true;
    });
    return out;
}

float to_float(std::uint64_t bits) noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
}

// Count of numbers in a typed data field, without storing them.
std::int64_t count(const Tensor& tensor, std::uint32_t number, std::size_t width) {
    std::int64_t total = 0;
    WireReader fields(tensor.message);
    for (Field field; fields.next(field);) {
        if (field.number != number) continue;
        if (field.type != WireType::length || number == tensor_field::string_data) {
            ++total;
        } else if (width != 0) {
            total += static_cast<std::int64_t>(field.payload.size() / width);
        } else {  // a varint ends where the high bit is clear
            for (const std::byte byte : field.payload) {
                total += (byte & std::byte{0x80}) == std::byte{0} ? 1 : 0;
            }
        }
    }
    return total;
}

// A hostile file can hide few values in a message of megabytes, and have it read many times.
bool too_long(const Tensor& tensor, std::size_t limit) noexcept {
    constexpr std::size_t kValueBytes = 10;    // of the longest varint
    constexpr std::size_t kRestBytes = 4'096;  // name, dims, documentation
    return tensor.message.size() > limit * kValueBytes + kRestBytes;
}

struct Storage {  // where the typed values of an element type live
    std::uint32_t number;
    std::size_t width;
};

Storage storage_of(ElementType type) noexcept {
    switch (type) {
        case ElementType::float32:
        case ElementType::complex64:
            return {tensor_field::float_data, 4};
        case ElementType::float64:
        case ElementType::complex128:
            return {tensor_field::double_data, 8};
        case ElementType::int64:
            return {tensor_field::int64_data, 0};
        case ElementType::uint32:
        case ElementType::uint64:
            return {tensor_field::uint64_data, 0};
        case ElementType::string:
            return {tensor_field::string_data, 0};
        default:
            return {tensor_field::int32_data, 0};
    }
}

// Entries of the typed field that `elements` values need.
std::int64_t stored_entries(ElementType type, std::int64_t elements) noexcept {
    switch (type) {
        case ElementType::complex64:
        case ElementType::complex128:
            return elements * 2;
        case ElementType::uint4:
        case ElementType::int4:
            return elements / 2 + elements % 2;
        default:
            return elements;
    }
}

template <class T>
std::vector<std::int64_t> widen(Bytes raw, std::size_t elements) {
    std::vector<std::int64_t> out(elements);
    for (std::size_t i = 0; i < elements; ++i) {
        T value;
        std::memcpy(&value, raw.data() + i * sizeof(T), sizeof(T));
        out[i] = static_cast<std::int64_t>(value);
    }
    return out;
}

static_assert(std::endian::native == std::endian::little,
              "raw_data is little-endian and is read by memcpy here");

}  // namespace

std::vector<std::int64_t> ints(const Attribute& attribute, std::size_t limit) {
    return list<std::int64_t>(attribute.message, attribute_field::ints, 0, limit,
                              [](std::uint64_t v) { return static_cast<std::int64_t>(v); });
}

std::vector<float> floats(const Attribute& attribute, std::size_t limit) {
    return list<float>(attribute.message, attribute_field::floats, 4, limit, to_float);
}

std::vector<std::string_view> strings(const Attribute& attribute, std::size_t limit) {
    std::vector<std::string_view> out;
    WireReader fields(attribute.message);
    for (Field field; out.size() < limit && fields.next(field);) {
        if (field.is(attribute_field::strings, WireType::length)) out.push_back(field.text());
    }
    return out;
}

std::int64_t int_of(const Node& node, std::string_view name, std::int64_t otherwise) {
    const Attribute* const found = node.attribute(name);
    return found == nullptr ? otherwise : found->i;
}

std::string_view text_of(const Node& node, std::string_view name, std::string_view otherwise) {
    const Attribute* const found = node.attribute(name);
    return found == nullptr ? otherwise : found->s;
}

std::vector<std::int64_t> ints_of(const Node& node, std::string_view name) {
    const Attribute* const found = node.attribute(name);
    return found == nullptr ? std::vector<std::int64_t>{} : ints(*found);
}

std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& dims) noexcept {
    std::int64_t total = 1;
    bool zero = false;
    for (const std::int64_t dim : dims) {
        if (dim < 0) return std::nullopt;
        if (dim == 0) {
            zero = true;
        } else if (total > kMaxElements / dim) {
            return std::nullopt;
        } else {
            total *= dim;
        }
    }
    return zero ? 0 : total;
}

std::optional<std::vector<std::int64_t>> int_values(const Tensor& tensor, std::size_t limit) {
    const auto elements = element_count(tensor.dims);
    if (tensor.external || !elements || static_cast<std::uint64_t>(*elements) > limit ||
        too_long(tensor, limit)) {
        return std::nullopt;
    }
    const auto n = static_cast<std::size_t>(*elements);
    if (!tensor.has_raw) {
        switch (tensor.type) {
            case ElementType::int64:
            case ElementType::int32:
            case ElementType::int16:
            case ElementType::int8:
            case ElementType::uint8:
            case ElementType::boolean:
                break;
            default:
                return std::nullopt;
        }
        auto out = list<std::int64_t>(tensor.message, storage_of(tensor.type).number, 0, n + 1,
                                      [](std::uint64_t v) { return static_cast<std::int64_t>(v); });
        if (out.size() != n) return std::nullopt;
        return out;
    }
    if (bits_of(tensor.type) == 0 || tensor.raw.size() != bytes_of(tensor.type, n)) {
        return std::nullopt;
    }
    switch (tensor.type) {
        case ElementType::int64:
            return widen<std::int64_t>(tensor.raw, n);
        case ElementType::int32:
            return widen<std::int32_t>(tensor.raw, n);
        case ElementType::int16:
            return widen<std::int16_t>(tensor.raw, n);
        case ElementType::int8:
            return widen<std::int8_t>(tensor.raw, n);
        case ElementType::uint8:
        case ElementType::boolean:
            return widen<std::uint8_t>(tensor.raw, n);
        default:
            return std::nullopt;
    }
}

std::optional<std::vector<float>> float_values(const Tensor& tensor, std::size_t limit) {
    const auto elements = element_count(tensor.dims);
    if (tensor.external || tensor.type != ElementType::float32 || !elements ||
        static_cast<std::uint64_t>(*elements) > limit || too_long(tensor, limit)) {
        return std::nullopt;
    }
    const auto n = static_cast<std::size_t>(*elements);
    std::vector<float> out;
    if (tensor.has_raw) {
        if (tensor.raw.size() != n * sizeof(float)) return std::nullopt;
        out.resize(n);
        if (n > 0) std::memcpy(out.data(), tensor.raw.data(), n * sizeof(float));
    } else {
        out = list<float>(tensor.message, tensor_field::float_data, 4, n + 1, to_float);
        if (out.size() != n) return std::nullopt;
    }
    return out;
}

std::string data_mismatch(const Tensor& tensor) {
    const auto elements = element_count(tensor.dims);
    if (!elements) return "its dims are negative or too large";
    if (tensor.external) return {};
    if (tensor.type != ElementType::string && bits_of(tensor.type) == 0) return {};
    if (tensor.has_raw) {
        if (tensor.type == ElementType::string) return "strings cannot be raw data";
        const std::size_t wanted = data_bytes(tensor);
        if (tensor.raw.size() == wanted) return {};
        return "its dims announce " + std::to_string(wanted) + " bytes, the file holds " +
               std::to_string(tensor.raw.size());
    }
    const Storage storage = storage_of(tensor.type);
    const std::int64_t wanted = stored_entries(tensor.type, *elements);
    const std::int64_t found = count(tensor, storage.number, storage.width);
    if (wanted == found) return {};
    return "its dims announce " + std::to_string(wanted) + " values, the file holds " +
           std::to_string(found);
}

std::size_t data_bytes(const Tensor& tensor) {
    const auto elements = element_count(tensor.dims);
    const auto bits = static_cast<std::int64_t>(bits_of(tensor.type));
    if (!elements || bits == 0 || *elements > kMaxElements / bits) return 0;
    return bytes_of(tensor.type, static_cast<std::size_t>(*elements));
}

}  // namespace ei::graph
