#pragma once
// Rows of a plane asked for before they are needed. A camera's frame lies in main memory; the CPU
// fetches ahead by itself, but only within pages of 4 KiB, and a resize reads two or three rows of
// one and leaves. Asked for two output rows earlier, into the second-level cache, they are there in
// time. Asked for into the first they push out what is at work; one row earlier they come late.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "plan/rows/row_source.hpp"

namespace ei::plan {

class Ahead {
  public:
    static constexpr int kOutputs = 2;  // output rows between asking and using

    // Of each row, `bytes` from `left_bytes` on are wanted.
    Ahead(std::size_t left_bytes, std::size_t bytes) noexcept
        : left_bytes_(left_bytes), bytes_(bytes) {}

    void start(const PlaneRows& plane) noexcept {
        plane_ = plane;
        next_ = 0;
    }
    // Rows first .. end - 1 of the plane, but for those before the last ones asked for.
    void fetch(int first, int end) noexcept {
        if (plane_.data == nullptr) return;  // who unpacks rows writes them into a cache
        for (int y = std::max(first, next_); y < end; ++y) {
            const std::uint8_t* row = plane_.data + y * plane_.stride_bytes + left_bytes_;
            for (std::size_t i = 0; i < bytes_; i += kLine) {
                __builtin_prefetch(row + i, /*write=*/0, /*second level*/ 2);
            }
        }
        next_ = std::max(next_, end);
    }

  private:
    static constexpr std::size_t kLine = 64;

    std::size_t left_bytes_, bytes_;
    PlaneRows plane_;
    int next_ = 0;
};

}  // namespace ei::plan
