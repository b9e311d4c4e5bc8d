#include "bindings/without_gil.hpp"

#include <pthread.h>

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

// A program that ends because its load hangs has to end.
constexpr std::chrono::seconds kLongestHold{10};

// Gives up early where a signal's handler raises (Ctrl-C), and leaves that set.
bool wait_for_holders() {
    const auto until = std::chrono::steady_clock::now() + kLongestHold;
    while (g_held > 0 && std::chrono::steady_clock::now() < until) {
        PyThreadState* const state = PyEval_SaveThread();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        PyEval_RestoreThread(state);
        if (PyErr_CheckSignals() != 0) return false;
    }
    return true;
}

// Runs before the interpreter refuses its lock to others. Whoever asks for it already gets it now;
// whoever asks later waits.
void end() {
    g_last = PyThread_get_thread_ident();
    g_ending = true;
    const bool waited = wait_for_holders();
    PyThreadState* const state = PyEval_SaveThread();
    while (g_asking > 0) std::this_thread::yield();
    PyEval_RestoreThread(state);
    if (!waited) throw py::error_already_set();
}

// The threads that these tell of stayed with the parent: nobody would ever count them down.
void forget_other_threads() {
    g_ending = false;
    g_asking = 0;
    g_held = 0;
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
    --g_held;
    const WithoutGil stays_here;
}

WithoutGil::HoldsTheEnd::~HoldsTheEnd() {
    --g_held;
}

void WithoutGil::watch_the_end() {
    pthread_atfork(nullptr, nullptr, &forget_other_threads);
    py::module_::import("atexit").attr("register")(py::cpp_function(&end));
}

void WithoutGil::wait_for_the_end() {
    while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace ei::bindings
