#pragma once
// One large piece of work on several cores at once, in threads that live no longer than it does.
//
// A thread takes some 50 us to begin and end, little beside the work that is worth splitting, so
// nothing is kept for the next call: no thread waits or spins between calls, is lost in a fork, or
// is still there when the program ends.

#include <functional>

namespace ei::cpu {

class SideBySide {
  public:
    static constexpr int kMost = 4;  // beyond, the memory's speed decides

    // Takes the process's turn where `wanted` is above 1: as many parts as there are usable cores,
    // and kMost at most. One part where another call has the turn: two that are split would only
    // wait for each other's cores.
    explicit SideBySide(int wanted);
    ~SideBySide();
    SideBySide(const SideBySide&) = delete;
    SideBySide& operator=(const SideBySide&) = delete;

    int parts() const noexcept { return parts_; }

    // work(part) for each of 0 .. parts() - 1, the first in this thread; returns when all have
    // ended. `work` must not throw. Parts for which the system gives no thread are done here.
    void run(const std::function<void(int)>& work) const;

  private:
    int parts_;
};

}  // namespace ei::cpu
