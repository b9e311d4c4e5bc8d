#include "plan/rows/cv2_linear_apart.hpp"

#include <algorithm>

#include "base/aligned_buffer.hpp"
#include "kernels/lerp_2x2/lerp_2x2.hpp"
#include "plan/rows/cv2_axis.hpp"

namespace ei::plan::cv2_linear::apart {
namespace {

class Apart final : public Resampler {
  public:
    Apart(const PlaneSpan& span, cpu::Features features)
        : span_(span),
          columns_(span.columns, Axis::Border::reweight),
          rows_(span.rows, Axis::Border::repeat),
          lerp_(best(lerp_2x2::kVariants, features).fn) {}

    std::unique_ptr<RowSource> rows() const override { return std::make_unique<Rows>(*this); }

  private:
    class Rows final : public RowSource {
      public:
        explicit Rows(const Apart& tables)
            : RowSource(lanes(tables.span_.pixel_bytes), 2),
              tables_(tables),
              made_(static_cast<std::size_t>(tables.span_.columns.count) * pixel_bytes()) {}

        void start(const PlaneRows& plane) override { plane_ = plane; }

        const std::uint8_t* row(int y) override {
            const PlaneSpan& span = tables_.span_;
            // Asked for, an unpacked row would be made, in the place of one that is still read.
            const int next = plane_.unpacked != nullptr ? y : std::min(y + 1, span.rows.count - 1);
            const std::int16_t* weights = tables_.rows_.weights(y);
            std::uint8_t* made = made_.as<std::uint8_t>().data();
            tables_.lerp_(sources(y), sources(next), span.pixel_bytes,
                          static_cast<std::size_t>(span.columns.source), tables_.columns_.lerp(),
                          {weights[0], weights[1]}, made);
            return made;
        }

      private:
        lerp_2x2::Rows sources(int y) const {
            return {plane_.row(tables_.rows_.left(y)), plane_.row(tables_.rows_.right(y))};
        }

        const Apart& tables_;
        PlaneRows plane_;
        AlignedBuffer made_;
    };

    PlaneSpan span_;
    Axis columns_, rows_;
    lerp_2x2::Fn lerp_;
};

}  // namespace

bool serves(const PlaneSpan& span, cpu::Features features) {
    return span.pixel_bytes != 2 && span.columns.source >= 2 &&
           span.rows.source >= 2LL * span.rows.target &&
           best(lerp_2x2::kVariants, features).needs != cpu::kNone;
}

std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features) {
    return std::make_unique<Apart>(span, features);
}

}  // namespace ei::plan::cv2_linear::apart
