#pragma once
// One caller at a time, where those who wait may give up.

#include <atomic>
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
        Taken(Turn& turn, bool waited) : turn_(turn), waited_(waited) {}
        ~Taken() { turn_.give_back(); }
        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;
        bool waited() const noexcept { return waited_; }

      private:
        Turn& turn_;
        bool waited_;
    };

    // Waits for the turn and holds it until the result is gone. Takes the wait off
    // `limits.timeout_s`. Error(run), reason "timeout" or "cancelled", when that came first.
    Taken take(ort::Limits& limits);
    // Waits without a limit.
    Taken take();

  private:
    void give_back();
    bool try_take() noexcept { return !taken_.exchange(true); }

    // A turn that nobody waits for takes no lock. All in one order (seq_cst): who gives the turn
    // back and sees nobody waiting did so before the other counted itself and looked again.
    std::atomic<bool> taken_{false};
    std::atomic<int> waiting_{0};
    std::mutex mutex_;
    std::condition_variable free_;
};

}  // namespace ei::flow
