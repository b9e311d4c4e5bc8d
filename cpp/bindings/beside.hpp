#pragma once
// Work of the core beside Python's: two threads where a first result has to wait for both.

#include <pybind11/pybind11.h>

#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/thread_heap.hpp"
#include "bindings/without_gil.hpp"

namespace ei::bindings {

// What the runtime's opening takes, and a network of 14 MB after it.
inline constexpr std::size_t kThreadHeap = std::size_t{9} << 20;

// Does `work`, which must not touch a Python object, without the interpreter's lock; the end of the
// program waits for it.
template <class Work>
auto before_the_end(Work&& work) {
    auto held = std::make_unique<WithoutGil::HoldsTheEnd>();
    const WithoutGil without_gil;
    // Let go of before the lock is asked for, which may wait for that end.
    const auto held_less_long = std::move(held);
    return work();
}

// Does `work`, which must not touch a Python object, in a thread of its own, and `meanwhile` in the
// calling one, which keeps the interpreter's lock for it. Gives what `work` gives, once both are
// over; where both raise, what `work` raised, unless the other asks the program to stop (Ctrl-C).
// Without a thread to be had, one follows the other.
template <class Work, class Meanwhile>
auto beside(Work&& work, Meanwhile&& meanwhile) {
    std::packaged_task<std::invoke_result_t<Work>()> task(std::forward<Work>(work));
    auto result = task.get_future();
    std::thread thread;
    try {
        auto held = std::make_unique<WithoutGil::HoldsTheEnd>();
        thread = std::thread([&task, held = std::move(held)] {
            grow_thread_heap(kThreadHeap);
            task();
        });
    } catch (const std::system_error&) {
        before_the_end(task);
    }
    std::exception_ptr failed;
    bool told_to_stop = false;
    try {
        meanwhile();
    } catch (const pybind11::error_already_set& error) {
        failed = std::current_exception();
        told_to_stop = !error.matches(PyExc_Exception);
    } catch (...) {
        failed = std::current_exception();
        // CPython before 3.14 ends a daemon thread by unwinding its stack, which is no exception,
        // and `thread` still works on this stack.
        if (failed == nullptr) WithoutGil::wait_for_the_end();
    }
    if (thread.joinable()) {
        const WithoutGil without_gil;
        thread.join();
    }
    if (failed != nullptr) {
        if (!told_to_stop) result.get();
        std::rethrow_exception(failed);
    }
    return result.get();
}

}  // namespace ei::bindings
