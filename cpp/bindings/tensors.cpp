#include "bindings/tensors.hpp"

#include <bit>
#include <string>

#include "base/error.hpp"
#include "bindings/arrays.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

constexpr int kFirstUserType = 256;  // NumPy numbers types of other libraries from here

ElementType from_kind(char kind, py::ssize_t bytes) {
    switch (kind) {
        case 'f':
            return bytes == 4   ? ElementType::float32
                   : bytes == 8 ? ElementType::float64
                   : bytes == 2 ? ElementType::float16
                                : ElementType::undefined;
        case 'i':
            return bytes == 1   ? ElementType::int8
                   : bytes == 2 ? ElementType::int16
                   : bytes == 4 ? ElementType::int32
                                : ElementType::int64;
        case 'u':
            return bytes == 1   ? ElementType::uint8
                   : bytes == 2 ? ElementType::uint16
                   : bytes == 4 ? ElementType::uint32
                                : ElementType::uint64;
        case 'b':
            return ElementType::boolean;
        case 'c':
            return bytes == 8    ? ElementType::complex64
                   : bytes == 16 ? ElementType::complex128
                                 : ElementType::undefined;
        case 'O':
        case 'U':
        case 'S':
        case 'T':
            return ElementType::string;
        default:
            return ElementType::undefined;
    }
}

bool fits(const py::array& array, const ort::TensorSpec& spec) {
    if (static_cast<std::size_t>(array.ndim()) != spec.shape.size()) return false;
    for (py::ssize_t i = 0; i < array.ndim(); ++i) {
        const auto* size = std::get_if<std::int64_t>(&spec.shape[static_cast<std::size_t>(i)]);
        if (size != nullptr && *size != array.shape(i)) return false;
    }
    return true;
}

bool is_packed(ElementType type) {
    return bits_of(type) == 4;
}

std::vector<std::int64_t> shape_of(const py::array& array) {
    return {array.shape(), array.shape() + array.ndim()};
}

// How errors call a tensor; made when one is raised.
using Name = std::string (*)(const ort::TensorSpec&);

std::string name_of_input(const ort::TensorSpec& spec) {
    return "input '" + spec.name + "'";
}

std::string name_of_output(const ort::TensorSpec& spec) {
    return "out['" + spec.name + "']";
}

py::array array_of(const py::handle& object, const ort::TensorSpec& spec, Name name) {
    if (py::isinstance<py::array>(object)) return py::reinterpret_borrow<py::array>(object);
    return as_array(object, name(spec));
}

void expect_type(const py::array& array, const ort::TensorSpec& spec, Name name) {
    constexpr char kForeign = std::endian::native == std::endian::little ? '>' : '<';
    const py::dtype dtype = array.dtype();
    const bool is_native = dtype.byteorder() != kForeign;
    if (element_type(dtype) == spec.type && is_native) return;
    const std::string what = name(spec);
    if (element_type(dtype) != spec.type) {
        // Most often that is a picture as it came from the camera.
        const bool is_frame =
            element_type(dtype) == ElementType::uint8 && spec.type == ElementType::float32;
        throw Error(
            ErrorKind::input,
            what + ": found " + describe(array) + ", wanted " + declared(spec) +
                (is_frame ? "; make it with edgeinfer.Preprocess, or convert it with .astype('"
                          : "; convert it with .astype('") +
                name_of(spec.type) + "')");
    }
    throw Error(ErrorKind::input, what +
                                      ": found bytes in foreign order, wanted this "
                                      "machine's; convert it with "
                                      ".astype(array.dtype.newbyteorder('='))");
}

// Not by pybind11's constructor, which computes the strides that NumPy computes again.
py::array array_over(const py::dtype& dtype, const std::vector<py::ssize_t>& shape, void* data,
                     const py::object& owner) {
    using Numpy = py::detail::npy_api;
    const Numpy& numpy = Numpy::get();
    auto array = py::reinterpret_steal<py::array>(numpy.PyArray_NewFromDescr_(
        numpy.PyArray_Type_, py::object(dtype).release().ptr(), static_cast<int>(shape.size()),
        shape.data(), nullptr, data, Numpy::NPY_ARRAY_WRITEABLE_, nullptr));
    if (!array) throw py::error_already_set();
    if (numpy.PyArray_SetBaseObject_(array.ptr(), py::object(owner).release().ptr()) < 0) {
        throw py::error_already_set();
    }
    return array;
}

ort::Value string_value(const py::array& array, const std::string& what) {
    const py::list items = array.attr("ravel")().attr("tolist")();
    std::vector<std::string> texts;
    texts.reserve(items.size());
    for (const py::handle item : items) {
        if (!py::isinstance<py::str>(item) && !py::isinstance<py::bytes>(item)) {
            throw Error(ErrorKind::input, what + ": found an element of type " +
                                              std::string(py::str(py::type::of(item))) +
                                              ", wanted only str or bytes");
        }
        texts.push_back(py::isinstance<py::bytes>(item)
                            ? std::string(py::reinterpret_borrow<py::bytes>(item))
                            : text_of(item, what));
        // The runtime takes C strings: what follows a NUL would be lost without a word.
        if (texts.back().find('\0') != std::string::npos) {
            throw Error(ErrorKind::input, what +
                                              ": found a string that holds a NUL character, "
                                              "wanted strings without; remove it");
        }
    }
    std::vector<const char*> pointers;
    pointers.reserve(texts.size());
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    return ort::Value::strings(pointers, shape_of(array));
}

}  // namespace

std::string declared(const ort::TensorSpec& spec) {
    std::string text = std::string(name_of(spec.type)) + " (";
    for (std::size_t i = 0; i < spec.shape.size(); ++i) {
        if (i > 0) text += ", ";
        const auto* size = std::get_if<std::int64_t>(&spec.shape[i]);
        text += size != nullptr ? std::to_string(*size) : std::get<std::string>(spec.shape[i]);
    }
    return text + (spec.shape.size() == 1 ? ",)" : ")");
}

ElementType element_type(const py::dtype& dtype) {
    if (dtype.num() < kFirstUserType && dtype.kind() != 'T') {
        return from_kind(dtype.kind(), dtype.itemsize());
    }
    const std::string name = py::str(dtype.attr("name"));
    for (std::int32_t i = 1; i <= static_cast<std::int32_t>(ElementType::int4); ++i) {
        const auto type = static_cast<ElementType>(i);
        if (name == name_of(type)) return type;
    }
    return dtype.kind() == 'T' ? ElementType::string : ElementType::undefined;
}

py::dtype dtype_of(ElementType type) {
    using Numpy = py::detail::npy_api;
    constexpr int kHalf = 23;  // NPY_HALF, which pybind11 does not name
    switch (type) {
        case ElementType::float32:
            return py::dtype(Numpy::NPY_FLOAT_);
        case ElementType::float64:
            return py::dtype(Numpy::NPY_DOUBLE_);
        case ElementType::float16:
            return py::dtype(kHalf);
        case ElementType::int8:
            return py::dtype(Numpy::NPY_INT8_);
        case ElementType::uint8:
            return py::dtype(Numpy::NPY_UINT8_);
        case ElementType::int16:
            return py::dtype(Numpy::NPY_INT16_);
        case ElementType::uint16:
            return py::dtype(Numpy::NPY_UINT16_);
        case ElementType::int32:
            return py::dtype(Numpy::NPY_INT32_);
        case ElementType::uint32:
            return py::dtype(Numpy::NPY_UINT32_);
        case ElementType::int64:
            return py::dtype(Numpy::NPY_INT64_);
        case ElementType::uint64:
            return py::dtype(Numpy::NPY_UINT64_);
        case ElementType::boolean:
            return py::dtype(Numpy::NPY_BOOL_);
        case ElementType::complex64:
            return py::dtype(Numpy::NPY_CFLOAT_);
        case ElementType::complex128:
            return py::dtype(Numpy::NPY_CDOUBLE_);
        case ElementType::string:
            return py::dtype(Numpy::NPY_OBJECT_);
        case ElementType::bfloat16:
        case ElementType::float8e4m3fn:
        case ElementType::float8e4m3fnuz:
        case ElementType::float8e5m2:
        case ElementType::float8e5m2fnuz:
        case ElementType::uint4:
        case ElementType::int4:
            break;
        default:
            throw Error(ErrorKind::run,
                        "tensor: found an element type that neither NumPy nor ml_dtypes holds; "
                        "cast it inside the model");
    }
    try {
        const py::object scalar = py::module_::import("ml_dtypes").attr(name_of(type));
        return py::dtype::from_args(scalar);
    } catch (py::error_already_set& error) {
        if (!error.matches(PyExc_ImportError)) throw;
        throw Error(ErrorKind::run, std::string("tensor: ") + name_of(type) +
                                        " needs the package ml_dtypes; `pip install ml_dtypes`");
    }
}

InputTensor to_input(const py::handle& object, const ort::TensorSpec& spec) {
    py::array array = array_of(object, spec, &name_of_input);
    expect_type(array, spec, &name_of_input);
    if (!fits(array, spec)) {
        throw Error(ErrorKind::input, name_of_input(spec) + ": found " + describe(array) +
                                          ", wanted " + declared(spec) +
                                          "; reshape it, or resize the frame");
    }
    InputTensor tensor;
    if (spec.type == ElementType::string) {
        tensor.value = string_value(array, name_of_input(spec));
        return tensor;
    }
    if (!is_c_contiguous(array) || !is_aligned(array)) {
        array = array.attr("copy")("C");
    }
    const std::vector<std::int64_t> shape = shape_of(array);
    void* data = const_cast<void*>(array.data());
    auto bytes = static_cast<std::size_t>(array.nbytes());
    if (is_packed(spec.type)) {
        const auto count = static_cast<std::size_t>(array.size());
        tensor.packed.resize(bytes_of(spec.type, count));
        ort::pack_nibbles({static_cast<const std::uint8_t*>(data), count}, tensor.packed.data());
        data = tensor.packed.data();
        bytes = tensor.packed.size();
    }
    tensor.value = ort::Value::view(data, bytes, shape, spec.type);
    tensor.keep = std::move(array);
    return tensor;
}

ort::Value to_output(const py::handle& object, const ort::TensorSpec& spec) {
    const py::array array = array_of(object, spec, &name_of_output);
    expect_type(array, spec, &name_of_output);
    const bool is_text = spec.type == ElementType::string;
    if (is_text && array.dtype().kind() != 'O') {
        throw Error(ErrorKind::input, name_of_output(spec) + ": found " + describe(array) +
                                          ", which holds text of one length only, wanted an array "
                                          "of objects; numpy.empty(shape, object) is one");
    }
    if (!is_c_contiguous(array) || !is_aligned(array) || !array.writeable() || !fits(array, spec)) {
        throw Error(ErrorKind::input, name_of_output(spec) + ": found " + describe(array) +
                                          (is_c_contiguous(array) ? "" : ", not C-contiguous") +
                                          (is_aligned(array) ? "" : ", not aligned") +
                                          (array.writeable() ? "" : ", read-only") +
                                          ", wanted a writable " + "C-contiguous " +
                                          declared(spec) + "; numpy.empty(shape, dtype) is one");
    }
    if (is_text || is_packed(spec.type)) return {};
    return ort::Value::view(const_cast<void*>(array.data()),
                            static_cast<std::size_t>(array.nbytes()), shape_of(array), spec.type);
}

void copy_into(py::array& array, const py::array& result, const std::string& what) {
    if (shape_of(array) != shape_of(result)) {
        throw Error(ErrorKind::input, what + ": found " + describe(array) + ", wanted " +
                                          describe(result) +
                                          ", which is what came out; leave it out of `out`, or "
                                          "make it that large");
    }
    array[py::ellipsis()] = result;
}

py::array to_array(ort::Value&& value, const std::string& name) {
    value.expect_tensor(name);
    const auto [type, sizes] = value.type_and_shape();
    const std::vector<py::ssize_t> shape(sizes.begin(), sizes.end());
    if (type == ElementType::string) {
        const std::vector<std::string> texts = value.read_strings();
        py::list items(texts.size());
        for (std::size_t i = 0; i < texts.size(); ++i) {
            items[i] = py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
                texts[i].data(), static_cast<py::ssize_t>(texts[i].size()), "replace"));
        }
        const py::array result(py::dtype("O"), shape);
        if (!texts.empty()) result.attr("flat") = items;
        return result;
    }
    const py::dtype dtype = dtype_of(type);
    if (is_packed(type)) {
        py::array result(dtype, shape);
        ort::unpack_nibbles(static_cast<const std::uint8_t*>(value.data()),
                            {static_cast<std::uint8_t*>(result.mutable_data()),
                             static_cast<std::size_t>(result.size())},
                            type == ElementType::int4);
        return result;
    }
    void* const data = value.data();
    const auto owner = py::reinterpret_steal<py::object>(
        PyCapsule_New(value.get(), nullptr, [](PyObject* capsule) {
            ort::Value(static_cast<ort::OrtValue*>(PyCapsule_GetPointer(capsule, nullptr)));
        }));
    if (!owner) throw py::error_already_set();
    value.release();
    return array_over(dtype, shape, data, owner);
}

}  // namespace ei::bindings
