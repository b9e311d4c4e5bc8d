#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vector>

#include "bindings/register.hpp"
#include "bindings/without_gil.hpp"
#include "cpu/cores.hpp"
#include "cpu/features.hpp"
#include "plan/self_check.hpp"

namespace py = pybind11;

namespace ei::bindings {

void register_cpu(py::module_& module) {
    using plan::VariantFacts;
    using plan::VariantResult;
    module.def(
        "cpu_features",
        [](bool limited) { return cpu::names(limited ? cpu::enabled() : cpu::detected()); },
        py::kw_only(), py::arg("limited") = true,
        "Comma list of this CPU's features; limited=False ignores EDGEINFER_CPU.");
    module.def("usable_cores", &cpu::usable_cores, py::arg("root") = "",
               "Threads that can compute at once: physical cores that this thread may run on, "
               "within the cgroup's quota. root stands before /proc and /sys, for tests.");
    py::class_<VariantFacts>(module, "KernelVariant", "One way to compute a kernel.")
        .def_property_readonly("kernel", [](const VariantFacts& self) { return self.operation; })
        .def_property_readonly("variant", [](const VariantFacts& self) { return self.variant; })
        .def_property_readonly(
            "needs", [](const VariantFacts& self) { return cpu::names(self.needs); },
            "Comma list of CPU features, 'none' where it needs none.")
        .def_readonly("available", &VariantFacts::available,
                      "Whether this CPU has them and EDGEINFER_CPU leaves them in force.")
        .def_readonly("chosen", &VariantFacts::chosen, "Whether plans use it here.");
    py::class_<VariantResult>(module, "KernelCheck", "A variant that ran on this machine.")
        .def_property_readonly("kernel", [](const VariantResult& self) { return self.operation; })
        .def_property_readonly("variant", [](const VariantResult& self) { return self.variant; })
        .def_readonly("equal", &VariantResult::equal, "Whether it equals scalar to the last bit.")
        .def_readonly("times_scalar", &VariantResult::times_scalar,
                      "How many times faster than scalar; 1 for scalar itself.");
    module.def(
        "kernel_variants", [] { return plan::list_variants(); },
        "Every variant of every kernel, best first, scalar last.");
    module.def(
        "check_kernels",
        [] {
            const WithoutGil without_gil;  // 50 ms
            return plan::check_variants();
        },
        "Runs every available variant on seeded data against scalar. About 50 ms.");
}

}  // namespace ei::bindings
