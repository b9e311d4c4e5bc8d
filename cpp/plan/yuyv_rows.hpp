#pragma once
// The luma rows and the chroma rows of packed YUYV, taken apart when they are asked for.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/frame.hpp"
#include "kernels/split_yuyv/split_yuyv.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan {

// A ring of rows. Both halves are read in step, row by row of the output, so a row is taken apart
// once for both; one that has left the ring before the other half came is taken apart again.
class YuyvRows {
  public:
    // The latest `rows_at_once` rows of either half stay valid.
    YuyvRows(int width, int rows_at_once, split_yuyv::Fn split);
    YuyvRows(const YuyvRows&) = delete;
    YuyvRows& operator=(const YuyvRows&) = delete;

    void start(const PlaneView& plane) noexcept;
    PlaneRows luma() noexcept { return {nullptr, 0, &luma_}; }
    PlaneRows chroma() noexcept { return {nullptr, 0, &chroma_}; }

  private:
    class Half final : public UnpackedRows {
      public:
        Half(YuyvRows& both, std::size_t offset) : both_(both), offset_(offset) {}
        const std::uint8_t* row(int y) override { return both_.split_row(y) + offset_; }

      private:
        YuyvRows& both_;
        std::size_t offset_;
    };

    // Luma, then chroma, of row y.
    const std::uint8_t* split_row(int y);

    std::size_t width_;
    split_yuyv::Fn split_;
    PlaneView plane_;
    AlignedBuffer ring_;
    std::vector<int> held_;  // row in each slot of the ring, or -1
    Half luma_, chroma_;
};

}  // namespace ei::plan
