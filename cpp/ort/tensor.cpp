#include "ort/tensor.hpp"

#include <limits>

namespace ei::ort {

bool TensorSpec::fixed(std::vector<std::int64_t>& out) const {
    out.clear();
    for (const Axis& axis : shape) {
        const auto* size = std::get_if<std::int64_t>(&axis);
        if (size == nullptr) return false;
        out.push_back(*size);
    }
    return true;
}

std::size_t count_elements(std::span<const std::int64_t> shape, ElementType type,
                           const std::string& what) {
    constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max() / 16;
    std::size_t count = 1;
    for (const std::int64_t size : shape) {
        if (size < 0) {
            throw Error(ErrorKind::input, what + ": found a size of " + std::to_string(size) +
                                              ", wanted sizes of 0 or more");
        }
        if (size != 0 && count > kMost / static_cast<std::size_t>(size)) {
            throw Error(ErrorKind::input, what + ": the product of the sizes is beyond what " +
                                              name_of(type) + " tensors can hold");
        }
        count *= static_cast<std::size_t>(size);
    }
    return count;
}

Value Value::view(void* data, std::size_t bytes, std::span<const std::int64_t> shape,
                  ElementType type) {
    const Library& library = Library::get();
    OrtValue* handle = nullptr;
    library.check(library.api().CreateTensorWithDataAsOrtValue(library.cpu_memory(), data, bytes,
                                                               shape.data(), shape.size(),
                                                               static_cast<int>(type), &handle),
                  ErrorKind::run, "wrap a tensor");
    return Value(handle);
}

Value Value::strings(std::span<const char* const> items, std::span<const std::int64_t> shape) {
    const Library& library = Library::get();
    OrtValue* handle = nullptr;
    library.check(
        library.api().CreateTensorAsOrtValue(library.allocator(), shape.data(), shape.size(),
                                             static_cast<int>(ElementType::string), &handle),
        ErrorKind::run, "create a string tensor");
    Value value(handle);
    if (!items.empty()) {
        library.check(library.api().FillStringTensor(handle, items.data(), items.size()),
                      ErrorKind::run, "fill a string tensor");
    }
    return value;
}

void Value::expect_tensor(const std::string& name) const {
    const Library& library = Library::get();
    int has = 0;
    library.check(library.api().HasValue(get(), &has), ErrorKind::run, "look at an output");
    if (has == 0) {
        throw Error(ErrorKind::run, "output '" + name +
                                        "': found an empty optional, wanted a tensor; ask for the "
                                        "other outputs by outputs=[...]");
    }
    int is_tensor = 0;
    library.check(library.api().IsTensor(get(), &is_tensor), ErrorKind::run, "look at an output");
    if (is_tensor == 0) {
        throw Error(ErrorKind::run,
                    "output '" + name +
                        "': found a sequence, map or sparse tensor, wanted a "
                        "dense tensor; ask for the other outputs by outputs=[...], or export the "
                        "model with tensors only");
    }
}

TypeAndShape Value::type_and_shape() const {
    const Library& library = Library::get();
    const Api& api = library.api();
    const auto check = [&](OrtStatus* status) {
        library.check(status, ErrorKind::run, "read a tensor's type and shape");
    };
    OrtTensorTypeAndShapeInfo* raw = nullptr;
    check(api.GetTensorTypeAndShape(get(), &raw));
    const TensorInfoHandle info(raw);
    int type = 0;
    std::size_t rank = 0;
    check(api.GetTensorElementType(raw, &type));
    check(api.GetDimensionsCount(raw, &rank));
    TypeAndShape found{static_cast<ElementType>(type), std::vector<std::int64_t>(rank)};
    check(api.GetDimensions(raw, found.shape.data(), rank));
    return found;
}

std::int64_t Value::elements() const {
    const Library& library = Library::get();
    const auto check = [&](OrtStatus* status) {
        library.check(status, ErrorKind::run, "read the size of a tensor");
    };
    OrtTensorTypeAndShapeInfo* raw = nullptr;
    check(library.api().GetTensorTypeAndShape(get(), &raw));
    const TensorInfoHandle info(raw);
    std::size_t count = 0;
    check(library.api().GetTensorShapeElementCount(raw, &count));
    return static_cast<std::int64_t>(count);
}

void* Value::data() const {
    const Library& library = Library::get();
    void* data = nullptr;
    library.check(library.api().GetTensorMutableData(get(), &data), ErrorKind::run,
                  "read a tensor's data");
    return data;
}

std::vector<std::string> Value::read_strings() const {
    const Library& library = Library::get();
    const std::size_t count = count_elements(shape(), ElementType::string, "string output");
    std::size_t bytes = 0;
    library.check(library.api().GetStringTensorDataLength(get(), &bytes), ErrorKind::run,
                  "measure a string tensor");
    std::string text(bytes, '\0');
    std::vector<std::size_t> offsets(count);
    if (count > 0) {
        library.check(
            library.api().GetStringTensorContent(get(), text.data(), bytes, offsets.data(), count),
            ErrorKind::run, "read a string tensor");
    }
    std::vector<std::string> items;
    items.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t end = i + 1 < count ? offsets[i + 1] : bytes;
        items.emplace_back(text, offsets[i], end - offsets[i]);
    }
    return items;
}

void pack_nibbles(std::span<const std::uint8_t> values, std::uint8_t* packed) noexcept {
    for (std::size_t i = 0; i < values.size(); i += 2) {
        const unsigned low = values[i] & 0x0fu;
        const unsigned high = i + 1 < values.size() ? (values[i + 1] & 0x0fu) : 0u;
        packed[i / 2] = static_cast<std::uint8_t>(low | (high << 4));
    }
}

void unpack_nibbles(const std::uint8_t* packed, std::span<std::uint8_t> values,
                    bool is_signed) noexcept {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const unsigned half = (packed[i / 2] >> (i % 2 == 0 ? 0 : 4)) & 0x0fu;
        // Sign extension by offset: 8..15 become -8..-1.
        values[i] = static_cast<std::uint8_t>(is_signed ? (half ^ 8u) - 8u : half);
    }
}

}  // namespace ei::ort
