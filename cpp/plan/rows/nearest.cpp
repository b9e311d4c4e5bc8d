#include "plan/rows/nearest.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/pick_columns/pick_columns.hpp"
#include "plan/rows/variant_names.hpp"

namespace ei::plan::nearest {
namespace {

// Source pixel of every output of the span. Pillow adds up the ratio from pixel to pixel, and the
// sum's rounding decides where a centre falls between two pixels, so it is added up here too.
std::vector<std::int32_t> sources(const AxisSpan& span) {
    const double ratio = static_cast<double>(span.source) / span.target;
    std::vector<std::int32_t> picked(static_cast<std::size_t>(span.count));
    double centre = ratio * 0.5;
    for (int x = 0; x < span.first; ++x) centre += ratio;
    for (std::int32_t& source : picked) {
        source = std::min(static_cast<std::int32_t>(centre), span.source - 1);
        centre += ratio;
    }
    return picked;
}

class Nearest final : public Resampler {
  public:
    Nearest(const PlaneSpan& span, cpu::Features features)
        : span_(span),
          columns_(sources(span.columns)),
          rows_(sources(span.rows)),
          pick_(best(pick_columns::kVariants, features).fn) {}

    std::unique_ptr<RowSource> rows() const override { return std::make_unique<Rows>(*this); }

  private:
    class Rows final : public RowSource {
      public:
        explicit Rows(const Nearest& tables)
            : RowSource(lanes(tables.span_.pixel_bytes), 1),
              tables_(tables),
              made_(tables.columns_.size() * pixel_bytes()) {}

        void start(const PlaneRows& plane) override {
            plane_ = plane;
            held_ = -1;
        }

        const std::uint8_t* row(int y) override {
            const std::int32_t source = tables_.rows_[static_cast<std::size_t>(y)];
            std::uint8_t* made = made_.as<std::uint8_t>().data();
            if (source != held_) {
                tables_.pick_(plane_.row(source), tables_.span_.pixel_bytes,
                              tables_.columns_.size(), tables_.columns_.data(), made);
                held_ = source;
            }
            return made;
        }

      private:
        const Nearest& tables_;
        PlaneRows plane_;
        AlignedBuffer made_;
        std::int32_t held_ = -1;  // source row in made_; when the image grows it serves several
    };

    PlaneSpan span_;
    std::vector<std::int32_t> columns_, rows_;
    pick_columns::Fn pick_;
};

}  // namespace

std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features) {
    return std::make_unique<Nearest>(span, features);
}

std::string variants(cpu::Features features) {
    std::string text;
    name_variant(text, "pick_columns", pick_columns::kVariants, features);
    return text;
}

}  // namespace ei::plan::nearest
