#include "base/digest.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace ei {
namespace {

// The fractional parts of the square roots of the first eight primes.
constexpr std::array<std::uint64_t, 8> kStart = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

constexpr std::uint8_t kOrder[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                         {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                         {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                         {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                         {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                         {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                         {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                         {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                         {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                         {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

static_assert(std::endian::native == std::endian::little, "words are read where they lie");

inline void quarter(std::uint64_t& a, std::uint64_t& b, std::uint64_t& c, std::uint64_t& d,
                    std::uint64_t x, std::uint64_t y) noexcept {
    a += b + x;
    d = std::rotr(d ^ a, 32);
    c += d;
    b = std::rotr(b ^ c, 24);
    a += b + y;
    d = std::rotr(d ^ a, 16);
    c += d;
    b = std::rotr(b ^ c, 63);
}

template <std::size_t Round>
inline void round(std::uint64_t (&v)[16], const std::uint64_t (&m)[16]) noexcept {
    constexpr const std::uint8_t (&s)[16] = kOrder[Round % 10];
    quarter(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
    quarter(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
    quarter(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
    quarter(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
    quarter(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
    quarter(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
    quarter(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
    quarter(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
}

template <std::size_t... Rounds>
inline void rounds(std::uint64_t (&v)[16], const std::uint64_t (&m)[16],
                   std::index_sequence<Rounds...>) noexcept {
    (round<Rounds>(v, m), ...);
}

}  // namespace

Digester::Digester() noexcept : state_(kStart), block_{} {
    state_[0] ^= 0x01010000 ^ std::tuple_size_v<Digest>;  // no key, one leaf
}

void Digester::mix(const std::byte* block, bool last) noexcept {
    std::uint64_t m[16], v[16];
    std::memcpy(m, block, sizeof m);
    std::copy(state_.begin(), state_.end(), v);
    std::copy(kStart.begin(), kStart.end(), v + 8);
    v[12] ^= count_;
    if (last) v[14] = ~v[14];
    rounds(v, m, std::make_index_sequence<12>());
    for (std::size_t i = 0; i < 8; ++i) state_[i] ^= v[i] ^ v[i + 8];
}

void Digester::add(std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        // The last block is mixed in take(), so a full one waits for the byte behind it.
        if (held_ == block_.size()) {
            count_ += held_;
            mix(block_.data(), false);
            held_ = 0;
        }
        if (held_ == 0) {
            while (bytes.size() > block_.size()) {
                count_ += block_.size();
                mix(bytes.data(), false);
                bytes = bytes.subspan(block_.size());
            }
        }
        const std::size_t some = std::min(bytes.size(), block_.size() - held_);
        std::memcpy(block_.data() + held_, bytes.data(), some);
        held_ += some;
        bytes = bytes.subspan(some);
    }
}

void Digester::add(std::string_view text) noexcept {
    add(std::uint64_t{text.size()});
    add(std::as_bytes(std::span(text)));
}

void Digester::add(std::uint64_t number) noexcept {
    add(std::as_bytes(std::span(&number, 1)));
}

Digest Digester::take() noexcept {
    count_ += held_;
    std::fill(block_.begin() + static_cast<std::ptrdiff_t>(held_), block_.end(), std::byte{0});
    mix(block_.data(), true);
    Digest digest;
    std::memcpy(digest.data(), state_.data(), digest.size());
    return digest;
}

std::string hex(const Digest& digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : digest) {
        text += kDigits[std::to_integer<unsigned>(byte) >> 4];
        text += kDigits[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}

}  // namespace ei
