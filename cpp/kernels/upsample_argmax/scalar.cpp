// The specification, in blocks of output pixels small enough for the first-level cache: each class
// is expanded along x once per block, then competes on every row of it.

#include <algorithm>
#include <limits>

#include "kernels/upsample_argmax/limited.hpp"
#include "kernels/upsample_argmax/upsample_argmax.hpp"

namespace ei::upsample_argmax::scalar {
namespace {

constexpr int kBlockColumns = 64;
constexpr int kBlockRows = 16;

struct Block {
    int top, bottom;      // samples
    int row, rows;        // output
    int column, columns;  // output
};

template <class In>
void expand(const In* row, const Axis& axis, const Block& block, float* expanded) noexcept {
    for (int i = 0; i < block.columns; ++i) {
        const int x = block.column + i;
        const int left = axis.first[x];
        const int right = std::min(left + 1, axis.in - 1);
        expanded[i] = limited(row[left]) * axis.near[x] + limited(row[right]) * axis.far[x];
    }
}

template <class In, class Out>
void fill_block(const Geometry& geometry, const Logits& logits, const Block& block,
                const Mask& mask) noexcept {
    alignas(64) float upper[kBlockColumns];
    alignas(64) float lower[kBlockColumns];
    alignas(64) float best[kBlockRows][kBlockColumns];
    alignas(64) std::int32_t winner[kBlockRows][kBlockColumns];
    for (int r = 0; r < block.rows; ++r) {
        std::fill_n(best[r], kBlockColumns, -std::numeric_limits<float>::infinity());
        std::fill_n(winner[r], kBlockColumns, 0);
    }
    for (int c = 0; c < geometry.classes; ++c) {
        const In* plane =
            static_cast<const In*>(logits.data) + static_cast<std::size_t>(c) * logits.class_stride;
        expand(plane + static_cast<std::size_t>(block.top) * logits.row_stride, geometry.x, block,
               upper);
        expand(plane + static_cast<std::size_t>(block.bottom) * logits.row_stride, geometry.x,
               block, lower);
        for (int r = 0; r < block.rows; ++r) {
            const float near = geometry.y.near[block.row + r];
            const float far = geometry.y.far[block.row + r];
            for (int i = 0; i < block.columns; ++i) {
                const float value = upper[i] * near + lower[i] * far;
                const float leader = best[r][i];
                // All ones where it wins: GCC 12 vectorises this, and no conditional.
                const std::int32_t wins = -static_cast<std::int32_t>(value > leader);
                winner[r][i] ^= (winner[r][i] ^ c) & wins;
                best[r][i] = value > leader ? value : leader;
            }
        }
    }
    for (int r = 0; r < block.rows; ++r) {
        Out* out = static_cast<Out*>(mask.data) +
                   static_cast<std::size_t>(block.row + r) * mask.stride + block.column;
        int run_start = 0;  // neighbours mostly share a class: one addition per run of equals
        for (int i = 0; i < block.columns; ++i) {
            out[i] = static_cast<Out>(winner[r][i]);
            if (winner[r][i] != winner[r][run_start]) {
                mask.areas[winner[r][run_start]] += i - run_start;
                run_start = i;
            }
        }
        mask.areas[winner[r][run_start]] += block.columns - run_start;
    }
}

template <class In, class Out>
void fill(const Geometry& geometry, const Logits& logits, const Mask& mask) noexcept {
    std::fill_n(mask.areas, geometry.classes, std::int64_t{0});
    for (int row = 0; row < geometry.y.out;) {
        const int top = geometry.y.first[row];
        int rows = 1;
        while (rows < kBlockRows && row + rows < geometry.y.out &&
               geometry.y.first[row + rows] == top) {
            ++rows;
        }
        const int bottom = std::min(top + 1, geometry.y.in - 1);
        for (int column = 0; column < geometry.x.out; column += kBlockColumns) {
            const int columns = std::min(kBlockColumns, geometry.x.out - column);
            fill_block<In, Out>(geometry, logits, {top, bottom, row, rows, column, columns}, mask);
        }
        row += rows;
    }
}

template <class In>
void fill(const Geometry& geometry, const Logits& logits, const Mask& mask) noexcept {
    if (is_wide(geometry.classes)) {
        fill<In, std::uint16_t>(geometry, logits, mask);
    } else {
        fill<In, std::uint8_t>(geometry, logits, mask);
    }
}

}  // namespace

void run(const Geometry& geometry, const Logits& logits, const Mask& mask,
         std::byte* /*scratch*/) noexcept {
    switch (logits.type) {
        case ElementType::uint8:
            return fill<std::uint8_t>(geometry, logits, mask);
        case ElementType::int8:
            return fill<std::int8_t>(geometry, logits, mask);
        default:
            return fill<float>(geometry, logits, mask);
    }
}

}  // namespace ei::upsample_argmax::scalar
