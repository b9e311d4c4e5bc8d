#pragma once
// The table of resizes: a new one is a file in this folder and a line in kMethods.

#include <memory>
#include <string>

#include "cpu/features.hpp"
#include "plan/rows/cv2_area.hpp"
#include "plan/rows/cv2_linear.hpp"
#include "plan/rows/nearest.hpp"
#include "plan/rows/pillow.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan {

// Whose arithmetic to match.
enum class Resize {
    pil_bilinear,  // Pillow's BILINEAR: antialiased when shrinking
    cv2_linear,    // cv2.INTER_LINEAR: two source pixels per axis, whatever the ratio
    cv2_area,      // cv2.INTER_AREA: the average of what an output pixel covers
    nearest,       // Pillow's NEAREST
};

struct Method {
    Resize resize;
    const char* name;  // in recipes
    // For a plane of which at least one side changes.
    std::unique_ptr<const Resampler> (*make)(const PlaneSpan& span, cpu::Features features);
    // "operation=variant ...": the kernels it would use.
    std::string (*variants)(cpu::Features features);
};

inline constexpr Method kMethods[] = {
    {Resize::pil_bilinear, "PIL_BILINEAR", &pillow::make, &pillow::variants},
    {Resize::cv2_linear, "CV2_LINEAR", &cv2_linear::make, &cv2_linear::variants},
    {Resize::cv2_area, "CV2_AREA", &cv2_area::make, &cv2_area::variants},
    {Resize::nearest, "NEAREST", &nearest::make, &nearest::variants},
};

const Method& method_of(Resize resize);

// The tables of a plane: those of `resize`, or none where both sides keep their size.
std::unique_ptr<const Resampler> make_resampler(Resize resize, const PlaneSpan& span,
                                                cpu::Features features);

}  // namespace ei::plan
