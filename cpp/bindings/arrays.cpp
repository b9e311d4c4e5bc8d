#include "bindings/arrays.hpp"

#include "base/error.hpp"

namespace py = pybind11;

namespace ei::bindings {

std::string describe(const py::array& array) {
    std::string text = py::str(array.dtype());
    text += " (";
    for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
        if (axis > 0) text += ", ";
        text += std::to_string(array.shape(axis));
    }
    return text + (array.ndim() == 1 ? ",)" : ")");
}

py::array as_array(const py::handle& object, const std::string& what) {
    if (py::isinstance<py::array>(object)) return py::reinterpret_borrow<py::array>(object);
    const py::module_ numpy = py::module_::import("numpy");
    try {
        if (py::hasattr(object, "__dlpack__")) return numpy.attr("from_dlpack")(object);
        if (PyObject_CheckBuffer(object.ptr())) return numpy.attr("asarray")(object);
    } catch (py::error_already_set& error) {
        if (!error.matches(PyExc_Exception)) throw;  // KeyboardInterrupt and its kind pass through
        throw Error(ErrorKind::input, what + ": " + std::string(py::str(error.value())) +
                                          "; wanted a NumPy array, or a CPU tensor that offers "
                                          "DLPack or the buffer protocol");
    }
    throw Error(ErrorKind::input,
                what + ": found " + std::string(py::str(py::type::of(object).attr("__name__"))) +
                    ", wanted a NumPy array, a DLPack tensor or a buffer; convert it with "
                    "numpy.asarray(...)");
}

bool is_c_contiguous(const py::array& array) {
    return (array.flags() & py::array::c_style) != 0;
}

}  // namespace ei::bindings
