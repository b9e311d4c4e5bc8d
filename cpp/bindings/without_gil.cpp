#include "bindings/without_gil.hpp"

#include <atomic>
#include <chrono>
#include <thread>

namespace py = pybind11;

namespace ei::bindings {
namespace {

std::atomic<bool> g_ending{false};
std::atomic<int> g_asking{0};          // threads between their call and the lock
std::atomic<unsigned long> g_last{0};  // the thread that ends the interpreter

std::atomic<int> g_held{0};  // how many hold the end

// Runs before the interpreter refuses its lock to others. Whoever asks for it already gets it now;
// whoever asks later waits.
void end() {
    g_last = PyThread_get_thread_ident();
    g_ending = true;
    PyThreadState* const state = PyEval_SaveThread();
    for (int held = g_held; held > 0; held = g_held) g_held.wait(held);
    while (g_asking > 0) std::this_thread::yield();
    PyEval_RestoreThread(state);
}

}  // namespace

WithoutGil::~WithoutGil() {
    ++g_asking;
    if (g_ending && PyThread_get_thread_ident() != g_last) {
        --g_asking;
        wait_for_the_end();
    }
    PyEval_RestoreThread(state_);
    --g_asking;
}

WithoutGil::HoldsTheEnd::HoldsTheEnd() {
    ++g_held;
    if (!g_ending || PyThread_get_thread_ident() == g_last) return;
    if (--g_held == 0) g_held.notify_all();
    const WithoutGil stays_here;
}

WithoutGil::HoldsTheEnd::~HoldsTheEnd() {
    if (--g_held == 0) g_held.notify_all();
}

void WithoutGil::watch_the_end() {
    py::module_::import("atexit").attr("register")(py::cpp_function(&end));
}

void WithoutGil::wait_for_the_end() {
    while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace ei::bindings
