#pragma once
// One caller at a time, where those who wait may give up.

#include <condition_variable>
#include <mutex>

#include "flow/tally.hpp"
#include "ort/cancellation.hpp"

namespace ei::flow {

// A mutex locks out a caller for as long as the holder runs, which may be for ever; a caller with a
// timeout or a token was promised an end.
class Turn {
  public:
    class Taken {
      public:
        explicit Taken(Turn& turn) : turn_(turn) {}
        ~Taken() { turn_.give_back(); }
        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;

      private:
        Turn& turn_;
    };

    // Waits for the turn and holds it until the result is gone. Takes the wait off
    // `limits.timeout_s`. Error(run), reason "timeout" or "cancelled", when that came first.
    Taken take(ort::Limits& limits);
    // Waits without a limit.
    Taken take();

  private:
    void give_back();

    std::mutex mutex_;
    std::condition_variable free_;
    bool taken_ = false;
};

}  // namespace ei::flow
