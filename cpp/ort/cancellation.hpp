#pragma once
// Stops runs on request, from any thread.

#include <atomic>
#include <chrono>
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

// What a run that was cancelled ends in.
Error cancelled();

// What may end a run before its own end.
struct Limits {
    // Implicit: most callers know of a timeout only.
    Limits(double seconds = 0, Cancellation* token = nullptr)
        : timeout_s(seconds), cancel(token), asked_s(seconds) {}

    // What is left of them for the next part of a run that began then: 0 stays "no limit", and a
    // spent one is a nanosecond.
    Limits left_since(std::chrono::steady_clock::time_point start) const;

    double timeout_s;      // 0: none
    Cancellation* cancel;  // null: none
    double asked_s;        // the timeout as the caller gave it, for the text of an error
};

// What a run ends in whose time was up.
Error timed_out(const Limits& limits);

}  // namespace ei::ort
