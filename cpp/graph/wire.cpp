#include "graph/wire.hpp"

#include <limits>
#include <string>

#include "base/error.hpp"

namespace ei::graph {
namespace {

constexpr int kMaxVarintBytes = 10;

std::uint64_t little_endian(Bytes bytes) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
        value = (value << 8) | std::to_integer<std::uint64_t>(bytes[i]);
    }
    return value;
}

}  // namespace

void WireReader::damaged(const char* what) const {
    throw Error(ErrorKind::model, "damaged ONNX file at byte " +
                                      std::to_string(rest_.data() - origin_) + ": " + what +
                                      "; fetch or export the file again");
}

std::uint64_t WireReader::varint() {
    std::uint64_t value = 0;
    for (int i = 0; i < kMaxVarintBytes; ++i) {
        if (static_cast<std::size_t>(i) >= rest_.size()) damaged("a number is cut off");
        const auto byte = std::to_integer<std::uint64_t>(rest_[static_cast<std::size_t>(i)]);
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            rest_ = rest_.subspan(static_cast<std::size_t>(i) + 1);
            return value;
        }
    }
    damaged("a number takes more than 10 bytes");
}

bool WireReader::next_packed_varint(std::uint64_t& value) {
    if (rest_.empty()) return false;
    value = varint();
    return true;
}

bool WireReader::next(Field& field) {
    if (rest_.empty()) return false;
    const Bytes start = rest_;
    const std::uint64_t tag = varint();
    if (tag > std::numeric_limits<std::uint32_t>::max()) damaged("a field number is too large");
    field.number = static_cast<std::uint32_t>(tag >> 3);
    if (field.number == 0) damaged("a field has number 0");
    field.payload = {};
    field.value = 0;
    std::size_t bytes = 0;
    switch (tag & 7) {
        case 0:
            field.type = WireType::varint;
            field.value = varint();
            break;
        case 1:
        case 5:
            field.type = static_cast<WireType>(tag & 7);
            bytes = field.type == WireType::fixed64 ? 8 : 4;
            if (rest_.size() < bytes) damaged("a fixed-width number is cut off");
            field.value = little_endian(rest_.first(bytes));
            break;
        case 2: {
            field.type = WireType::length;
            const std::uint64_t length = varint();
            if (length > rest_.size()) damaged("a field is longer than what is left of it");
            bytes = static_cast<std::size_t>(length);
            field.payload = rest_.first(bytes);
            break;
        }
        default:
            damaged("a field has a wire type that ONNX does not use");
    }
    rest_ = rest_.subspan(bytes);
    field.whole = start.first(start.size() - rest_.size());
    return true;
}

void WireWriter::raw_varint(std::uint64_t value) {
    while (value >= 0x80) {
        buffer_.push_back(static_cast<std::byte>((value & 0x7f) | 0x80));
        value >>= 7;
    }
    buffer_.push_back(static_cast<std::byte>(value));
}

void WireWriter::varint(std::uint32_t number, std::uint64_t value) {
    raw_varint(std::uint64_t{number} << 3);
    raw_varint(value);
}

void WireWriter::header(std::uint32_t number, std::size_t payload_bytes) {
    raw_varint((std::uint64_t{number} << 3) | static_cast<std::uint64_t>(WireType::length));
    raw_varint(payload_bytes);
}

void WireWriter::length(std::uint32_t number, Bytes payload) {
    header(number, payload.size());
    buffer_.insert(buffer_.end(), payload.begin(), payload.end());
}

}  // namespace ei::graph
