#include "ort/pool.hpp"

#include <atomic>
#include <utility>

#include "cpu/cores.hpp"
#include "ort/library.hpp"
#include "ort/session.hpp"

namespace ei::ort {
namespace {

std::atomic<int> g_spinning{0};

Pool own(int threads, int spin_us, std::string why) {
    return {false, threads, spin_us, std::move(why)};
}

}  // namespace

SpinningThreads::SpinningThreads(int count) noexcept : count_(count) {
    g_spinning += count;
}

SpinningThreads::~SpinningThreads() {
    g_spinning -= count_;
}

SpinningThreads::SpinningThreads(SpinningThreads&& other) noexcept
    : count_(std::exchange(other.count_, 0)) {}

SpinningThreads& SpinningThreads::operator=(SpinningThreads&& other) noexcept {
    std::swap(count_, other.count_);
    return *this;
}

int SpinningThreads::now() noexcept {
    return g_spinning;
}

Pool choose_pool(const Library& library, const Options& options) {
    if (!options.threads) {
        return {true, library.pool_threads(), 0,
                "the shared pool never spins: the runtime would let it spin between runs too"};
    }
    const int threads = *options.threads;
    if (threads == 1) return own(1, 0, "one thread computes alone");
    if (options.spin == Spin::off) return own(threads, 0, "spin is off");
    if (options.spin == Spin::on) return own(threads, kSpinForLong, "spin is on");
    if (!library.is_at_least(1, 26)) {
        // Older ones ignore the duration and would spin for tens of milliseconds behind each run.
        return own(threads, 0,
                   "ONNX Runtime " + library.version() + " cannot spin briefly; 1.26 can");
    }
    const int cores = cpu::usable_cores();
    const int others = SpinningThreads::now();
    if (others + threads > cores) {
        return own(threads, 0,
                   std::to_string(threads) + " threads, " + std::to_string(others) +
                       " more that spin and " + std::to_string(cores) +
                       " usable cores: somebody would wait for a thread that spins");
    }
    return own(threads, kBriefSpinUs, "each thread has a core of its own within a run");
}

}  // namespace ei::ort
