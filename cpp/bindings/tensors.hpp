#pragma once
// NumPy arrays as the runtime's tensors, and back: no copy where the element types allow it.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <vector>

#include "ort/tensor.hpp"

namespace ei::bindings {

// Element type of a dtype; undefined when the runtime has none like it.
ElementType element_type(const pybind11::dtype& dtype);

// dtype of an element type: NumPy's own, or ml_dtypes' for bfloat16, float8 and 4-bit types
// (imported then). object for strings. Error(run) for types neither library holds.
pybind11::dtype dtype_of(ElementType type);

// A tensor for one run over memory that `keep` and `packed` keep alive.
struct InputTensor {
    ort::Value value;
    pybind11::object keep;
    std::vector<std::uint8_t> packed;
};

// Checks the object against the declaration. C-contiguous arrays, DLPack tensors and buffers are
// read where they lie; strided ones and 4-bit types are copied.
InputTensor to_input(const pybind11::handle& object, const ort::TensorSpec& spec);

// A tensor over an array of the caller's that the runtime writes in place. Nothing for strings and
// 4-bit values, which the runtime holds in another form: copy_into() brings them over.
ort::Value to_output(const pybind11::handle& object, const ort::TensorSpec& spec);

// An array that owns the runtime's tensor; strings and 4-bit types are converted, thus copied.
pybind11::array to_array(ort::Value&& value, const std::string& name);

// Copies a result into an array of the caller's, whose shape may differ on symbolic axes only then.
void copy_into(pybind11::array& array, const pybind11::array& result, const std::string& what);

// A view over memory that `owner` keeps alive.
template <class Owner>
pybind11::array view_of(ElementType type, const std::vector<std::int64_t>& shape, void* data,
                        std::shared_ptr<Owner> owner) {
    auto* const held = new std::shared_ptr<Owner>(std::move(owner));
    const pybind11::capsule base(held,
                                 [](void* p) { delete static_cast<std::shared_ptr<Owner>*>(p); });
    return pybind11::array(dtype_of(type),
                           std::vector<pybind11::ssize_t>(shape.begin(), shape.end()), data, base);
}

// "float32 (1, 3, 224, 224)", symbolic axes by name.
std::string declared(const ort::TensorSpec& spec);

}  // namespace ei::bindings
