#include "plan/rows/kept.hpp"

namespace ei::plan::kept {
namespace {

class Rows final : public RowSource {
  public:
    explicit Rows(const PlaneSpan& span)
        : RowSource(span.pixel_bytes, 1),
          top_(span.rows.first),
          left_bytes_(static_cast<std::size_t>(span.columns.first) * span.pixel_bytes) {}

    void start(const PlaneRows& plane) override { plane_ = plane; }
    const std::uint8_t* row(int y) override { return plane_.row(top_ + y) + left_bytes_; }

  private:
    PlaneRows plane_;
    int top_;
    std::size_t left_bytes_;
};

class Kept final : public Resampler {
  public:
    explicit Kept(const PlaneSpan& span) : span_(span) {}
    std::unique_ptr<RowSource> rows() const override { return std::make_unique<Rows>(span_); }

  private:
    PlaneSpan span_;
};

}  // namespace

std::unique_ptr<const Resampler> make(const PlaneSpan& span) {
    return std::make_unique<Kept>(span);
}

}  // namespace ei::plan::kept
