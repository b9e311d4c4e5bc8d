#include "kernels/round_to_byte.hpp"
#include "kernels/yuv_rgb/yuv_rgb.hpp"

namespace ei::yuv_rgb::scalar {
namespace {

// The step is a constant in each copy, so that the compiler can vectorise.
template <std::size_t kStep>
void convert(const std::uint8_t* __restrict luma, const std::uint8_t* u, const std::uint8_t* v,
             std::size_t count, const Coefficients c, std::uint8_t* __restrict out) noexcept {
    for (std::size_t x = 0; x < count; ++x) {
        const float y_f32 = static_cast<float>(luma[x] - c.luma_zero) * c.luma;
        const auto u_f32 = static_cast<float>(u[kStep * x] - 128);
        const auto v_f32 = static_cast<float>(v[kStep * x] - 128);
        out[4 * x] = round_to_byte(y_f32 + v_f32 * c.red_v);
        out[4 * x + 1] = round_to_byte(y_f32 + (u_f32 * c.green_u + v_f32 * c.green_v));
        out[4 * x + 2] = round_to_byte(y_f32 + u_f32 * c.blue_u);
        out[4 * x + 3] = 0;
    }
}

}  // namespace

void row(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
         std::size_t chroma_step, std::size_t count, const Coefficients& coefficients,
         std::uint8_t* out) noexcept {
    if (chroma_step == 1) return convert<1>(luma, u, v, count, coefficients, out);
    if (chroma_step == 2) return convert<2>(luma, u, v, count, coefficients, out);
    convert<4>(luma, u, v, count, coefficients, out);
}

}  // namespace ei::yuv_rgb::scalar
