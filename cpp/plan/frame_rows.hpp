#pragma once
// Rows of the resized frame as pixels, whatever the format: planes are resized one by one, each
// from its own size, and chroma becomes colour a row at a time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/aligned_buffer.hpp"
#include "base/frame.hpp"
#include "cpu/features.hpp"
#include "kernels/yuv_rgb/yuv_rgb.hpp"
#include "plan/fit.hpp"
#include "plan/rows/methods.hpp"
#include "plan/yuyv_rows.hpp"

namespace ei::plan {

// Tables for frames of one size and format. Never changes; serves all threads.
class FrameTables {
  public:
    FrameTables(const FrameView& frame, const FrameFit& fit, Resize resize, cpu::Features features);

    bool made_for(const FrameView& frame) const noexcept {
        return width_ == frame.width && height_ == frame.height && format_ == frame.format;
    }
    const FrameFit& fit() const noexcept { return fit_; }
    // Of a frame, by one call: what of it the resize looks at, or a little more.
    std::int64_t bytes_read() const noexcept { return bytes_read_; }

  private:
    friend class FrameRows;

    int width_, height_;
    PixelFormat format_;
    FrameFit fit_;
    std::int64_t bytes_read_ = 0;
    std::unique_ptr<const Resampler> planes_[3];  // those of the format: luma and chroma apart
    yuv_rgb::Fn yuv_rgb_;
    split_yuyv::Fn split_yuyv_;
};

// The rows of one running call, with all its scratch; start() and row() allocate nothing.
class FrameRows {
  public:
    explicit FrameRows(std::shared_ptr<const FrameTables> tables);

    const std::shared_ptr<const FrameTables>& tables() const noexcept { return tables_; }

    // Begins a frame of the tables' size and format.
    void start(const FrameView& frame);
    // Row y of what the fit keeps, from top to bottom: fit().x.count pixels. Channels are those of
    // the frame, or R, G, B for a YUV format. Valid until the next call.
    const std::uint8_t* row(int y) {
        const std::uint8_t* first = planes_[0]->row(y);
        return is_yuv_ ? rgb_row(first, y) : first;
    }
    // 1 gray, 3 colour, 4 colour and one to drop.
    std::size_t pixel_bytes() const noexcept { return pixel_bytes_; }

  private:
    const std::uint8_t* rgb_row(const std::uint8_t* luma, int y);

    std::shared_ptr<const FrameTables> tables_;
    bool is_yuv_;
    std::size_t pixel_bytes_;
    std::unique_ptr<RowSource> planes_[3];
    std::unique_ptr<YuyvRows> yuyv_;
    yuv_rgb::Coefficients coefficients_{};
    AlignedBuffer rgb_;
};

// "operation=variant ...": the kernels that only YUV frames need.
std::string yuv_variants(cpu::Features features);

}  // namespace ei::plan
