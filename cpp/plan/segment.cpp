#include "plan/segment.hpp"

#include <algorithm>

#include "base/aligned_buffer.hpp"
#include "base/error.hpp"

namespace ei::plan {
namespace {

using upsample_argmax::Group;
using upsample_argmax::kGroup;

constexpr int kMostClasses = 65536;  // what a uint16 mask can name

std::string size_text(int classes, int height, int width) {
    return "(" + std::to_string(classes) + ", " + std::to_string(height) + ", " +
           std::to_string(width) + ")";
}

// Grows and is kept for the thread's next run.
std::byte* scratch_of_thread(std::size_t bytes) {
    thread_local AlignedBuffer buffer;
    if (buffer.size() < bytes) {
        buffer = AlignedBuffer();  // give back the old block first: both at once may not fit
        buffer = AlignedBuffer(bytes);
    }
    return buffer.data();
}

}  // namespace

// Positions are fractions of integers, so the sample and the weights are found exactly and the
// weights rounded once, to float32.
Segment::Axis Segment::make_axis(int in, int out, Corners corners) {
    Axis axis{in, out, {}, {}, {}};
    for (int i = 0; i < out; ++i) {
        std::int64_t numerator = 0;
        std::int64_t denominator = 1;
        if (corners == Corners::half_pixel) {
            numerator = (2 * std::int64_t{i} + 1) * in - out;
            denominator = 2 * std::int64_t{out};
        } else if (out > 1) {
            numerator = std::int64_t{i} * (in - 1);
            denominator = out - 1;
        }
        numerator = std::clamp<std::int64_t>(numerator, 0, denominator * (in - 1));
        const std::int64_t rest = numerator % denominator;
        axis.first.push_back(static_cast<std::int32_t>(numerator / denominator));
        axis.near.push_back(static_cast<float>(static_cast<double>(denominator - rest) /
                                               static_cast<double>(denominator)));
        axis.far.push_back(
            static_cast<float>(static_cast<double>(rest) / static_cast<double>(denominator)));
    }
    const auto padded = static_cast<std::size_t>(out) + kGroup;
    axis.first.resize(padded, axis.first.back());
    axis.near.resize(padded, axis.near.back());
    axis.far.resize(padded, axis.far.back());
    return axis;
}

// A group that stays between two samples has the fewest candidates, so a group ends where the
// sample changes, unless that would leave it more than half empty.
std::vector<Group> Segment::make_groups(const Axis& x) {
    std::vector<Group> groups;
    for (int begin = 0; begin < x.out;) {
        const auto at = [&](int i) { return static_cast<std::size_t>(begin + i); };
        const int most = std::min(kGroup, x.out - begin);
        int count = most;
        for (int i = most; i > kGroup / 2; --i) {
            const bool changes = begin + i == x.out || x.first[at(i)] != x.first[at(i - 1)];
            if (changes) {
                count = i;
                break;
            }
        }
        const std::int32_t column = x.first[at(0)];
        std::int32_t last = column;
        for (int i = 0; i < count; ++i) {
            last = std::max(last, x.first[at(i)] + (x.far[at(i)] > 0 ? 1 : 0));
        }
        groups.push_back({begin, count, column, last - column + 1});
        begin += count;
    }
    return groups;
}

Segment::Segment(int classes, int height, int width, int out_height, int out_width, Corners corners,
                 cpu::Features features)
    : classes_(classes), variant_(&best(upsample_argmax::kVariants, features)) {
    if (classes < 1 || height < 1 || width < 1) {
        throw Error(ErrorKind::input,
                    "segment: found logits of shape " + size_text(classes, height, width) +
                        ", wanted (classes, height, width) without an empty axis");
    }
    if (classes > kMostClasses) {
        throw Error(
            ErrorKind::input,
            "segment: found " + std::to_string(classes) +
                " classes, wanted at most 65536; check that the classes are the first axis");
    }
    if (out_height < 1 || out_width < 1) {
        throw Error(ErrorKind::input, "segment: found size (" + std::to_string(out_height) + ", " +
                                          std::to_string(out_width) +
                                          "), wanted (height, width) of at least 1 each");
    }
    y_ = make_axis(height, out_height, corners);
    x_ = make_axis(width, out_width, corners);
    groups_ = make_groups(x_);
}

void Segment::run(const LogitsView& logits, void* mask, std::int64_t* areas) const {
    if (logits.classes != classes_ || logits.height != y_.in || logits.width != x_.in) {
        throw Error(ErrorKind::input, "segment: found logits of shape " +
                                          size_text(logits.classes, logits.height, logits.width) +
                                          ", wanted " + size_text(classes_, y_.in, x_.in) +
                                          "; make another plan for other sizes");
    }
    if (logits.type != ElementType::float32 && logits.type != ElementType::uint8 &&
        logits.type != ElementType::int8) {
        throw Error(ErrorKind::input, std::string("segment: found logits of ") +
                                          name_of(logits.type) +
                                          ", wanted float32, uint8 or int8; convert them with "
                                          "logits.astype('float32')");
    }
    const auto out_width = static_cast<std::size_t>(x_.out);
    if (classes_ == 1) {  // nothing to compare
        const std::size_t pixels = static_cast<std::size_t>(y_.out) * out_width;
        std::fill_n(static_cast<std::uint8_t*>(mask), pixels, std::uint8_t{0});
        areas[0] = static_cast<std::int64_t>(pixels);
        return;
    }
    const upsample_argmax::Geometry tables = geometry();
    const auto width = static_cast<std::size_t>(logits.width);
    variant_->fn(
        tables, {logits.data, logits.type, static_cast<std::size_t>(logits.height) * width, width},
        {mask, out_width, areas}, scratch_of_thread(upsample_argmax::scratch_bytes(tables)));
}

}  // namespace ei::plan
