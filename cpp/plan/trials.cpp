#include <array>
#include <cstdint>
#include <memory>
#include <random>

#include "base/aligned_buffer.hpp"
#include "kernels/area_columns/area_columns.hpp"
#include "kernels/area_rows/area_rows.hpp"
#include "kernels/average_2x2/average_2x2.hpp"
#include "kernels/average_boxes/average_boxes.hpp"
#include "kernels/channel_moments/channel_moments.hpp"
#include "kernels/count_bins/count_bins.hpp"
#include "kernels/lerp_2x2/lerp_2x2.hpp"
#include "kernels/lerp_columns/lerp_columns.hpp"
#include "kernels/lerp_rows/lerp_rows.hpp"
#include "kernels/map_interleaved/map_interleaved.hpp"
#include "kernels/map_planar/map_planar.hpp"
#include "kernels/pack_interleaved/pack_interleaved.hpp"
#include "kernels/pack_planar/pack_planar.hpp"
#include "kernels/pick_columns/pick_columns.hpp"
#include "kernels/resize_columns/resize_columns.hpp"
#include "kernels/resize_rows/resize_rows.hpp"
#include "kernels/split_yuyv/split_yuyv.hpp"
#include "kernels/upsample_argmax/upsample_argmax.hpp"
#include "kernels/yuv_rgb/yuv_rgb.hpp"
#include "plan/rows/cv2_area_axis.hpp"
#include "plan/rows/cv2_axis.hpp"
#include "plan/rows/pillow_axis.hpp"
#include "plan/segment.hpp"
#include "plan/trial.hpp"

namespace ei::plan {
namespace {

using Bytes = std::span<std::byte>;

constexpr std::size_t kSource = 999;  // pixels of a row
constexpr std::size_t kTarget = 301;
constexpr std::size_t kPixelBytes[] = {1, 2, 3, 4};
constexpr std::size_t kPackedBytes[] = {1, 3, 4};  // what becomes a tensor

template <class T>
std::shared_ptr<const std::vector<T>> noise(std::size_t count, int below) {
    std::mt19937 bits(1);
    auto values = std::make_shared<std::vector<T>>(count);
    for (T& value : *values) value = static_cast<T>(bits() % static_cast<unsigned>(below));
    return values;
}
std::shared_ptr<const std::vector<std::uint8_t>> pixels(std::size_t count) {
    return noise<std::uint8_t>(count, 256);
}

// The next `count` values of an output.
template <class T>
T* take(Bytes& out, std::size_t count) {
    T* taken = reinterpret_cast<T*>(out.data());
    out = out.subspan(count * sizeof(T));
    return taken;
}

// Values of a row of outputs in all pixel sizes.
constexpr std::size_t kAllLanes = (1 + 4 + 4 + 4) * kTarget;

Trial of_lerp_columns() {
    const auto axis = [](std::size_t source) {
        return cv2_linear::Axis(whole(source, kTarget), cv2_linear::Axis::Border::reweight);
    };
    constexpr std::size_t kNear = 555;  // pairs near enough for chroma's loads to share them
    constexpr std::size_t kValues = 2 * (1 + 2 + 4 + 4) * kTarget;
    return make_trial(
        "lerp_columns", lerp_columns::kVariants, kValues * sizeof(std::int16_t),
        [far = axis(kSource), near = axis(kNear), row = pixels(4 * kSource)](lerp_columns::Fn fn,
                                                                             Bytes out) {
            for (const std::size_t p : kPixelBytes) {
                const std::size_t values = lerp_columns::values_of(p) * kTarget;
                fn(row->data(), p, kSource, far.lerp(), take<std::int16_t>(out, values));
                fn(row->data(), p, kNear, near.lerp(), take<std::int16_t>(out, values));
            }
        });
}

Trial of_lerp_2x2() {
    const auto axis = [](std::size_t source) {
        return cv2_linear::Axis(whole(source, kTarget), cv2_linear::Axis::Border::reweight);
    };
    constexpr std::size_t kBeyond = 2000;  // pairs of gray too far apart to share a load
    return make_trial(
        "lerp_2x2", lerp_2x2::kVariants, (2 + 4 + 4) * kTarget,
        [far = axis(kBeyond), near = axis(kSource), data = pixels(2 * 4 * kSource)](lerp_2x2::Fn fn,
                                                                                    Bytes out) {
            const auto row = [&](const cv2_linear::Axis& tables, std::size_t p, std::size_t width) {
                const lerp_2x2::Rows rows{data->data(), data->data() + p * width};
                fn(rows, rows, p, width, tables.lerp(), {700, 1348},
                   take<std::uint8_t>(out, lerp_columns::values_of(p) * kTarget));
            };
            for (const std::size_t p : {std::size_t{1}, std::size_t{3}, std::size_t{4}}) {
                row(near, p, kSource);
            }
            row(far, 1, kBeyond);
        });
}

Trial of_lerp_rows() {
    constexpr std::size_t kCount = 4 * kTarget;
    return make_trial("lerp_rows", lerp_rows::kVariants, kCount,
                      [rows = noise<std::int16_t>(2 * kCount, 32640)](lerp_rows::Fn fn, Bytes out) {
                          fn(rows->data(), rows->data() + kCount, 700, 1348, kCount,
                             take<std::uint8_t>(out, kCount));
                      });
}

Trial of_area_columns() {
    auto axis = std::make_shared<const cv2_area::Axis>(whole(kSource, kTarget));
    return make_trial("area_columns", area_columns::kVariants, kAllLanes * 4,
                      [axis, row = pixels(4 * kSource)](area_columns::Fn fn, Bytes out) {
                          for (const std::size_t p : kPixelBytes) {
                              fn(row->data(), p, kSource, axis->taps(),
                                 take<float>(out, lanes(p) * kTarget));
                          }
                      });
}

Trial of_area_rows() {
    constexpr std::size_t kCount = 4 * kTarget;
    return make_trial("area_rows", area_rows::kVariants, kCount * 5,
                      [rows = noise<float>(2 * kCount, 128)](area_rows::Fn fn, Bytes out) {
                          float* sums = take<float>(out, kCount);
                          fn(rows->data(), 0.3f, kCount, nullptr, sums, nullptr);
                          fn(rows->data() + kCount, 0.7f, kCount, sums, sums, nullptr);
                          fn(rows->data(), 0.01f, kCount, sums, nullptr,
                             take<std::uint8_t>(out, kCount));
                      });
}

Trial of_average_2x2() {
    return make_trial("average_2x2", average_2x2::kVariants, kAllLanes,
                      [rows = pixels(16 * kTarget)](average_2x2::Fn fn, Bytes out) {
                          for (const std::size_t p : kPixelBytes) {
                              fn(rows->data(), rows->data() + 8 * kTarget, p, kTarget,
                                 take<std::uint8_t>(out, lanes(p) * kTarget));
                          }
                      });
}

Trial of_average_boxes() {
    constexpr std::size_t kBox = 3;
    return make_trial(
        "average_boxes", average_boxes::kVariants, kAllLanes,
        [row = pixels(4 * kBox * kTarget + kBox)](average_boxes::Fn fn, Bytes out) {
            const std::uint8_t* rows[kBox] = {row->data(), row->data() + 1, row->data() + 2};
            for (const std::size_t p : kPixelBytes) {
                fn(rows, kBox, p, kBox, kTarget, take<std::uint8_t>(out, lanes(p) * kTarget));
            }
        });
}

Trial of_resize_columns() {
    constexpr std::size_t kRows = 4;
    auto axis = std::make_shared<const pillow::Axis>(whole(kSource, kTarget));
    return make_trial("resize_columns", resize_columns::kVariants, kRows * kAllLanes,
                      [axis, row = pixels(4 * kSource + kRows)](resize_columns::Fn fn, Bytes out) {
                          for (const std::size_t p : kPixelBytes) {
                              const std::uint8_t* from[kRows];
                              std::uint8_t* to[kRows];
                              for (std::size_t r = 0; r < kRows; ++r) {
                                  from[r] = row->data() + r;
                                  to[r] = take<std::uint8_t>(out, lanes(p) * kTarget);
                              }
                              fn(from, kRows, p, kSource, axis->taps(), to);
                          }
                      });
}

Trial of_resize_rows() {
    constexpr std::size_t kCount = 4 * kTarget;
    auto axis = std::make_shared<const pillow::Axis>(whole(27, 9));
    return make_trial("resize_rows", resize_rows::kVariants, kCount,
                      [axis, row = pixels(kCount + 27)](resize_rows::Fn fn, Bytes out) {
                          std::vector<const std::uint8_t*> rows;
                          for (int t = 0; t < axis->count(4); ++t) rows.push_back(row->data() + t);
                          fn(rows.data(), axis->weights(4), rows.size(), kCount,
                             take<std::uint8_t>(out, kCount));
                      });
}

Trial of_pick_columns() {
    auto source = std::make_shared<std::vector<std::int32_t>>(kTarget);
    for (std::size_t x = 0; x < kTarget; ++x) {
        (*source)[x] = static_cast<std::int32_t>(x * kSource / kTarget);
    }
    return make_trial("pick_columns", pick_columns::kVariants, kAllLanes,
                      [source, row = pixels(4 * kSource)](pick_columns::Fn fn, Bytes out) {
                          for (const std::size_t p : kPixelBytes) {
                              fn(row->data(), p, kTarget, source->data(),
                                 take<std::uint8_t>(out, lanes(p) * kTarget));
                          }
                      });
}

Trial of_split_yuyv() {
    return make_trial("split_yuyv", split_yuyv::kVariants, 4 * kTarget,
                      [row = pixels(4 * kTarget)](split_yuyv::Fn fn, Bytes out) {
                          auto* luma = take<std::uint8_t>(out, 2 * kTarget);
                          fn(row->data(), kTarget, luma, take<std::uint8_t>(out, 2 * kTarget));
                      });
}

Trial of_yuv_rgb() {
    return make_trial("yuv_rgb", yuv_rgb::kVariants, 3 * 4 * kTarget,
                      [row = pixels(5 * kTarget)](yuv_rgb::Fn fn, Bytes out) {
                          const auto c = yuv_rgb::coefficients(Matrix::bt601, false);
                          const std::uint8_t* chroma = row->data() + kTarget;
                          for (const std::size_t step : {1, 2, 4}) {
                              fn(row->data(), chroma, chroma + (step == 1 ? kTarget : 1), step,
                                 kTarget, c, take<std::uint8_t>(out, 4 * kTarget));
                          }
                      });
}

constexpr Affine3 kAffine{{0.017f, 0.0175f, 0.0174f}, {-2.1f, -2.03f, -1.8f}};

Trial of_pack_planar() {
    return make_trial("pack_planar", pack_planar::kVariants, 9 * kTarget * sizeof(float),
                      [row = pixels(4 * kTarget)](pack_planar::Fn fn, Bytes out) {
                          for (const std::size_t p : kPackedBytes) {
                              auto* planes = take<float>(out, 3 * kTarget);
                              fn(row->data(), p, kTarget, kAffine, planes, planes + kTarget,
                                 planes + 2 * kTarget);
                          }
                      });
}

Trial of_pack_interleaved() {
    return make_trial("pack_interleaved", pack_interleaved::kVariants, 18 * kTarget * sizeof(float),
                      [row = pixels(4 * kTarget)](pack_interleaved::Fn fn, Bytes out) {
                          for (const std::size_t p : kPackedBytes) {
                              for (const bool swap : {false, true}) {
                                  fn(row->data(), p, kTarget, kAffine, swap,
                                     take<float>(out, 3 * kTarget));
                              }
                          }
                      });
}

// Tables that flip, which variants have their own way for, and others.
std::shared_ptr<const std::array<Tables3, 2>> tables() {
    auto both = std::make_shared<std::array<Tables3, 2>>();
    const auto values = pixels(3 * 256);
    for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t v = 0; v < 256; ++v) {
            (*both)[0].of[c][v] = static_cast<std::uint8_t>(v ^ 128);
            (*both)[1].of[c][v] = (*values)[256 * c + v];
        }
    }
    (*both)[0].flips = true;
    return both;
}

Trial of_map_planar() {
    return make_trial("map_planar", map_planar::kVariants, 18 * kTarget,
                      [both = tables(), row = pixels(4 * kTarget)](map_planar::Fn fn, Bytes out) {
                          for (const Tables3& table : *both) {
                              for (const std::size_t p : kPackedBytes) {
                                  auto* planes = take<std::uint8_t>(out, 3 * kTarget);
                                  fn(row->data(), p, kTarget, table, planes, planes + kTarget,
                                     planes + 2 * kTarget);
                              }
                          }
                      });
}

Trial of_map_interleaved() {
    return make_trial(
        "map_interleaved", map_interleaved::kVariants, 36 * kTarget,
        [both = tables(), row = pixels(4 * kTarget)](map_interleaved::Fn fn, Bytes out) {
            for (const Tables3& table : *both) {
                for (const std::size_t p : kPackedBytes) {
                    for (const bool swap : {false, true}) {
                        fn(row->data(), p, kTarget, table, swap,
                           take<std::uint8_t>(out, 3 * kTarget));
                    }
                }
            }
        });
}

// Logits of a few levels: neighbours that agree, ties, and pixels that many classes reach for.
Trial of_upsample_argmax() {
    constexpr int kClasses = 13, kHeight = 9, kWidth = 17, kOutHeight = 61, kOutWidth = 133;
    constexpr std::size_t kPixels = std::size_t{kOutHeight} * kOutWidth;
    constexpr std::size_t kLogits = std::size_t{kClasses} * kHeight * kWidth;
    auto plan = std::make_shared<const Segment>(kClasses, kHeight, kWidth, kOutHeight, kOutWidth,
                                                Corners::half_pixel, cpu::kNone);
    auto scratch =
        std::make_shared<AlignedBuffer>(upsample_argmax::scratch_bytes(plan->geometry()));
    auto floats = noise<float>(kLogits, 23);
    auto bytes = noise<std::uint8_t>(kLogits, 23);
    return make_trial(
        "upsample_argmax", upsample_argmax::kVariants, 3 * (kPixels + kClasses * 8 + 8),
        [plan, scratch, floats, bytes](upsample_argmax::Fn fn, Bytes out) {
            constexpr std::size_t kRow = kWidth, kPlane = std::size_t{kHeight} * kWidth;
            const upsample_argmax::Logits all[] = {
                {floats->data(), ElementType::float32, kPlane, kRow},
                {bytes->data(), ElementType::uint8, kPlane, kRow},
                {bytes->data(), ElementType::int8, kPlane, kRow},
            };
            for (const upsample_argmax::Logits& logits : all) {
                auto* areas = take<std::int64_t>(out, kClasses);
                auto* classes = take<std::uint8_t>(out, (kPixels + 7) / 8 * 8);
                fn(plan->geometry(), logits, {classes, kOutWidth, areas}, scratch->data());
                std::fill(classes + kPixels, classes + (kPixels + 7) / 8 * 8, std::uint8_t{0});
            }
            std::fill(out.begin(), out.end(), std::byte{0});
        });
}

// As activations are: many zeros, both signs.
std::shared_ptr<const std::vector<float>> activations() {
    const auto bytes = pixels(kSource);  // held: a range-for keeps no owner of what it walks
    auto values = std::make_shared<std::vector<float>>();
    for (const std::uint8_t byte : *bytes) {
        values->push_back(byte < 100 ? 0 : (static_cast<float>(byte) - 170) / 3);
    }
    return values;
}

Trial of_channel_moments() {
    return make_trial("channel_moments", channel_moments::kVariants,
                      2 * sizeof(channel_moments::Moments),
                      [row = activations()](channel_moments::Fn fn, Bytes out) {
                          auto* made = take<channel_moments::Moments>(out, 2);
                          made[0] = fn(row->data(), kSource);
                          made[1] = fn(row->data(), kTarget);
                      });
}

Trial of_count_bins() {
    constexpr std::size_t kSlots = 129;
    return make_trial("count_bins", count_bins::kVariants, kSlots * sizeof(std::uint32_t),
                      [row = activations()](count_bins::Fn fn, Bytes out) {
                          std::array<std::uint32_t, count_bins::kTables * kSlots> tables{};
                          fn(row->data(), kSource, {2.0f, 64, kSlots}, tables.data());
                          auto* counts = take<std::uint32_t>(out, kSlots);
                          for (std::size_t i = 0; i < kSlots; ++i) {
                              counts[i] = 0;
                              for (std::size_t t = 0; t < count_bins::kTables; ++t) {
                                  counts[i] += tables[t * kSlots + i];
                              }
                          }
                      });
}

}  // namespace

std::vector<Trial> make_trials() {
    return {of_area_columns(),    of_area_rows(),        of_average_2x2(),     of_average_boxes(),
            of_channel_moments(), of_count_bins(),       of_lerp_2x2(),        of_lerp_columns(),
            of_lerp_rows(),       of_map_planar(),       of_map_interleaved(), of_pack_planar(),
            of_pick_columns(),    of_pack_interleaved(), of_resize_columns(),  of_resize_rows(),
            of_split_yuyv(),      of_upsample_argmax(),  of_yuv_rgb()};
}

}  // namespace ei::plan
