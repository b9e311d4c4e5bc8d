#pragma once
// The last bytes of a kept file. They guard against accidents, not against an attacker: who can
// write into the folder can run programs as its user.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ei::cache {

// Of the content in the order given, whatever the pieces. Each step can be undone, so a change of
// one word alone always shows; any other escapes once in 2^64. About the speed of memory.
class Checksum {
  public:
    explicit Checksum(std::string_view name) noexcept;
    void add(std::span<const std::byte> bytes) noexcept;
    std::uint64_t take() noexcept;  // once, at the end

  private:
    void mix(const std::byte* block) noexcept;

    static constexpr std::size_t kLanes = 8, kBlock = kLanes * sizeof(std::uint64_t);
    std::array<std::uint64_t, kLanes> lanes_;
    std::array<std::byte, kBlock> block_{};
    std::size_t held_ = 0;
    std::uint64_t count_ = 0;
};

inline constexpr std::size_t kSealBytes = 24;
using Seal = std::array<std::byte, kSealBytes>;

Seal seal(std::uint64_t content_bytes, std::uint64_t checksum) noexcept;

// How many bytes of the file are content; none where the seal is missing or does not match.
std::optional<std::size_t> sealed_content(std::span<const std::byte> file,
                                          std::string_view name) noexcept;

}  // namespace ei::cache
