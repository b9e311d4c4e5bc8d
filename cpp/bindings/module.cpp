#include <pybind11/pybind11.h>

#include "bindings/register.hpp"

// `_core` converts and checks; the arithmetic is below it, in folders that know no Python.
PYBIND11_MODULE(_core, module) {
    module.attr("__version__") = EDGEINFER_VERSION;
    ei::bindings::register_errors(module);
    ei::bindings::register_cpu(module);
    ei::bindings::register_graph(module);
    ei::bindings::register_preprocess(module);
    ei::bindings::register_tail(module);
    ei::bindings::register_ort(module);
    ei::bindings::register_flow(module);
}
