#include "plan/frame_rows.hpp"

#include <algorithm>
#include <utility>

#include "plan/rows/variant_names.hpp"

namespace ei::plan {
namespace {

// Planes to resize: those of the memory, but yuyv as luma and interleaved chroma of half width.
int resized_planes(PixelFormat format) {
    return format == PixelFormat::yuyv ? 2 : plane_count(format);
}

PlaneShape resized_shape(PixelFormat format, int plane) {
    if (format != PixelFormat::yuyv) return plane_shape(format, plane);
    return plane == 0 ? PlaneShape{1, false, false} : PlaneShape{2, true, false};
}

// Source pixels of an axis that the kept outputs lie in.
std::int64_t inside(const AxisSpan& span) {
    return std::int64_t{span.source} * span.count / span.target;
}

// Rows of a plane that a resize looks at: all that the kept outputs lie in, or fewer where it takes
// one or two a row.
std::int64_t rows_read(Resize resize, const AxisSpan& rows) {
    switch (resize) {
        case Resize::nearest:
            return std::min<std::int64_t>(inside(rows), rows.count);
        case Resize::cv2_linear:
            return std::min<std::int64_t>(inside(rows), 2LL * rows.count);
        case Resize::pil_bilinear:
        case Resize::cv2_area:
            break;
    }
    return inside(rows);
}

AxisSpan span_of(int source, const AxisFit& fit) {
    return {source, fit.resized, fit.first, fit.count};
}

}  // namespace

FrameTables::FrameTables(const FrameView& frame, const FrameFit& fit, Resize resize,
                         cpu::Features features)
    : width_(frame.width),
      height_(frame.height),
      format_(frame.format),
      fit_(fit),
      yuv_rgb_(best(yuv_rgb::kVariants, features).fn),
      split_yuyv_(best(split_yuyv::kVariants, features).fn) {
    for (int p = 0; p < resized_planes(format_); ++p) {
        const PlaneShape shape = resized_shape(format_, p);
        const PlaneSpan span{span_of(shape.half_width ? width_ / 2 : width_, fit.x),
                             span_of(shape.half_height ? height_ / 2 : height_, fit.y),
                             static_cast<std::size_t>(shape.pixel_bytes)};
        planes_[p] = make_resampler(resize, span, features);
        bytes_read_ += rows_read(resize, span.rows) * inside(span.columns) *
                       static_cast<std::int64_t>(span.pixel_bytes);
    }
}

FrameRows::FrameRows(std::shared_ptr<const FrameTables> tables)
    : tables_(std::move(tables)), is_yuv_(is_yuv(tables_->format_)) {
    const PixelFormat format = tables_->format_;
    for (int p = 0; p < resized_planes(format); ++p) planes_[p] = tables_->planes_[p]->rows();
    pixel_bytes_ = is_yuv_ ? 4 : planes_[0]->pixel_bytes();
    if (is_yuv_) rgb_ = AlignedBuffer(4 * static_cast<std::size_t>(tables_->fit_.x.count));
    if (format == PixelFormat::yuyv) {
        // A row that one half hands on as it lies in the ring must outlive what the other asks for
        // meanwhile. Where that happens both read the same rows, and batches run up to 4 ahead.
        const int rows = planes_[0]->rows_at_once() + planes_[1]->rows_at_once() + 4;
        yuyv_ = std::make_unique<YuyvRows>(tables_->width_, rows, tables_->split_yuyv_);
    }
}

void FrameRows::start(const FrameView& frame) {
    coefficients_ = yuv_rgb::coefficients(frame.matrix, frame.full_range);
    if (yuyv_) {
        yuyv_->start(frame.planes[0]);
        planes_[0]->start(yuyv_->luma());
        planes_[1]->start(yuyv_->chroma());
        return;
    }
    for (int p = 0; p < plane_count(frame.format); ++p) {
        planes_[p]->start({frame.planes[p].data, frame.planes[p].stride_bytes});
    }
}

const std::uint8_t* FrameRows::rgb_row(const std::uint8_t* luma, int y) {
    const PixelFormat format = tables_->format_;
    const std::uint8_t* u = planes_[1]->row(y);
    const std::uint8_t* v = format == PixelFormat::i420 ? planes_[2]->row(y) : u + 1;
    if (format == PixelFormat::nv21) std::swap(u, v);
    std::uint8_t* rgb = rgb_.as<std::uint8_t>().data();
    tables_->yuv_rgb_(luma, u, v, planes_[1]->pixel_bytes(),
                      static_cast<std::size_t>(tables_->fit_.x.count), coefficients_, rgb);
    return rgb;
}

std::string yuv_variants(cpu::Features features) {
    std::string text;
    name_variant(text, "yuv_rgb", yuv_rgb::kVariants, features);
    name_variant(text, "split_yuyv", split_yuyv::kVariants, features);
    return text;
}

}  // namespace ei::plan
