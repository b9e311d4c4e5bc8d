#pragma once
// What a fuzz target makes of its input bytes, and what it does when a property does not hold.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace ei::fuzz {

// Ends the process, so that the fuzzer keeps the input as a finding.
inline void expect(bool holds, const std::string& property) {
    if (holds) return;
    std::fprintf(stderr, "property does not hold: %s\n", property.c_str());
    std::abort();
}

// Numbers from the front of the input, so that a seed can be written down field by field. Behind
// its end everything is 0.
class Draws {
  public:
    explicit Draws(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

    template <class T>
    T raw() {
        T value{};
        const std::size_t count = std::min(sizeof(T), rest_.size());
        if (count > 0) std::memcpy(&value, rest_.data(), count);
        rest_ = rest_.subspan(count);
        return value;
    }
    // low..high, both included; the range holds fewer than 65536 values.
    int within(int low, int high) {
        const auto choices = static_cast<unsigned>(high - low) + 1;
        const unsigned drawn = choices <= 256 ? raw<std::uint8_t>() : raw<std::uint16_t>();
        return low + static_cast<int>(drawn % choices);
    }
    bool coin() { return within(0, 1) == 1; }
    template <class T, std::size_t N>
    T one_of(const T (&choices)[N]) {
        return choices[within(0, static_cast<int>(N) - 1)];
    }

    std::size_t left() const noexcept { return rest_.size(); }

    // Exactly `count` elements, in memory that ends behind the last one. What remains of the input
    // is repeated with a change in every round, so that few bytes fill much.
    template <class T>
    std::vector<T> fill(std::size_t count) const {
        std::vector<T> values(count);
        const std::span bytes = std::as_writable_bytes(std::span(values));
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const std::size_t round = rest_.empty() ? i : i / rest_.size();
            const std::uint8_t byte = rest_.empty() ? 0 : rest_[i % rest_.size()];
            bytes[i] = static_cast<std::byte>(byte ^ (round * 0x9d));
        }
        return values;
    }

  private:
    std::span<const std::uint8_t> rest_;
};

}  // namespace ei::fuzz
