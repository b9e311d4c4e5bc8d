#pragma once
// Methods beside pybind11's dispatcher, which looks up and casts every argument anew: 0.4 us a call
// of five. For what runs once a frame; everything else is better off with pybind11.

#include <pybind11/pybind11.h>

#include <span>
#include <string>

#include "bindings/raise.hpp"

namespace ei::bindings {

using Arguments = std::span<PyObject* const>;

// The object of ours inside `self`, which CPython has checked to be of the method's own type.
// Error(input) for one that was made without its initialiser.
template <class T>
T& inside(PyObject* self) {
    auto* const instance = reinterpret_cast<pybind11::detail::instance*>(self);
    if (T* const found = instance->get_value_and_holder().template value_ptr<T>()) return *found;
    throw pybind11::type_error("found an object without content, wanted one made by its class");
}

// Calls `Call(self, arguments)`, which gives an object or raises as any bound function may.
template <auto Call, Py_ssize_t Count>
PyObject* direct(PyObject* self, PyObject* const* arguments, Py_ssize_t count) noexcept {
    try {
        if (count != Count) {
            throw pybind11::type_error("found " + std::to_string(count) + " arguments, wanted " +
                                       std::to_string(Count));
        }
        pybind11::object result = Call(self, Arguments(arguments, static_cast<std::size_t>(count)));
        return result.release().ptr();
    } catch (...) {
        raise(std::current_exception());
        return nullptr;
    }
}

// `definition` lives as long as the module.
inline void add_method(const pybind11::handle& type, PyMethodDef& definition) {
    const auto method = pybind11::reinterpret_steal<pybind11::object>(
        PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(type.ptr()), &definition));
    if (!method) throw pybind11::error_already_set();
    pybind11::setattr(type, definition.ml_name, method);
}

// Calls `Call(self, names, values)` with arguments that come by name alone.
template <auto Call>
PyObject* direct_named(PyObject* self, PyObject* const* arguments, Py_ssize_t positional,
                       PyObject* names) noexcept {
    try {
        if (positional != 0) {
            throw pybind11::type_error("found " + std::to_string(positional) +
                                       " arguments without a name, wanted none");
        }
        const Py_ssize_t count = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
        pybind11::object result =
            Call(self, names, Arguments(arguments, static_cast<std::size_t>(count)));
        return result.release().ptr();
    } catch (...) {
        raise(std::current_exception());
        return nullptr;
    }
}

// Adds a method of `Count` positional arguments to a class. `doc` begins with the signature, as
// pybind11 writes it for its own, and lives as long as the module.
template <auto Call, Py_ssize_t Count>
void add_direct(const pybind11::handle& type, const char* name, const char* doc) {
    static PyMethodDef definition{name, nullptr, METH_FASTCALL, doc};
    definition.ml_meth =
        reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&direct<Call, Count>));
    add_method(type, definition);
}

// The same for one whose arguments come by name alone.
template <auto Call>
void add_direct_named(const pybind11::handle& type, const char* name, const char* doc) {
    static PyMethodDef definition{name, nullptr, METH_FASTCALL | METH_KEYWORDS, doc};
    definition.ml_meth =
        reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&direct_named<Call>));
    add_method(type, definition);
}

}  // namespace ei::bindings
