#pragma once
// Memory that tells when a kernel reads or writes one byte too many.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

namespace ei::check {

// Room for `capacity` elements between two pages that may not be touched: the read that strays
// there faults, which a sanitizer cannot promise inside a larger buffer. Mapped once, used for many
// cases.
template <class T>
class Guarded {
  public:
    explicit Guarded(std::size_t capacity) {
        page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        // One page more than needed, so that every offset within a cache line has room too.
        mapped_ = (capacity * sizeof(T) / page_ + 2) * page_;
        void* all = mmap(nullptr, mapped_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
        if (all == MAP_FAILED) throw std::bad_alloc();
        base_ = static_cast<std::byte*>(all);
        if (mprotect(base_ + page_, mapped_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    ~Guarded() { munmap(base_, mapped_ + 2 * page_); }

    // The last byte of the result is the last byte that may be touched.
    std::span<T> against_end(std::size_t count) noexcept {
        return {reinterpret_cast<T*>(base_ + page_ + mapped_ - count * sizeof(T)), count};
    }
    // The first byte of the result is the first byte that may be touched.
    std::span<T> against_start(std::size_t count) noexcept { return at(0, count); }
    // Starts `offset` elements behind a page boundary.
    std::span<T> at(std::size_t offset, std::size_t count) noexcept {
        return {reinterpret_cast<T*>(base_ + page_) + offset, count};
    }

  private:
    std::byte* base_ = nullptr;
    std::size_t page_ = 0;
    std::size_t mapped_ = 0;
};

// An output with canaries on both sides. Its own elements are filled too, so an element left
// unwritten differs between two outputs made with different fills.
template <class T>
class Output {
  public:
    Output(std::size_t capacity, std::uint8_t fill)
        : memory_(capacity + 2 * kMargin + 64), fill_(fill) {}

    // `count` elements, `offset` elements away from a cache line, everything refilled.
    std::span<T> prepare(std::size_t count, std::size_t offset = 0) noexcept {
        const std::span<T> all = memory_.at(0, offset + count + 2 * kMargin);
        std::memset(static_cast<void*>(all.data()), fill_, all.size_bytes());
        elements_ = all.subspan(kMargin + offset, count);
        before_ = all.first(kMargin + offset);
        after_ = all.last(kMargin);
        return elements_;
    }
    std::span<const T> elements() const noexcept { return elements_; }
    // No byte outside the elements has changed since prepare().
    bool intact() const noexcept { return untouched(before_) && untouched(after_); }

  private:
    static constexpr std::size_t kMargin = 128;  // elements; a multiple of every cache line

    bool untouched(std::span<const T> canary) const noexcept {
        for (const std::byte byte : std::as_bytes(canary)) {
            if (byte != std::byte{fill_}) return false;
        }
        return true;
    }

    Guarded<T> memory_;
    std::span<T> elements_, before_, after_;
    std::uint8_t fill_;
};

}  // namespace ei::check
