#include <pybind11/pybind11.h>

#include <new>

#include "base/error.hpp"
#include "bindings/register.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

// Looked up when an error is raised, so that importing edgeinfer stays free of it.
void raise(const Error& error) {
    const py::module_ errors = py::module_::import("edgeinfer.errors");
    switch (error.kind()) {
        case ErrorKind::input:
            py::set_error(errors.attr("InputError"), error.what());
            return;
        case ErrorKind::model:
            py::set_error(errors.attr("ModelError"), error.what());
            return;
        case ErrorKind::run: {
            const py::object type = errors.attr("RunError");
            PyErr_SetObject(type.ptr(), type(error.what(), error.reason()).ptr());
            return;
        }
    }
}

}  // namespace

// The one place where a core error becomes a Python one.
void register_errors(py::module_&) {
    py::register_local_exception_translator([](std::exception_ptr pending) {
        try {
            if (pending) std::rethrow_exception(pending);
        } catch (const Error& error) {
            raise(error);
        } catch (const std::bad_alloc&) {
            raise(Error(ErrorKind::run, "out of memory; use a smaller model, frame or output"));
        }
    });
}

}  // namespace ei::bindings
