#pragma once
// What the bytes of a camera frame mean. A view owns nothing.

#include <cstddef>
#include <cstdint>

namespace ei {

enum class PixelFormat { rgb, bgr, rgba, gray };

// How luma and chroma became of red, green and blue: ITU-R BT.601 or BT.709.
enum class Matrix { bt601, bt709 };

constexpr int bytes_per_pixel(PixelFormat format) noexcept {
    switch (format) {
        case PixelFormat::rgb:
        case PixelFormat::bgr:
            return 3;
        case PixelFormat::rgba:
            return 4;
        case PixelFormat::gray:
            return 1;
    }
    return 0;
}

// Row y starts at data + y * stride_bytes; a row holds width * bytes_per_pixel(format) bytes that
// may be read, and nothing behind them may be (camera buffers end at a page).
struct FrameView {
    const std::uint8_t* data = nullptr;
    int width = 0;   // pixels
    int height = 0;  // rows
    std::ptrdiff_t stride_bytes = 0;
    PixelFormat format = PixelFormat::rgb;
};

// Where the frame went: model pixel = frame pixel * scale + pad, per axis, pixel centres at .5.
struct Placement {
    double scale_x = 1, scale_y = 1;
    double pad_x = 0, pad_y = 0;
    int frame_width = 0, frame_height = 0;
    int model_width = 0, model_height = 0;
};

}  // namespace ei
