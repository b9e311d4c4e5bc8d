#include "bindings/numpy_environment.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

// Of NumPy 1.x to 2.x (numpy/_core/__init__.py), for its OpenBLAS.
constexpr const char* kNames[] = {"OPENBLAS_MAIN_FREE", "GOTOBLAS_MAIN_FREE"};

}  // namespace

NumpyEnvironment::NumpyEnvironment() : environment_(py::module_::import("os").attr("environ")) {
    for (const char* name : kNames) {
        if (environment_.contains(name)) continue;
        environment_[name] = "1";
        added_.append(name);
    }
}

NumpyEnvironment::~NumpyEnvironment() {
    try {
        for (const py::handle name : added_) environment_.attr("pop")(name, py::none());
    } catch (py::error_already_set& error) {
        error.discard_as_unraisable("edgeinfer: NumPy's variables");
    }
}

}  // namespace ei::bindings
