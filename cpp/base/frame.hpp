#pragma once
// What the bytes of a camera frame mean. A view owns nothing.

#include <cstddef>
#include <cstdint>

namespace ei {

// yuyv is packed, two pixels in four bytes; nv12 and nv21 are semi-planar, i420 is planar.
enum class PixelFormat { rgb, bgr, rgba, bgra, gray, nv12, nv21, i420, yuyv };

// How luma and chroma became of red, green and blue: ITU-R BT.601 or BT.709.
enum class Matrix { bt601, bt709 };

// One plane of a format: its bytes per sample, and whether its sides are half the frame's.
struct PlaneShape {
    int pixel_bytes = 0;
    bool half_width = false, half_height = false;
};

constexpr int plane_count(PixelFormat format) noexcept {
    switch (format) {
        case PixelFormat::nv12:
        case PixelFormat::nv21:
            return 2;
        case PixelFormat::i420:
            return 3;
        default:
            return 1;
    }
}

// Of the memory of plane `plane`: luma first, then both chroma channels together or one by one.
constexpr PlaneShape plane_shape(PixelFormat format, int plane) noexcept {
    switch (format) {
        case PixelFormat::rgb:
        case PixelFormat::bgr:
            return {3, false, false};
        case PixelFormat::rgba:
        case PixelFormat::bgra:
            return {4, false, false};
        case PixelFormat::gray:
            return {1, false, false};
        case PixelFormat::yuyv:
            return {2, false, false};
        case PixelFormat::nv12:
        case PixelFormat::nv21:
            return plane == 0 ? PlaneShape{1, false, false} : PlaneShape{2, true, true};
        case PixelFormat::i420:
            return plane == 0 ? PlaneShape{1, false, false} : PlaneShape{1, true, true};
    }
    return {};
}

constexpr bool is_yuv(PixelFormat format) noexcept {
    switch (format) {
        case PixelFormat::nv12:
        case PixelFormat::nv21:
        case PixelFormat::i420:
        case PixelFormat::yuyv:
            return true;
        default:
            return false;
    }
}

// Row y starts at data + y * stride_bytes. Its samples may be read, and nothing behind them may be
// (camera buffers end at a page).
struct PlaneView {
    const std::uint8_t* data = nullptr;
    std::ptrdiff_t stride_bytes = 0;
};

struct FrameView {
    PlaneView planes[3];  // the first plane_count(format)
    int width = 0;        // pixels
    int height = 0;       // rows
    PixelFormat format = PixelFormat::rgb;
    // Of YUV formats only.
    Matrix matrix = Matrix::bt601;
    bool full_range = false;
};

// A frame of one plane.
constexpr FrameView one_plane(const std::uint8_t* data, int width, int height,
                              std::ptrdiff_t stride_bytes, PixelFormat format) noexcept {
    FrameView view;
    view.planes[0] = {data, stride_bytes};
    view.width = width;
    view.height = height;
    view.format = format;
    return view;
}

// Where the frame went: model pixel = frame pixel * scale + pad, per axis, pixel centres at .5.
struct Placement {
    double scale_x = 1, scale_y = 1;
    double pad_x = 0, pad_y = 0;
    int frame_width = 0, frame_height = 0;
    int model_width = 0, model_height = 0;
};

}  // namespace ei
