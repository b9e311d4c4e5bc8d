#pragma once
// Resized rows of one plane of a frame, pulled from top to bottom: the interface of every resize.
//
// A resize is two classes. Its Resampler holds the tables of one plane geometry; it never changes
// and serves all threads. Its RowSource holds the scratch of one running call, all of it allocated
// when it is made: start() and row() allocate nothing. rows/methods.cpp lists the resizes.

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ei::plan {

// Outputs first .. first + count - 1 of an axis that is resized from `source` to `target` pixels.
// Tables are made for these outputs only; each is what it would be if all were made.
struct AxisSpan {
    int source = 0, target = 0;  // pixels
    int first = 0, count = 0;    // of target

    bool keeps_size() const noexcept { return source == target; }
};

// All outputs of an axis.
template <class Size>
constexpr AxisSpan whole(Size source, Size target) noexcept {
    return {static_cast<int>(source), static_cast<int>(target), 0, static_cast<int>(target)};
}

// What becomes of a plane.
struct PlaneSpan {
    AxisSpan columns, rows;
    std::size_t pixel_bytes = 0;  // 1, 3 or 4 (one dropped); 2 for interleaved chroma
};

// Rows that are not in memory as a plane: somebody unpacks them when they are asked for.
class UnpackedRows {
  public:
    virtual ~UnpackedRows() = default;
    virtual const std::uint8_t* row(int y) = 0;
};

// Where the rows of a plane come from. Pointers of the latest RowSource::rows_at_once() rows stay
// valid; of rows in memory, all.
struct PlaneRows {
    const std::uint8_t* data = nullptr;
    std::ptrdiff_t stride_bytes = 0;
    UnpackedRows* unpacked = nullptr;  // instead of data

    const std::uint8_t* row(int y) const {
        return unpacked != nullptr ? unpacked->row(y) : data + y * stride_bytes;
    }
};

class RowSource {
  public:
    virtual ~RowSource() = default;
    RowSource(const RowSource&) = delete;
    RowSource& operator=(const RowSource&) = delete;

    // Begins a frame of the geometry this was made for; forgets the one before.
    virtual void start(const PlaneRows& plane) = 0;
    // Row y of the span, 0..rows.count - 1, asked for in increasing order: columns.count pixels of
    // pixel_bytes(). Valid until the next call.
    virtual const std::uint8_t* row(int y) = 0;

    // Bytes from one pixel of a row to the next: those of the plane, or as many as kernels write.
    std::size_t pixel_bytes() const noexcept { return pixel_bytes_; }
    // How many rows of the plane must stay valid at once.
    int rows_at_once() const noexcept { return rows_at_once_; }

  protected:
    RowSource(std::size_t pixel_bytes, int rows_at_once) noexcept
        : pixel_bytes_(pixel_bytes), rows_at_once_(rows_at_once) {}

  private:
    std::size_t pixel_bytes_;
    int rows_at_once_;
};

class Resampler {
  public:
    virtual ~Resampler() = default;
    // The sources read this resampler's tables, so it must live longer.
    virtual std::unique_ptr<RowSource> rows() const = 0;
};

// Bytes of a pixel behind a horizontal pass: see the kernels' contracts.
constexpr std::size_t lanes(std::size_t pixel_bytes) noexcept {
    return pixel_bytes == 1 ? 1 : 4;
}

}  // namespace ei::plan
