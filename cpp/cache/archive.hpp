#pragma once
// Values to bytes and back. A type says once what it is made of, and both directions follow:
//
//     template <class Archive> void fields(Archive& archive, Thing& thing) {
//         archive(thing.name, thing.size);
//     }
//
// Bytes are those of this machine: a kept file never leaves it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ei::cache {

template <class T>
concept Plain = std::is_arithmetic_v<T> || std::is_enum_v<T>;

class Writer {
  public:
    template <class... T>
    void operator()(T&... values) {
        (write(values), ...);
    }
    const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

  private:
    void raw(const void* data, std::size_t size) {
        const auto* const from = static_cast<const std::byte*>(data);
        bytes_.insert(bytes_.end(), from, from + size);
    }
    template <Plain T>
    void write(const T& value) {
        raw(&value, sizeof value);
    }
    void write(std::string& text) {
        write(std::uint64_t{text.size()});
        raw(text.data(), text.size());
    }
    template <class T, std::size_t Size>
    void write(std::array<T, Size>& values) {
        for (T& value : values) write(value);
    }
    template <class T>
    void write(std::vector<T>& values) {
        write(std::uint64_t{values.size()});
        for (T& value : values) write(value);
    }
    template <class Key, class T>
    void write(std::map<Key, T>& values) {
        write(std::uint64_t{values.size()});
        for (auto& [key, value] : values) {
            Key copy = key;
            write(copy);
            write(value);
        }
    }
    template <class T>
    void write(std::optional<T>& value) {
        write(value.has_value());
        if (value) write(*value);
    }
    template <class... T>
    void write(std::variant<T...>& value) {
        write(std::uint64_t{value.index()});
        std::visit([&](auto& held) { write(held); }, value);
    }
    template <class T>
        requires std::is_class_v<T>
    void write(T& value) {
        fields(*this, value);
    }

    std::vector<std::byte> bytes_;
};

class Reader {
  public:
    explicit Reader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
    template <class... T>
    void operator()(T&... values) {
        (read(values), ...);
    }
    // Every value was there and nothing is left over.
    bool complete() const noexcept { return good_ && bytes_.empty(); }

  private:
    void raw(void* to, std::size_t size) {
        good_ = good_ && size <= bytes_.size();
        if (!good_) return;
        std::memcpy(to, bytes_.data(), size);
        bytes_ = bytes_.subspan(size);
    }
    template <Plain T>
    void read(T& value) {
        raw(&value, sizeof value);
    }
    // A number of things that each take a byte at least.
    std::size_t count() {
        std::uint64_t number = 0;
        read(number);
        good_ = good_ && number <= bytes_.size();
        return good_ ? static_cast<std::size_t>(number) : 0;
    }
    void read(std::string& text) {
        text.resize(count());
        raw(text.data(), text.size());
    }
    template <class T, std::size_t Size>
    void read(std::array<T, Size>& values) {
        for (T& value : values) read(value);
    }
    template <class T>
    void read(std::vector<T>& values) {
        values.resize(count());
        for (T& value : values) read(value);
    }
    template <class Key, class T>
    void read(std::map<Key, T>& values) {
        for (std::size_t left = count(); left > 0; --left) {
            Key key{};
            read(key);
            read(values[std::move(key)]);
        }
    }
    template <class T>
    void read(std::optional<T>& value) {
        bool held = false;
        read(held);
        if (held) read(value.emplace());
    }
    template <class... T>
    void read(std::variant<T...>& value) {
        std::uint64_t index = 0;
        read(index);
        good_ = good_ && index < sizeof...(T);
        std::uint64_t at = 0;
        ((at++ == index && good_ ? read(value.template emplace<T>()) : void()), ...);
    }
    template <class T>
        requires std::is_class_v<T>
    void read(T& value) {
        fields(*this, value);
    }

    std::span<const std::byte> bytes_;
    bool good_ = true;
};

}  // namespace ei::cache
