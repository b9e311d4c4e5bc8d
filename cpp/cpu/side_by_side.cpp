#include "cpu/side_by_side.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <functional>
#include <thread>

#include "cpu/cores.hpp"

namespace ei::cpu {
namespace {

// The process that has a call split. A child that is forked meanwhile finds its parent's number,
// and not a turn that nobody in it would ever end.
std::atomic<pid_t> g_taken_by{0};

bool take_turn() {
    const pid_t self = ::getpid();
    pid_t holder = g_taken_by.load(std::memory_order_relaxed);
    return holder != self &&
           g_taken_by.compare_exchange_strong(holder, self, std::memory_order_acquire);
}

// Counted once: it reads files. Two threads that come at once count twice, alike; a static of the
// function would leave a child hanging that was forked while its parent counted.
int cores() {
    static std::atomic<int> counted{0};
    int count = counted.load(std::memory_order_relaxed);
    if (count == 0) {
        count = usable_cores();
        counted.store(count, std::memory_order_relaxed);
    }
    return count;
}

}  // namespace

SideBySide::SideBySide(int wanted) : parts_(1) {
    if (wanted < 2) return;
    const int parts = std::min({wanted, cores(), kMost});
    if (parts > 1 && take_turn()) parts_ = parts;
}

SideBySide::~SideBySide() {
    if (parts_ > 1) g_taken_by.store(0, std::memory_order_release);
}

void SideBySide::run(const std::function<void(int)>& work) const {
    std::array<std::thread, kMost - 1> threads;
    int begun = 1;
    try {
        for (; begun < parts_; ++begun) {
            threads[static_cast<std::size_t>(begun - 1)] = std::thread(std::cref(work), begun);
        }
    } catch (const std::exception&) {
        // No more threads, or no memory for one: the rest is done below.
    }
    work(0);
    for (int part = begun; part < parts_; ++part) work(part);
    for (std::thread& thread : threads) {
        if (thread.joinable()) thread.join();
    }
}

}  // namespace ei::cpu
