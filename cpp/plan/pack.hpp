#pragma once
// Rows of pixels to rows of a tensor, whatever its layout and type.

#include <cstddef>
#include <cstdint>
#include <string>

#include "cpu/features.hpp"
#include "kernels/affine3.hpp"
#include "kernels/map_interleaved/map_interleaved.hpp"
#include "kernels/map_planar/map_planar.hpp"
#include "kernels/pack_interleaved/pack_interleaved.hpp"
#include "kernels/pack_planar/pack_planar.hpp"
#include "kernels/tables3.hpp"
#include "plan/recipe.hpp"

namespace ei::plan {

class Pack {
  public:
    // Raises Error(input) for an integer type without quant that cannot hold the recipe's values.
    Pack(const Recipe& recipe, cpu::Features features);

    // Which channels the bytes of a pixel are, in their order. One gray byte is all three.
    enum class Bytes { in_order, swapped };

    // Writes `count` pixels of tensor row y from column x on.
    void operator()(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
                    Bytes bytes, int y, int x, void* out) const;

    std::string variants(cpu::Features features) const;

  private:
    Layout layout_;
    ElementType dtype_;
    std::size_t width_, area_;
    // In the order of the tensor's channels, and with the first and the last exchanged.
    Affine3 affine_[2];
    Tables3 tables_[2];

    pack_planar::Fn pack_planar_;
    pack_interleaved::Fn pack_interleaved_;
    map_planar::Fn map_planar_;
    map_interleaved::Fn map_interleaved_;
};

}  // namespace ei::plan
