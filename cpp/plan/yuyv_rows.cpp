#include "plan/yuyv_rows.hpp"

#include <algorithm>

namespace ei::plan {

YuyvRows::YuyvRows(int width, int rows_at_once, split_yuyv::Fn split)
    : width_(static_cast<std::size_t>(width)),
      split_(split),
      ring_(2 * width_ * static_cast<std::size_t>(rows_at_once)),
      held_(static_cast<std::size_t>(rows_at_once), -1),
      luma_(*this, 0),
      chroma_(*this, width_) {}

void YuyvRows::start(const PlaneView& plane) noexcept {
    plane_ = plane;
    std::fill(held_.begin(), held_.end(), -1);
}

const std::uint8_t* YuyvRows::split_row(int y) {
    const std::size_t slot = static_cast<std::size_t>(y) % held_.size();
    std::uint8_t* row = ring_.as<std::uint8_t>().data() + slot * 2 * width_;
    if (held_[slot] != y) {
        split_(plane_.data + y * plane_.stride_bytes, width_ / 2, row, row + width_);
        held_[slot] = y;
    }
    return row;
}

}  // namespace ei::plan
