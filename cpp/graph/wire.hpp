#pragma once
// The protobuf wire format, as far as ONNX uses it: varint, fixed32, fixed64, length-delimited.
//
// The reader hands out views and allocates nothing; every length is compared with what remains
// before it is used. Groups (wire types 3 and 4) are refused: no ONNX writer makes them, and
// skipping one needs recursion that the file controls.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ei::graph {

using Bytes = std::span<const std::byte>;

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, length = 2, fixed32 = 5 };

inline std::string_view as_text(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

struct Field {
    std::uint32_t number = 0;
    WireType type = WireType::varint;
    std::uint64_t value = 0;  // of varint, fixed32 and fixed64
    Bytes payload;            // of length-delimited
    Bytes whole;              // tag and content, as they stand in the file

    bool is(std::uint32_t wanted, WireType kind) const noexcept {
        return number == wanted && type == kind;
    }
    std::int64_t as_int64() const noexcept { return static_cast<std::int64_t>(value); }
    std::int32_t as_int32() const noexcept { return static_cast<std::int32_t>(value); }
    float as_float() const noexcept {
        return std::bit_cast<float>(static_cast<std::uint32_t>(value));
    }
    std::string_view text() const noexcept { return as_text(payload); }
};

// Walks the fields of one message.
class WireReader {
  public:
    // `origin` is the first byte of the file, so that errors can tell the place in it.
    explicit WireReader(Bytes message, const std::byte* origin = nullptr) noexcept
        : rest_(message), origin_(origin == nullptr ? message.data() : origin) {}

    // False at the end of the message. Throws Error(model) on a damaged field.
    bool next(Field& field);

    // One bare varint of a packed list; false at the end. Throws Error(model).
    bool next_packed_varint(std::uint64_t& value);

  private:
    std::uint64_t varint();
    [[noreturn]] void damaged(const char* what) const;

    Bytes rest_;
    const std::byte* origin_;
};

// Appends fields to a buffer. For small messages; weights are copied by the editor.
class WireWriter {
  public:
    void varint(std::uint32_t number, std::uint64_t value);
    void length(std::uint32_t number, Bytes payload);
    void text(std::uint32_t number, std::string_view payload) { length(number, as_bytes(payload)); }
    // Tag and length of a field whose payload the caller appends elsewhere.
    void header(std::uint32_t number, std::size_t payload_bytes);

    Bytes bytes() const noexcept { return buffer_; }
    std::vector<std::byte> take() noexcept { return std::move(buffer_); }

  private:
    void raw_varint(std::uint64_t value);
    std::vector<std::byte> buffer_;
};

}  // namespace ei::graph
