#include "cache/seal.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace ei::cache {
namespace {

constexpr std::string_view kMark = "EICACHE1";
// Odd, with bits all over: a change of one bit of the input reaches all of the sum.
constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15, kFold = 0xd6e8feb86659fd93;

// Eight lanes of one multiplication each: as many as a core begins while the first one ends.
std::uint64_t step(std::uint64_t lane, std::uint64_t word) noexcept {
    return std::rotl((lane ^ word) * kSpread, 29);
}

std::uint64_t finish(std::uint64_t sum) noexcept {
    sum = (sum ^ (sum >> 32)) * kFold;
    sum = (sum ^ (sum >> 29)) * kSpread;
    return sum ^ (sum >> 32);
}

}  // namespace

Checksum::Checksum(std::string_view name) noexcept : lanes_{kSpread, kFold, ~kSpread, ~kFold} {
    add(std::as_bytes(std::span(name)));
    add(std::as_bytes(std::span(&kFold, 1)));
}

void Checksum::mix(const std::byte* block) noexcept {
    std::uint64_t words[kLanes];
    std::memcpy(words, block, sizeof words);
    for (std::size_t i = 0; i < kLanes; ++i) lanes_[i] = step(lanes_[i], words[i]);
}

void Checksum::add(std::span<const std::byte> bytes) noexcept {
    count_ += bytes.size();
    if (held_ > 0) {
        const std::size_t some = std::min(bytes.size(), kBlock - held_);
        std::memcpy(block_.data() + held_, bytes.data(), some);
        held_ += some;
        bytes = bytes.subspan(some);
        if (held_ < kBlock) return;
        mix(block_.data());
        held_ = 0;
    }
    // Copied to where the compiler keeps them in registers.
    std::array<std::uint64_t, kLanes> lanes = lanes_;
    std::uint64_t words[kLanes];
    for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) {
        std::memcpy(words, bytes.data(), kBlock);
        for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = step(lanes[i], words[i]);
    }
    lanes_ = lanes;
    if (!bytes.empty()) std::memcpy(block_.data(), bytes.data(), bytes.size());
    held_ = bytes.size();
}

std::uint64_t Checksum::take() noexcept {
    std::fill(block_.begin() + static_cast<std::ptrdiff_t>(held_), block_.end(), std::byte{0});
    mix(block_.data());
    std::uint64_t sum = count_;
    for (const std::uint64_t lane : lanes_) sum = step(sum, finish(lane));
    return finish(sum);
}

Seal seal(std::uint64_t content_bytes, std::uint64_t checksum) noexcept {
    Seal out;
    std::memcpy(out.data(), kMark.data(), 8);
    std::memcpy(out.data() + 8, &content_bytes, 8);
    std::memcpy(out.data() + 16, &checksum, 8);
    return out;
}

std::optional<std::size_t> sealed_content(std::span<const std::byte> file,
                                          std::string_view name) noexcept {
    if (file.size() < kSealBytes) return std::nullopt;
    const std::size_t content = file.size() - kSealBytes;
    // The cheap part first: half a file is known by its missing end.
    if (std::memcmp(file.data() + content, kMark.data(), 8) != 0) return std::nullopt;
    Checksum checksum(name);
    checksum.add(file.first(content));
    const Seal wanted = seal(content, checksum.take());
    if (std::memcmp(file.data() + content, wanted.data(), kSealBytes) != 0) return std::nullopt;
    return content;
}

}  // namespace ei::cache
