// Work that is split: each part is done once, in a thread of its own where there are cores; one
// call at a time is split; a forked child computes on. Meant for ThreadSanitizer too.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <set>
#include <thread>
#include <vector>

#include "cpu/cores.hpp"
#include "cpu/side_by_side.hpp"

namespace {

using ei::cpu::SideBySide;

bool each_part_once(int wanted) {
    const SideBySide split(wanted);
    std::array<std::atomic<int>, SideBySide::kMost> done{};
    std::array<std::thread::id, SideBySide::kMost> by{};
    split.run([&](int part) {
        ++done[static_cast<std::size_t>(part)];
        by[static_cast<std::size_t>(part)] = std::this_thread::get_id();
    });
    const auto parts = static_cast<std::size_t>(split.parts());
    for (std::size_t part = 0; part < done.size(); ++part) {
        if (done[part] != (part < parts ? 1 : 0)) return false;
    }
    return by[0] == std::this_thread::get_id() &&
           std::set(by.begin(), by.begin() + static_cast<std::ptrdiff_t>(parts)).size() == parts;
}

bool as_many_as_cores() {
    const int cores = ei::cpu::usable_cores();
    const auto parts = [](int wanted) { return SideBySide(wanted).parts(); };
    const int most = cores < SideBySide::kMost ? cores : SideBySide::kMost;
    return parts(1) == 1 && parts(0) == 1 && parts(1000) == most;
}

bool one_at_a_time() {
    const SideBySide first(SideBySide::kMost);
    const bool alone = SideBySide(SideBySide::kMost).parts() == 1;
    return alone || first.parts() == 1;
}

bool from_many_threads() {
    std::atomic<bool> right{true};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&] {
            for (int k = 0; k < 200; ++k) {
                if (!each_part_once(SideBySide::kMost)) right = false;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    return right;
}

template <class Work>
bool in_a_child(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work() ? 0 : 1);
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

bool in_a_child_of_one_at_work() {
    const SideBySide held(SideBySide::kMost);
    return in_a_child([&] {
        const bool first = SideBySide(SideBySide::kMost).parts() == held.parts();
        return first && SideBySide(SideBySide::kMost).parts() == held.parts();
    });
}

bool say(const char* what, bool right) {
    std::printf("%s: %s\n", what, right ? "right" : "WRONG");
    std::fflush(stdout);  // a child would print it again
    return right;
}

}  // namespace

int main() {
    bool right = say("each part once", each_part_once(1) && each_part_once(SideBySide::kMost));
    right = say("as many parts as cores", as_many_as_cores()) && right;
    right = say("one call at a time", one_at_a_time()) && right;
    right = say("from many threads", from_many_threads()) && right;
    const auto splits = [] { return each_part_once(SideBySide::kMost); };
    right = say("in a forked child", in_a_child(splits)) && right;
    right = say("in one forked meanwhile", in_a_child_of_one_at_work()) && right;
    return right ? 0 : 1;
}
