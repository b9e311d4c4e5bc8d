#include "bindings/arrays.hpp"

#include "base/error.hpp"

namespace py = pybind11;

namespace ei::bindings {

void prepare_for_arrays() {
    py::detail::npy_api::get();
}

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
        // Through a memoryview, since numpy takes bytes themselves for one string.
        if (PyObject_CheckBuffer(object.ptr())) {
            const auto view =
                py::reinterpret_steal<py::object>(PyMemoryView_FromObject(object.ptr()));
            if (!view) throw py::error_already_set();
            return numpy.attr("asarray")(view);
        }
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

bool is_aligned(const py::array& array) {
    return (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

std::string text_of(const py::handle& object, const std::string& what) {
    if (!py::isinstance<py::str>(object)) {
        throw Error(ErrorKind::input,
                    what + ": found " +
                        std::string(py::str(py::type::of(object).attr("__name__"))) +
                        ", wanted str");
    }
    Py_ssize_t size = 0;
    const char* const text = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
    if (text == nullptr) {
        PyErr_Clear();
        throw Error(ErrorKind::input, what +
                                          ": found text with lone surrogates, wanted text that "
                                          "UTF-8 can hold");
    }
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace ei::bindings
