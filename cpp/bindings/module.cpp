#include <pybind11/pybind11.h>

#include "bindings/arrays.hpp"
#include "bindings/register.hpp"

namespace py = pybind11;

// `_core` converts and checks; the arithmetic is below it, in folders that know no Python.
//
// Not declared as free of the interpreter lock: the checks on arrays rely on it. An interpreter
// without one takes it up again when it imports this.
PYBIND11_MODULE(_core_in_main_interpreter, module) {
    module.attr("__version__") = EDGEINFER_VERSION;
    ei::bindings::register_errors(module);
    ei::bindings::register_cpu(module);
    ei::bindings::register_graph(module);
    ei::bindings::register_preprocess(module);
    ei::bindings::register_tail(module);
    ei::bindings::register_ort(module);
    ei::bindings::register_flow(module);
    ei::bindings::register_cache(module);
    ei::bindings::register_calib(module);
    // Whoever imported NumPy will pass arrays; whoever did not is spared the import.
    if (py::module_::import("sys").attr("modules").contains("numpy")) {
        ei::bindings::prepare_for_arrays();
    }
}

// pybind11 asks for the main interpreter's lock while it starts. Before CPython 3.12 a
// sub-interpreter holds that same lock, and the import would wait for ever.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) {
        return PyInit__core_in_main_interpreter();
    }
    PyErr_SetString(
        PyExc_ImportError,
        "edgeinfer: found a sub-interpreter, wanted the main one; import it in the main "
        "interpreter or in a process of its own");
    return nullptr;
}
