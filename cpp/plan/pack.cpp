#include "plan/pack.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/error.hpp"
#include "plan/rows/variant_names.hpp"

namespace ei::plan {
namespace {

constexpr std::size_t kLevels = 256;

Affine3 fold(const Recipe& recipe) {
    Affine3 affine{};
    for (std::size_t c = 0; c < 3; ++c) {
        affine.scale[c] = static_cast<float>(recipe.scale / recipe.std[c]);
        affine.bias[c] = static_cast<float>(-recipe.mean[c] / recipe.std[c]);
    }
    return affine;
}

// What the float tensor would hold for every byte.
std::array<std::array<float, kLevels>, 3> values_of(const Affine3& affine) {
    std::array<std::uint8_t, kLevels> bytes{};
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    std::array<std::array<float, kLevels>, 3> values{};
    pack_planar::scalar::row(bytes.data(), 1, kLevels, affine, values[0].data(), values[1].data(),
                             values[2].data());
    return values;
}

// Without a quant, rounding to whole numbers must leave values that differ, inside the type.
// Fewer levels than this are a forgotten scale, not an input.
constexpr int kFewestLevels = 16;

[[noreturn]] void refuse_unquantised(const Recipe& recipe, const std::string& found) {
    throw Error(ErrorKind::input,
                std::string("dtype: found ") + name_of(recipe.dtype) + " without quant, " + found +
                    "; wanted quant=(scale, zero_point) of the model's input, or values that " +
                    "are whole numbers of the type, such as " +
                    (recipe.dtype == ElementType::uint8
                         ? "scale=1 for the bytes themselves"
                         : "scale=1, mean=(128, 128, 128) for the bytes less 128"));
}

Tables3 quantised(const Recipe& recipe, const Affine3& affine) {
    const auto values = values_of(affine);
    const Quant quant = recipe.quant.value_or(Quant{});
    const auto scale = static_cast<float>(quant.scale);
    const float least = recipe.dtype == ElementType::uint8 ? 0.0f : -128.0f;
    const float most = recipe.dtype == ElementType::uint8 ? 255.0f : 127.0f;
    Tables3 tables{};
    for (std::size_t c = 0; c < 3; ++c) {
        int levels = 0;
        for (std::size_t x = 0; x < kLevels; ++x) {
            const float whole = std::nearbyint(values[c][x] / scale) +  // halves to even
                                static_cast<float>(quant.zero_point);
            const float kept = whole < least ? least : whole > most ? most : whole;
            if (!recipe.quant && kept != whole) {
                refuse_unquantised(recipe, "and values from " + std::to_string(values[c][0]) +
                                               " to " + std::to_string(values[c][kLevels - 1]) +
                                               ", beyond the type");
            }
            const auto byte = static_cast<std::uint8_t>(static_cast<int>(kept));
            if (x == 0 || byte != tables.of[c][x - 1]) ++levels;
            tables.of[c][x] = byte;
        }
        if (!recipe.quant && levels < kFewestLevels) {
            refuse_unquantised(recipe, "and scale, mean and std that leave " +
                                           std::to_string(levels) + " different values");
        }
    }
    tables.flips = only_flips(tables);
    return tables;
}

template <class Values>
void swap_ends(Values& values) {
    std::swap(values[0], values[2]);
}

}  // namespace

Pack::Pack(const Recipe& recipe, cpu::Features features)
    : layout_(recipe.layout),
      dtype_(recipe.dtype),
      width_(static_cast<std::size_t>(recipe.width)),
      area_(width_ * static_cast<std::size_t>(recipe.height)),
      affine_{fold(recipe), fold(recipe)},
      tables_{},
      pack_planar_(best(pack_planar::kVariants, features).fn),
      pack_interleaved_(best(pack_interleaved::kVariants, features).fn),
      map_planar_(best(map_planar::kVariants, features).fn),
      map_interleaved_(best(map_interleaved::kVariants, features).fn) {
    swap_ends(affine_[1].scale);
    swap_ends(affine_[1].bias);
    if (dtype_ != ElementType::float32) {
        tables_[0] = tables_[1] = quantised(recipe, affine_[0]);
        swap_ends(tables_[1].of);
    }
}

void Pack::operator()(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
                      Bytes bytes, int y, int x, void* out) const {
    const bool swap = bytes == Bytes::swapped;
    const std::size_t at = static_cast<std::size_t>(y) * width_ + static_cast<std::size_t>(x);
    // Bytes and tensor may order their channels differently: in planes, these and their values
    // change places instead.
    const std::size_t first = at + (swap ? 2 * area_ : 0);
    const std::size_t last = at + (swap ? 0 : 2 * area_);
    if (dtype_ == ElementType::float32) {
        auto* floats = static_cast<float*>(out);
        if (layout_ == Layout::nchw) {
            pack_planar_(pixels, pixel_bytes, count, affine_[swap ? 1 : 0], floats + first,
                         floats + area_ + at, floats + last);
        } else {
            pack_interleaved_(pixels, pixel_bytes, count, affine_[0], swap, floats + 3 * at);
        }
        return;
    }
    auto* whole = static_cast<std::uint8_t*>(out);
    if (layout_ == Layout::nchw) {
        map_planar_(pixels, pixel_bytes, count, tables_[swap ? 1 : 0], whole + first,
                    whole + area_ + at, whole + last);
    } else {
        map_interleaved_(pixels, pixel_bytes, count, tables_[0], swap, whole + 3 * at);
    }
}

std::string Pack::variants(cpu::Features features) const {
    std::string text;
    const bool is_float = dtype_ == ElementType::float32;
    if (layout_ == Layout::nchw && is_float) {
        name_variant(text, "pack_planar", pack_planar::kVariants, features);
    } else if (is_float) {
        name_variant(text, "pack_interleaved", pack_interleaved::kVariants, features);
    } else if (layout_ == Layout::nchw) {
        name_variant(text, "map_planar", map_planar::kVariants, features);
    } else {
        name_variant(text, "map_interleaved", map_interleaved::kVariants, features);
    }
    return text;
}

}  // namespace ei::plan
