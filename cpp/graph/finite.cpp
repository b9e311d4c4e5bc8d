#include "graph/finite.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "graph/fields.hpp"

namespace ei::graph {
namespace {

constexpr std::size_t kBlock = 4'096;  // values looked at in one go; sound ones are not counted

// Word: the bits of one value; `infinity`: those of +Inf. A value is NaN above it, less the sign.
template <class Word>
void count(Bytes bytes, Word infinity, OddValues& out) {
    constexpr Word kSign = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
    constexpr Word kRest = static_cast<Word>(~kSign);
    const std::size_t total = bytes.size() / sizeof(Word);
    std::array<Word, kBlock> block;  // aligned, whatever the place in the file
    for (std::size_t at = 0; at < total; at += kBlock) {
        const std::size_t n = std::min(kBlock, total - at);
        std::memcpy(block.data(), bytes.data() + at * sizeof(Word), n * sizeof(Word));
        std::int64_t not_positive = 0;
        Word odd = 0;  // by Or and without a branch: this is what compilers vectorise
        for (std::size_t i = 0; i < n; ++i) {
            odd |= static_cast<Word>((block[i] & infinity) == infinity);
            not_positive += (block[i] & kSign) != 0 || block[i] == 0 ? 1 : 0;
        }
        out.not_positive += not_positive;
        if (odd == 0) continue;
        for (std::size_t i = 0; i < n; ++i) {
            const auto size = static_cast<Word>(block[i] & kRest);
            out.nan += size > infinity ? 1 : 0;
            out.infinite += size == infinity ? 1 : 0;
        }
    }
}

void count(ElementType type, Bytes bytes, OddValues& out) {
    switch (type) {
        case ElementType::float16:
            return count<std::uint16_t>(bytes, 0x7c00, out);
        case ElementType::bfloat16:
            return count<std::uint16_t>(bytes, 0x7f80, out);
        case ElementType::float32:
            return count<std::uint32_t>(bytes, 0x7f80'0000, out);
        default:
            return count<std::uint64_t>(bytes, 0x7ff0'0000'0000'0000, out);
    }
}

template <class Word>
void count_one(ElementType type, std::uint64_t value, OddValues& out) {
    const auto bits = static_cast<Word>(value);
    count(type, std::as_bytes(std::span(&bits, 1)), out);
}

// float_data and double_data hold the values themselves, packed or one by one; the 16-bit types
// stand in int32_data as numbers of any length.
void count_typed(const Tensor& tensor, OddValues& out) {
    const bool short_type =
        tensor.type == ElementType::float16 || tensor.type == ElementType::bfloat16;
    WireReader fields(tensor.message);
    for (Field field; fields.next(field);) {
        if (tensor.type == ElementType::float32 && field.number == tensor_field::float_data) {
            if (field.type == WireType::length) count(tensor.type, field.payload, out);
            if (field.type == WireType::fixed32) {
                count_one<std::uint32_t>(tensor.type, field.value, out);
            }
        } else if (tensor.type == ElementType::float64 &&
                   field.number == tensor_field::double_data) {
            if (field.type == WireType::length) count(tensor.type, field.payload, out);
            if (field.type == WireType::fixed64) {
                count_one<std::uint64_t>(tensor.type, field.value, out);
            }
        } else if (short_type && field.number == tensor_field::int32_data) {
            if (field.type == WireType::varint) {
                count_one<std::uint16_t>(tensor.type, field.value, out);
            }
            if (field.type != WireType::length) continue;
            WireReader packed(field.payload);
            std::uint64_t value = 0;
            while (packed.next_packed_varint(value)) {
                count_one<std::uint16_t>(tensor.type, value, out);
            }
        }
    }
}

}  // namespace

std::optional<OddValues> odd_values(const Tensor& tensor, const std::optional<Bytes>& bytes) {
    switch (tensor.type) {
        case ElementType::float16:
        case ElementType::bfloat16:
        case ElementType::float32:
        case ElementType::float64:
            break;
        default:
            return std::nullopt;
    }
    OddValues out;
    if (bytes) {
        count(tensor.type, *bytes, out);
    } else if (!tensor.external) {
        count_typed(tensor, out);
    }
    return out;
}

}  // namespace ei::graph
