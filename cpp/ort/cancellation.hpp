#pragma once
// Stops runs on request, from any thread.

#include <atomic>
#include <mutex>

#include "ort/library.hpp"

namespace ei::ort {

// A request to stop, shared by those who may ask for it and the runs that heed it. Sticky: a run
// that begins under a token that was cancelled already fails at once, and no other run is touched.
// It must outlive the runs that were given it.
class Cancellation {
  public:
    Cancellation() = default;
    Cancellation(const Cancellation&) = delete;
    Cancellation& operator=(const Cancellation&) = delete;

    // Raises the terminate flag of every run in flight under this token. The runtime looks at that
    // flag between nodes and loop iterations, so one very long node ends late.
    void cancel();
    bool requested() const noexcept { return requested_.load(std::memory_order_acquire); }

  private:
    friend class Cancellable;

    std::mutex mutex_;
    std::atomic<bool> requested_{false};
    class Cancellable* first_ = nullptr;  // intrusive list of the runs in flight
};

// One run under a token, from before it begins until finish(). No allocation.
class Cancellable {
  public:
    // No token: nothing happens.
    Cancellable(Cancellation* token, OrtRunOptions* options);
    ~Cancellable();
    Cancellable(const Cancellable&) = delete;
    Cancellable& operator=(const Cancellable&) = delete;

    // Stops listening, and tells whether the flag was raised. One step under one lock: a flag
    // raised after the answer would stop the next run that uses the same options.
    bool finish();

  private:
    friend class Cancellation;
    void raise();  // with the token's lock held

    Cancellation* token_;
    OrtRunOptions* options_;
    bool raised_ = false;
    Cancellable* next_ = nullptr;
    Cancellable* previous_ = nullptr;
};

// What a run that was stopped ends in.
Error cancelled();
Error timed_out(double timeout_s);

// What may end a run before its own end.
struct Limits {
    // Implicit: most callers know of a timeout only.
    Limits(double seconds = 0, Cancellation* token = nullptr) : timeout_s(seconds), cancel(token) {}

    double timeout_s;      // 0: none
    Cancellation* cancel;  // null: none
};

}  // namespace ei::ort
