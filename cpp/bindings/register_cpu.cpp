#include <pybind11/pybind11.h>

#include "bindings/register.hpp"
#include "cpu/features.hpp"

namespace ei::bindings {

void register_cpu(pybind11::module_& module) {
    module.def(
        "cpu_features",
        [](bool limited) { return cpu::names(limited ? cpu::enabled() : cpu::detected()); },
        pybind11::kw_only(), pybind11::arg("limited") = true,
        "Comma list of this CPU's features; limited=False ignores EDGEINFER_CPU.");
}

}  // namespace ei::bindings
