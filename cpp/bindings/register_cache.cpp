#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>

#include "bindings/register.hpp"
#include "bindings/without_gil.hpp"
#include "cache/folder.hpp"
#include "flow/notes.hpp"

namespace py = pybind11;

namespace ei::bindings {
namespace {

// A model's path, or its bytes.
struct Model {
    explicit Model(const py::object& given)
        : bytes(py::isinstance<py::bytes>(given) ? py::cast<std::string_view>(given)
                                                 : std::string_view{}),
          path(py::isinstance<py::bytes>(given) ? ""
                                                : py::cast<std::filesystem::path>(given).string()) {
    }

    std::string_view bytes;
    std::string path;
};

template <class Use>
auto with_notes(const py::object& given, Use&& use) {
    const Model model(given);  // `given` outlives the call
    const WithoutGil without_gil;
    const cache::Folder folder = cache::Folder::users();
    const Digest digest =
        flow::model_for_notes(folder, model.path, std::as_bytes(std::span(model.bytes)));
    return use(flow::Notes(folder, digest));
}

}  // namespace

void register_cache(py::module_& module) {
    py::class_<cache::Listed>(module, "CacheFile")
        .def_readonly("name", &cache::Listed::name)
        .def_readonly("bytes", &cache::Listed::bytes)
        .def_readonly("used_s", &cache::Listed::used_s);
    module.def(
        "cache_folder",
        [] {
            const cache::Folder folder = cache::Folder::users();
            return std::pair(folder.path(), folder.why_not());
        },
        "(path, why it is not used); an empty reason: it is.");
    module.def("cache_files", [] {
        const cache::Folder folder = cache::Folder::users();
        return folder.why_not().empty() ? folder.list() : std::vector<cache::Listed>{};
    });
    module.def("cache_clear", [] {
        const cache::Folder folder = cache::Folder::users();
        return folder.why_not().empty() ? folder.clear() : 0;
    });
    module.def(
        "cache_recall",
        [](const py::object& model, const std::string& name) {
            return with_notes(model, [&](const flow::Notes& notes) { return notes.recall(name); });
        },
        py::arg("model"), py::arg("name"), "What was remembered of a model, or None.");
    module.def(
        "cache_remember",
        [](const py::object& model, const std::string& name, const std::string& text) {
            return with_notes(model,
                              [&](const flow::Notes& notes) { return notes.remember(name, text); });
        },
        py::arg("model"), py::arg("name"), py::arg("text"),
        "Why the text could not be kept; empty: it is.");
}

}  // namespace ei::bindings
