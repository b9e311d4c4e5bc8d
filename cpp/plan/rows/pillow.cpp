#include "plan/rows/pillow.hpp"

#include <bit>
#include <optional>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/resize_columns/resize_columns.hpp"
#include "kernels/resize_rows/resize_rows.hpp"
#include "plan/rows/pillow_axis.hpp"
#include "plan/rows/variant_names.hpp"

namespace ei::plan::pillow {
namespace {

// Rows a horizontal pass takes per call, so that its variants share the loading of weights.
constexpr std::size_t kRowBatch = 4;

std::size_t index(int value) {
    return static_cast<std::size_t>(value);
}

// Tables of a plane. An axis that keeps its size has no pass.
struct Tables {
    PlaneSpan span;
    std::optional<Axis> columns, rows;
    resize_columns::Fn resize_columns;
    resize_rows::Fn resize_rows;
};

// A plane as the passes see it: only the source columns that a kept output needs.
struct Source {
    PlaneRows plane;
    std::size_t left_bytes = 0;

    const std::uint8_t* row(int y) const { return plane.row(y) + left_bytes; }
};

std::size_t left_bytes(const Tables& tables) {
    const int left = tables.columns ? tables.columns->begin() : tables.span.columns.first;
    return index(left) * tables.span.pixel_bytes;
}

// Columns, if at all, then rows.
class ColumnsFirst final : public RowSource {
  public:
    explicit ColumnsFirst(const Tables& tables)
        : RowSource(tables.columns ? lanes(tables.span.pixel_bytes) : tables.span.pixel_bytes,
                    tables.columns ? static_cast<int>(kRowBatch)
                                   : static_cast<int>(tables.rows->most_taps())),
          tables_(tables),
          row_bytes_(index(tables.span.columns.count) * pixel_bytes()) {
        source_.left_bytes = left_bytes(tables);
        // The ring holds the rows one output row needs and those a batch may run ahead; a power of
        // two, since every tap looks for its slot.
        const std::size_t most_taps = tables.rows ? tables.rows->most_taps() : 1;
        last_slot_ = std::bit_ceil(most_taps + kRowBatch - 1) - 1;
        if (tables.columns) ring_ = AlignedBuffer((last_slot_ + 1) * row_bytes_);
        if (tables.rows) made_ = AlignedBuffer(row_bytes_);
        pointers_.resize(most_taps);
    }

    void start(const PlaneRows& plane) override {
        source_.plane = plane;
        ready_ = 0;
    }

    const std::uint8_t* row(int y) override {
        if (!tables_.rows) return resized_row(tables_.span.rows.first + y);
        const Axis& rows = *tables_.rows;
        const int first = rows.first(y);
        const int count = rows.count(y);
        for (int t = 0; t < count; ++t) pointers_[index(t)] = resized_row(first + t);
        std::uint8_t* made = made_.as<std::uint8_t>().data();
        tables_.resize_rows(pointers_.data(), rows.weights(y), index(count), row_bytes_, made);
        return made;
    }

  private:
    std::uint8_t* slot(int y) {
        return ring_.as<std::uint8_t>().data() + (index(y) & last_slot_) * row_bytes_;
    }

    // Source row y behind the horizontal pass.
    const std::uint8_t* resized_row(int y) {
        if (!tables_.columns) return source_.row(y);
        if (y >= ready_) {
            const std::uint8_t* sources[kRowBatch];
            std::uint8_t* targets[kRowBatch];
            std::size_t count = 0;
            ready_ = y;  // rows that no output row needs are left out
            for (; count < kRowBatch && ready_ < last_row(); ++count, ++ready_) {
                sources[count] = source_.row(ready_);
                targets[count] = slot(ready_);
            }
            tables_.resize_columns(sources, count, tables_.span.pixel_bytes,
                                   tables_.columns->width(), tables_.columns->taps(), targets);
        }
        return slot(y);
    }

    // Behind the last source row that a kept output needs.
    int last_row() const {
        return tables_.rows ? tables_.rows->end()
                            : tables_.span.rows.first + tables_.span.rows.count;
    }

    const Tables& tables_;
    Source source_;
    std::size_t row_bytes_;
    std::size_t last_slot_ = 0;
    AlignedBuffer ring_, made_;
    std::vector<const std::uint8_t*> pointers_;
    int ready_ = 0;  // source rows before it went through the horizontal pass, or are not needed
};

// Rows first, then columns, a batch of rows at a time, and no ring, since no row is needed twice.
class RowsFirst final : public RowSource {
  public:
    explicit RowsFirst(const Tables& tables)
        : RowSource(lanes(tables.span.pixel_bytes), static_cast<int>(tables.rows->most_taps())),
          tables_(tables),
          source_row_bytes_(tables.columns->width() * tables.span.pixel_bytes),
          row_bytes_(index(tables.span.columns.count) * pixel_bytes()),
          shrunk_(kRowBatch * source_row_bytes_),
          made_(kRowBatch * row_bytes_),
          pointers_(tables.rows->most_taps()) {
        source_.left_bytes = left_bytes(tables);
    }

    void start(const PlaneRows& plane) override {
        source_.plane = plane;
        begin_ = end_ = 0;
    }

    const std::uint8_t* row(int y) override {
        if (y >= end_) make_batch(y);
        return made_.as<std::uint8_t>().data() + index(y - begin_) * row_bytes_;
    }

  private:
    void make_batch(int y) {
        const Axis& rows = *tables_.rows;
        const std::uint8_t* sources[kRowBatch];
        std::uint8_t* targets[kRowBatch];
        std::size_t count = 0;
        for (begin_ = end_ = y; count < kRowBatch && end_ < tables_.span.rows.count;
             ++count, ++end_) {
            for (int t = 0; t < rows.count(end_); ++t) {
                pointers_[index(t)] = source_.row(rows.first(end_) + t);
            }
            std::uint8_t* target = shrunk_.as<std::uint8_t>().data() + count * source_row_bytes_;
            tables_.resize_rows(pointers_.data(), rows.weights(end_), index(rows.count(end_)),
                                source_row_bytes_, target);
            sources[count] = target;
            targets[count] = made_.as<std::uint8_t>().data() + count * row_bytes_;
        }
        tables_.resize_columns(sources, count, tables_.span.pixel_bytes, tables_.columns->width(),
                               tables_.columns->taps(), targets);
    }

    const Tables& tables_;
    Source source_;
    std::size_t source_row_bytes_;
    std::size_t row_bytes_;
    AlignedBuffer shrunk_, made_;
    std::vector<const std::uint8_t*> pointers_;
    int begin_ = 0, end_ = 0;  // output rows that are made
};

class Pillow final : public Resampler {
  public:
    Pillow(const PlaneSpan& span, cpu::Features features)
        : tables_{span,
                  {},
                  {},
                  best(resize_columns::kVariants, features).fn,
                  best(resize_rows::kVariants, features).fn} {
        if (!span.columns.keeps_size()) tables_.columns.emplace(span.columns);
        if (!span.rows.keeps_size()) tables_.rows.emplace(span.rows);
    }

    std::unique_ptr<RowSource> rows() const override {
        if (tables_.columns && tables_.rows && takes_rows_first()) {
            return std::make_unique<RowsFirst>(tables_);
        }
        return std::make_unique<ColumnsFirst>(tables_);
    }

  private:
    // Each pass rounds to bytes, so their order shows. Pillow 13 takes rows first where the height
    // loses more than twice the pixels the width does; older ones always take columns first and
    // differ there by at most 1.
    bool takes_rows_first() const {
        const long long lost_rows = tables_.span.rows.source - tables_.span.rows.target;
        const long long lost_columns = tables_.span.columns.source - tables_.span.columns.target;
        return lost_rows > 0 && lost_rows > 2 * lost_columns;
    }

    Tables tables_;
};

}  // namespace

std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features) {
    return std::make_unique<Pillow>(span, features);
}

std::string variants(cpu::Features features) {
    std::string text;
    name_variant(text, "resize_columns", resize_columns::kVariants, features);
    name_variant(text, "resize_rows", resize_rows::kVariants, features);
    return text;
}

}  // namespace ei::plan::pillow
