#pragma once
// Whose threads a session computes with, how many, and how they wait for work.
//
// A thread that spins finds the next piece of work some microseconds earlier than one that the
// kernel must wake; inside a run of a small network that decides whether a second thread gains
// anything. It gains nothing between runs, and costs where threads outnumber cores. So by itself a
// pool spins only as long as pieces of work follow each other within a run (kBriefSpinUs), and only
// while the threads of all pools that spin fit into the cores of the process.

#include <string>

namespace ei::ort {

struct Options;
class Library;

// Longer than the gaps between the pieces of work of one run, far shorter than those between runs.
inline constexpr int kBriefSpinUs = 20;
inline constexpr int kSpinForLong = -1;  // for as long as the runtime does by itself

struct Pool {
    bool shared = true;
    int threads = 1;  // the caller's included
    int spin_us = 0;  // 0: never
    std::string why;  // of spin_us, one sentence
};

// Threads that were counted as spinning; gone with this object.
class SpinningThreads {
  public:
    SpinningThreads() = default;
    explicit SpinningThreads(int count) noexcept;
    ~SpinningThreads();
    SpinningThreads(SpinningThreads&& other) noexcept;
    SpinningThreads& operator=(SpinningThreads&& other) noexcept;
    static int now() noexcept;

  private:
    int count_ = 0;
};

// What a session with these options gets, judged by what is open now.
Pool choose_pool(const Library& library, const Options& options);

}  // namespace ei::ort
