#include "plan/rows/cv2_linear.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "kernels/average_2x2/average_2x2.hpp"
#include "kernels/lerp_2x2/lerp_2x2.hpp"
#include "kernels/lerp_columns/lerp_columns.hpp"
#include "kernels/lerp_rows/lerp_rows.hpp"
#include "plan/rows/ahead.hpp"
#include "plan/rows/cv2_axis.hpp"
#include "plan/rows/cv2_linear_apart.hpp"
#include "plan/rows/variant_names.hpp"

namespace ei::plan::cv2_linear {
namespace {

std::size_t index(int value) {
    return static_cast<std::size_t>(value);
}

// What OpenCV does instead where both sides are halved exactly.
class Halved final : public Resampler {
  public:
    Halved(const PlaneSpan& span, cpu::Features features)
        : span_(span), average_(best(average_2x2::kVariants, features).fn) {}

    std::unique_ptr<RowSource> rows() const override { return std::make_unique<Rows>(*this); }

  private:
    class Rows final : public RowSource {
      public:
        explicit Rows(const Halved& tables)
            : RowSource(lanes(tables.span_.pixel_bytes), 2),
              tables_(tables),
              made_(index(tables.span_.columns.count) * pixel_bytes()) {}

        void start(const PlaneRows& plane) override { plane_ = plane; }

        const std::uint8_t* row(int y) override {
            const PlaneSpan& span = tables_.span_;
            const std::size_t left_bytes = 2 * index(span.columns.first) * span.pixel_bytes;
            const int upper = 2 * (span.rows.first + y);
            std::uint8_t* made = made_.as<std::uint8_t>().data();
            tables_.average_(plane_.row(upper) + left_bytes, plane_.row(upper + 1) + left_bytes,
                             span.pixel_bytes, index(span.columns.count), made);
            return made;
        }

      private:
        const Halved& tables_;
        PlaneRows plane_;
        AlignedBuffer made_;
    };

    PlaneSpan span_;
    average_2x2::Fn average_;
};

class Linear final : public Resampler {
  public:
    Linear(const PlaneSpan& span, Axis::Positions positions, cpu::Features features)
        : span_(span),
          columns_(span.columns, Axis::Border::reweight, positions),
          rows_(span.rows, Axis::Border::repeat, positions),
          lerp_columns_(best(lerp_columns::kVariants, features).fn),
          lerp_rows_(best(lerp_rows::kVariants, features).fn) {}

    std::unique_ptr<RowSource> rows() const override { return std::make_unique<Rows>(*this); }

  private:
    class Rows final : public RowSource {
      public:
        explicit Rows(const Linear& tables)
            : RowSource(lerp_columns::values_of(tables.span_.pixel_bytes), 1),
              tables_(tables),
              ahead_(tables.left_bytes(), tables.wanted_bytes()),
              row_values_(index(tables.span_.columns.count) * pixel_bytes()),
              slots_(2 * row_values_ * sizeof(std::int16_t)),
              made_(row_values_) {}

        void start(const PlaneRows& plane) override {
            plane_ = plane;
            ahead_.start(plane);
            held_[0] = held_[1] = -1;
        }

        const std::uint8_t* row(int y) override {
            const int above = tables_.rows_.left(y);
            const int below = tables_.rows_.right(y);
            const int later = std::min(y + Ahead::kOutputs, tables_.span_.rows.count - 1);
            ahead_.fetch(tables_.rows_.left(later), tables_.rows_.right(later) + 1);
            if (held_[0] != above) {
                if (held_[1] == above) {
                    swapped_ = !swapped_;
                    std::swap(held_[0], held_[1]);
                } else {
                    fill(0, above);
                }
            }
            if (below != above && held_[1] != below) fill(1, below);
            const std::int16_t* weights = tables_.rows_.weights(y);
            std::uint8_t* made = made_.as<std::uint8_t>().data();
            tables_.lerp_rows_(slot(0), below == above ? slot(0) : slot(1), weights[0], weights[1],
                               row_values_, made);
            return made;
        }

      private:
        // Two interpolated source rows; when the image grows, both serve several output rows.
        std::int16_t* slot(int which) {
            const bool second = (which == 1) != swapped_;
            return slots_.as<std::int16_t>().data() + (second ? row_values_ : 0);
        }

        void fill(int which, int y) {
            const std::size_t pixel_bytes = tables_.span_.pixel_bytes;
            const std::uint8_t* source = plane_.row(y);
            std::size_t width = index(tables_.span_.columns.source);
            std::uint8_t doubled[8];
            if (width == 1) {  // the kernel mixes pairs
                std::memcpy(doubled, source, pixel_bytes);
                std::memcpy(doubled + pixel_bytes, source, pixel_bytes);
                source = doubled;
                width = 2;
            }
            tables_.lerp_columns_(source, pixel_bytes, width, tables_.columns_.lerp(), slot(which));
            held_[which] = y;
        }

        const Linear& tables_;
        PlaneRows plane_;
        Ahead ahead_;
        std::size_t row_values_;
        AlignedBuffer slots_, made_;
        int held_[2] = {-1, -1};  // source rows in the slots
        bool swapped_ = false;
    };

    std::size_t left_bytes() const { return index(columns_.left(0)) * span_.pixel_bytes; }

    // What is asked for ahead of a row. Of colour nothing: its long rows keep the CPU's own
    // prefetching busy, and asking as well takes 1.1 times as long.
    std::size_t wanted_bytes() const {
        if (span_.pixel_bytes > 2) return 0;
        const int pixels = columns_.right(span_.columns.count - 1) + 1 - columns_.left(0);
        return index(pixels) * span_.pixel_bytes;
    }

    PlaneSpan span_;
    Axis columns_, rows_;
    lerp_columns::Fn lerp_columns_;
    lerp_rows::Fn lerp_rows_;
};

bool is_halved(const AxisSpan& span) {
    return span.source == 2LL * span.target;
}

}  // namespace

std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features) {
    if (is_halved(span.columns) && is_halved(span.rows)) {
        return std::make_unique<Halved>(span, features);
    }
    if (apart::serves(span, features)) return apart::make(span, features);
    return std::make_unique<Linear>(span, Axis::Positions::centres, features);
}

std::unique_ptr<const Resampler> make_from_edges(const PlaneSpan& span, cpu::Features features) {
    return std::make_unique<Linear>(span, Axis::Positions::edges, features);
}

std::string variants(cpu::Features features) {
    std::string text;
    name_variant(text, "lerp_columns", lerp_columns::kVariants, features);
    name_variant(text, "lerp_rows", lerp_rows::kVariants, features);
    name_variant(text, "lerp_2x2", lerp_2x2::kVariants, features);
    name_variant(text, "average_2x2", average_2x2::kVariants, features);
    return text;
}

}  // namespace ei::plan::cv2_linear
