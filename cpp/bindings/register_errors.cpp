#include <pybind11/pybind11.h>

#include <new>
#include <string_view>

#include "base/error.hpp"
#include "bindings/raise.hpp"
#include "bindings/register.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

// Looked up when an error is raised, so that importing edgeinfer stays free of it.
void raise(const Error& error) {
    const py::module_ errors = py::module_::import("edgeinfer.errors");
    // Names in a model file may be no UTF-8, and the runtime quotes them as they are.
    const std::string_view bytes = error.what();
    const auto text = py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
        bytes.data(), static_cast<py::ssize_t>(bytes.size()), "backslashreplace"));
    if (!text) throw py::error_already_set();
    switch (error.kind()) {
        case ErrorKind::input:
            py::set_error(errors.attr("InputError"), text);
            return;
        case ErrorKind::model:
            py::set_error(errors.attr("ModelError"), text);
            return;
        case ErrorKind::run: {
            const py::object type = errors.attr("RunError");
            PyErr_SetObject(type.ptr(), type(text, error.reason()).ptr());
            return;
        }
    }
}

// The one place where a core error becomes a Python one.
void translate(std::exception_ptr pending) {
    try {
        if (pending) std::rethrow_exception(pending);
    } catch (const Error& error) {
        raise(error);
    } catch (const std::bad_alloc&) {
        raise(Error(ErrorKind::run, "out of memory; use a smaller model, frame or output"));
    }
}

}  // namespace

void raise(std::exception_ptr thrown) noexcept {
    try {
        translate(thrown);
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const std::exception& error) {
        py::set_error(PyExc_RuntimeError, error.what());
    } catch (...) {
        py::set_error(PyExc_RuntimeError, "an unknown C++ exception");
    }
}

void register_errors(py::module_&) {
    py::register_local_exception_translator(&translate);
}

}  // namespace ei::bindings
