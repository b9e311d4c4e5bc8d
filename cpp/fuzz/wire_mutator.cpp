// Changes to a protobuf message that keep its lengths right.
//
// A byte changed at random mostly breaks the length of a message around it, and the reader refuses
// the file at once. This takes the message apart into fields, changes one of them somewhere inside,
// and puts it together again; now and then it leaves the bytes to the fuzzer after all.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <vector>

#include "base/error.hpp"
#include "graph/wire.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace ei::fuzz {
namespace {

using graph::Field;
using graph::WireType;
using Buffer = std::vector<std::byte>;

constexpr int kMostDepth = 12;

std::optional<std::vector<Field>> fields_of(graph::Bytes message) {
    std::vector<Field> fields;
    try {
        graph::WireReader reader(message);
        for (Field field; reader.next(field);) fields.push_back(field);
    } catch (const Error&) {
        return std::nullopt;
    }
    return fields;
}

class Mutator {
  public:
    Mutator(graph::Bytes whole, unsigned seed) : whole_(whole), random_(seed) {}

    Buffer message(graph::Bytes bytes, int depth) {
        auto fields = fields_of(bytes);
        if (!fields || fields->empty()) return any_bytes(bytes);
        const std::size_t at = below(fields->size());
        Buffer out;
        for (std::size_t i = 0; i < fields->size(); ++i) {
            if (i == at) {
                change((*fields)[i], depth, out);
            } else {
                append(out, (*fields)[i].whole);
            }
        }
        return out;
    }

  private:
    std::size_t below(std::size_t count) { return random_() % count; }

    static void append(Buffer& out, graph::Bytes bytes) {
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    static void append_length(Buffer& out, std::uint32_t number, graph::Bytes payload) {
        graph::WireWriter writer;
        writer.length(number, payload);
        append(out, writer.bytes());
    }

    // What the fuzzer itself makes of them, its dictionary included.
    Buffer any_bytes(graph::Bytes bytes) {
        Buffer out(bytes.begin(), bytes.end());
        const std::size_t most = bytes.size() + 16;
        out.resize(most);
        out.resize(
            LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(out.data()), bytes.size(), most));
        return out;
    }

    // Some field from somewhere in the file.
    graph::Bytes borrowed() {
        graph::Bytes place = whole_;
        for (int depth = 0; depth < kMostDepth; ++depth) {
            const auto fields = fields_of(place);
            if (!fields || fields->empty()) break;
            const Field& field = (*fields)[below(fields->size())];
            if (field.type != WireType::length || below(4) == 0) return field.whole;
            const auto inner = fields_of(field.payload);
            if (!inner || inner->empty()) return field.whole;
            place = field.payload;
        }
        return {};
    }

    std::uint64_t number(std::uint64_t now) {
        constexpr std::uint64_t kEdges[] = {0,          1,     2,         3,          4,
                                            5,          6,     7,         8,          13,
                                            255,        256,   65535,     65536,      1ull << 31,
                                            1ull << 32, ~0ull, ~0ull - 1, 1ull << 62, 1ull << 63};
        switch (below(4)) {
            case 0:
                return now + 1;
            case 1:
                return now - 1;
            case 2:
                return now ^ (1ull << below(64));
            default:
                return kEdges[below(std::size(kEdges))];
        }
    }

    void change(const Field& field, int depth, Buffer& out) {
        const bool nested = field.type == WireType::length && depth < kMostDepth;
        if (nested && below(4) != 0) {
            append_length(
                out, field.number,
                below(3) == 0 ? any_bytes(field.payload) : message(field.payload, depth + 1));
            return;
        }
        switch (below(5)) {
            case 0:  // gone
                return;
            case 1:  // twice
                append(out, field.whole);
                append(out, field.whole);
                return;
            case 2:  // joined by another
                append(out, field.whole);
                append(out, borrowed());
                return;
            case 3:  // replaced by another
                append(out, borrowed());
                return;
            default:
                break;
        }
        graph::WireWriter writer;
        if (field.type == WireType::varint) {
            writer.varint(field.number, number(field.value));
        } else if (field.type == WireType::length) {  // under another number
            writer.length(1 + static_cast<std::uint32_t>(below(26)), field.payload);
        } else {
            return append(out, any_bytes(field.whole));
        }
        append(out, writer.bytes());
    }

    graph::Bytes whole_;
    std::minstd_rand random_;
};

}  // namespace
}  // namespace ei::fuzz

// In place, at most `most` bytes; the new size. Called by libFuzzer where it is defined.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
    if (size == 0 || seed % 8 == 0) return LLVMFuzzerMutate(data, size, most);
    const std::vector<std::byte> before(reinterpret_cast<std::byte*>(data),
                                        reinterpret_cast<std::byte*>(data) + size);
    const std::vector<std::byte> after = ei::fuzz::Mutator(before, seed).message(before, 0);
    if (after.empty() || after.size() > most) return LLVMFuzzerMutate(data, size, most);
    std::memcpy(data, after.data(), after.size());
    return after.size();
}
