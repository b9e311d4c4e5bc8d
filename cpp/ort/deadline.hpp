#pragma once
// Stops a run that takes too long: a model can loop for ever.

#include <chrono>

#include "ort/library.hpp"

namespace ei::ort {

// Watches one run. Until finish(), a thread of its own raises the run's terminate flag once
// `seconds` have passed; the runtime looks at that flag between nodes and loop iterations, so one
// very long node ends late. Costs a lock and a wake-up of the watching thread; no allocation.
class Deadline {
  public:
    // seconds <= 0 watches nothing.
    Deadline(OrtRunOptions* options, double seconds);
    ~Deadline();
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    // Stops watching, and tells whether the flag was raised. One step under one lock: a flag raised
    // after the answer would go unnoticed and stop the next run that uses the same options.
    bool finish();

  private:
    friend class Watch;

    OrtRunOptions* options_ = nullptr;  // null when nothing is watched
    std::chrono::steady_clock::time_point due_{};
    bool expired_ = false;
    Deadline* next_ = nullptr;  // intrusive list of the runs being watched
    Deadline* previous_ = nullptr;
};

}  // namespace ei::ort
