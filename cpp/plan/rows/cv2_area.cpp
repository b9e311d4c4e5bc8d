#include "plan/rows/cv2_area.hpp"

#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/area_columns/area_columns.hpp"
#include "kernels/area_rows/area_rows.hpp"
#include "kernels/average_boxes/average_boxes.hpp"
#include "plan/rows/cv2_area_axis.hpp"
#include "plan/rows/cv2_linear.hpp"
#include "plan/rows/variant_names.hpp"

namespace ei::plan::cv2_area {
namespace {

std::size_t index(int value) {
    return static_cast<std::size_t>(value);
}

class Boxes final : public Resampler {
  public:
    Boxes(const PlaneSpan& span, cpu::Features features)
        : span_(span),
          box_width_(span.columns.source / span.columns.target),
          box_height_(span.rows.source / span.rows.target),
          average_(best(average_boxes::kVariants, features).fn) {}

    std::unique_ptr<RowSource> rows() const override { return std::make_unique<Rows>(*this); }

  private:
    class Rows final : public RowSource {
      public:
        explicit Rows(const Boxes& tables)
            : RowSource(lanes(tables.span_.pixel_bytes), tables.box_height_),
              tables_(tables),
              sources_(index(tables.box_height_)),
              made_(index(tables.span_.columns.count) * pixel_bytes()) {}

        void start(const PlaneRows& plane) override { plane_ = plane; }

        const std::uint8_t* row(int y) override {
            const PlaneSpan& span = tables_.span_;
            const int top = (span.rows.first + y) * tables_.box_height_;
            const std::size_t left_bytes =
                index(span.columns.first) * index(tables_.box_width_) * span.pixel_bytes;
            for (int i = 0; i < tables_.box_height_; ++i) {
                sources_[index(i)] = plane_.row(top + i) + left_bytes;
            }
            std::uint8_t* made = made_.as<std::uint8_t>().data();
            tables_.average_(sources_.data(), sources_.size(), span.pixel_bytes,
                             index(tables_.box_width_), index(span.columns.count), made);
            return made;
        }

      private:
        const Boxes& tables_;
        PlaneRows plane_;
        std::vector<const std::uint8_t*> sources_;
        AlignedBuffer made_;
    };

    PlaneSpan span_;
    int box_width_, box_height_;
    average_boxes::Fn average_;
};

class Weighted final : public Resampler {
  public:
    Weighted(const PlaneSpan& span, cpu::Features features)
        : span_(span),
          columns_(span.columns),
          rows_(span.rows),
          area_columns_(best(area_columns::kVariants, features).fn),
          area_rows_(best(area_rows::kVariants, features).fn) {}

    std::unique_ptr<RowSource> rows() const override { return std::make_unique<Rows>(*this); }

  private:
    class Rows final : public RowSource {
      public:
        explicit Rows(const Weighted& tables)
            : RowSource(lanes(tables.span_.pixel_bytes), 1),
              tables_(tables),
              row_values_(index(tables.span_.columns.count) * pixel_bytes()),
              narrowed_(row_values_ * sizeof(float)),
              sums_(row_values_ * sizeof(float)),
              made_(row_values_) {}

        void start(const PlaneRows& plane) override {
            plane_ = plane;
            held_ = -1;
        }

        const std::uint8_t* row(int y) override {
            float* narrowed = narrowed_.as<float>().data();
            float* sums = sums_.as<float>().data();
            std::uint8_t* made = made_.as<std::uint8_t>().data();
            const int count = tables_.rows_.count(y);
            for (int t = 0; t < count; ++t) {
                const int source = tables_.rows_.first(y) + t;
                if (source != held_) {  // two outputs may share a row
                    tables_.area_columns_(plane_.row(source), tables_.span_.pixel_bytes,
                                          index(tables_.span_.columns.source),
                                          tables_.columns_.taps(), narrowed);
                    held_ = source;
                }
                tables_.area_rows_(narrowed, tables_.rows_.weights(y)[t], row_values_,
                                   t == 0 ? nullptr : sums, sums, t == count - 1 ? made : nullptr);
            }
            return made;
        }

      private:
        const Weighted& tables_;
        PlaneRows plane_;
        std::size_t row_values_;
        AlignedBuffer narrowed_, sums_, made_;
        int held_ = -1;  // the source row that is narrowed
    };

    PlaneSpan span_;
    Axis columns_, rows_;
    area_columns::Fn area_columns_;
    area_rows::Fn area_rows_;
};

}  // namespace

std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features) {
    switch (way(span.columns, span.rows)) {
        case Way::halve:
            return cv2_linear::make(span, features);
        case Way::boxes:
            return std::make_unique<Boxes>(span, features);
        case Way::weights:
            return std::make_unique<Weighted>(span, features);
        case Way::lerp:
            break;
    }
    return cv2_linear::make_from_edges(span, features);
}

std::string variants(cpu::Features features) {
    std::string text;
    name_variant(text, "area_columns", area_columns::kVariants, features);
    name_variant(text, "area_rows", area_rows::kVariants, features);
    name_variant(text, "average_boxes", average_boxes::kVariants, features);
    return text + " " + cv2_linear::variants(features);
}

}  // namespace ei::plan::cv2_area
