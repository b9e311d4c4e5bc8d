#include "flow/probe.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "graph/head.hpp"

namespace ei::flow {
namespace {

constexpr double kTimeoutS = 10;
constexpr std::size_t kMostElements = std::size_t{1} << 24;  // of all inputs
constexpr std::int64_t kPatch = 16;                          // pixels

struct Range {
    double low = -1, high = 1;
};

// splitmix64 (Steele, Lea, Flood 2014) as a hash of a position.
double uniform(std::uint64_t position) noexcept {
    std::uint64_t x = (position + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

class Inputs {
  public:
    Inputs(const graph::Model& file, int size) : heads_(graph::find_heads(file)), size_(size) {}

    void add(const ort::TensorSpec& spec);
    std::span<const ort::Value> values() const noexcept { return values_; }

  private:
    Range range_of(const ort::TensorSpec& spec) const;
    std::vector<std::int64_t> shape_of(const ort::TensorSpec& spec) const;
    template <class T>
    void fill(std::span<std::byte> memory, std::int64_t height, std::int64_t width, Range range);

    std::vector<graph::Head> heads_;
    int size_;
    std::size_t elements_ = 0;
    std::vector<std::vector<std::byte>> memory_;
    std::vector<ort::Value> values_;
};

Range Inputs::range_of(const ort::TensorSpec& spec) const {
    if (spec.type == ElementType::int8) return {-128, 128};
    if (spec.type == ElementType::uint8) return {0, 256};
    if (spec.type != ElementType::float32) {
        throw Error(ErrorKind::input, std::string("an input of type ") + name_of(spec.type));
    }
    for (const graph::Head& head : heads_) {
        if (head.name != spec.name || bits_of(head.type) != 8) continue;
        const double lowest = head.type == ElementType::int8 ? -128 : 0;
        const double zero = static_cast<double>(head.zero_point);
        return {(lowest - zero) * head.scale, (lowest + 255 - zero) * head.scale};
    }
    return {};
}

std::vector<std::int64_t> Inputs::shape_of(const ort::TensorSpec& spec) const {
    std::vector<std::int64_t> shape;
    for (const ort::Axis& axis : spec.shape) {
        const auto* const fixed = std::get_if<std::int64_t>(&axis);
        shape.push_back(fixed != nullptr ? *fixed : shape.empty() ? 1 : size_);
    }
    return shape;
}

template <class T>
void Inputs::fill(std::span<std::byte> memory, std::int64_t height, std::int64_t width,
                  Range range) {
    const std::span<T> values(reinterpret_cast<T*>(memory.data()), memory.size() / sizeof(T));
    const std::uint64_t salt = std::uint64_t{values_.size()} << 40;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i);
        const std::int64_t row = at / width, column = at % width;
        const std::int64_t plane = row / height, patch_row = row % height / kPatch;
        const auto patch =
            static_cast<std::uint64_t>((plane << 32) + (patch_row << 16) + column / kPatch);
        const double u = 0.75 * uniform(salt + (std::uint64_t{1} << 63) + patch) +
                         0.25 * uniform(salt + static_cast<std::uint64_t>(i));
        const double value = range.low + u * (range.high - range.low);
        values[i] = static_cast<T>(sizeof(T) == 1 ? std::floor(value) : value);
    }
}

void Inputs::add(const ort::TensorSpec& spec) {
    const Range range = range_of(spec);
    const std::vector<std::int64_t> shape = shape_of(spec);
    const std::size_t count = ort::count_elements(shape, spec.type, "input '" + spec.name + "'");
    if (count > kMostElements - std::min(elements_, kMostElements)) {
        throw Error(ErrorKind::input, "inputs of more than 16 million elements");
    }
    elements_ += count;
    std::vector<std::byte> memory(bytes_of(spec.type, count));
    const std::size_t axes = shape.size();
    const std::int64_t width = axes > 0 ? std::max<std::int64_t>(shape[axes - 1], 1) : 1;
    const std::int64_t height = axes > 1 ? std::max<std::int64_t>(shape[axes - 2], 1) : 1;
    if (spec.type == ElementType::float32) {
        fill<float>(memory, height, width, range);
    } else if (spec.type == ElementType::int8) {
        fill<std::int8_t>(memory, height, width, range);
    } else {
        fill<std::uint8_t>(memory, height, width, range);
    }
    memory_.push_back(std::move(memory));
    std::vector<std::byte>& kept = memory_.back();
    values_.push_back(ort::Value::view(kept.data(), kept.size(), shape, spec.type));
}

ProbeOutput copied(const std::string& name, const ort::Value& value) {
    value.expect_tensor(name);
    ProbeOutput out{name, value.type(), {}};
    const std::size_t count = ort::count_elements(value.shape(), out.type, name);
    if (bits_of(out.type) == 0) {
        throw Error(ErrorKind::input, std::string("an output of type ") + name_of(out.type));
    }
    out.values.resize(bytes_of(out.type, count));
    if (!out.values.empty()) std::memcpy(out.values.data(), value.data(), out.values.size());
    return out;
}

template <class T>
std::vector<double> as_numbers(std::span<const std::byte> bytes) {
    const std::span<const T> values(reinterpret_cast<const T*>(bytes.data()),
                                    bytes.size() / sizeof(T));
    return {values.begin(), values.end()};
}

}  // namespace

std::vector<double> ProbeOutput::numbers() const {
    switch (type) {
        case ElementType::float32:
            return as_numbers<float>(values);
        case ElementType::int8:
            return as_numbers<std::int8_t>(values);
        case ElementType::uint8:
            return as_numbers<std::uint8_t>(values);
        default:
            return {};
    }
}

std::vector<ProbeOutput> probe(const graph::Model& file, std::span<const std::byte> bytes,
                               const std::string& folder, const ort::Options& options, int size) {
    const auto session = ort::Session::from_bytes(bytes, folder, options);
    Inputs inputs(file, size);
    for (std::size_t i = 0; i < session->required(); ++i) inputs.add(session->inputs()[i]);
    std::vector<const char*> names;
    for (const auto& output : session->outputs()) names.push_back(output.name.c_str());
    std::vector<ort::Value> values(names.size());
    session->run(inputs.values(), names, values, ort::Limits(kTimeoutS));
    std::vector<ProbeOutput> outputs;
    for (std::size_t i = 0; i < names.size(); ++i) outputs.push_back(copied(names[i], values[i]));
    return outputs;
}

}  // namespace ei::flow
