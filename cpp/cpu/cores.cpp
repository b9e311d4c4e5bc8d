#include "cpu/cores.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#if defined(__linux__)
    #include <sched.h>
#endif

namespace ei::cpu {
namespace {

int processors() {
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

#if defined(__linux__)

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// Those that the caller may run on; empty where the kernel does not tell.
std::vector<int> allowed_processors() {
    // The kernel refuses a set that is smaller than its own.
    for (int bits = 1024; bits <= 1 << 16; bits *= 4) {
        cpu_set_t* const set = CPU_ALLOC(static_cast<std::size_t>(bits));
        if (set == nullptr) return {};
        const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(bits));
        std::vector<int> found;
        const bool told = sched_getaffinity(0, bytes, set) == 0;
        for (int i = 0; told && i < bits; ++i) {
            if (CPU_ISSET_S(static_cast<std::size_t>(i), bytes, set)) found.push_back(i);
        }
        CPU_FREE(set);
        if (told) return found;
    }
    return {};
}

int allowed_cores(const std::string& root) {
    const std::vector<int> allowed = allowed_processors();
    if (allowed.empty()) return processors();
    std::set<std::string> cores;
    for (const int processor : allowed) {
        const std::string folder =
            root + "/sys/devices/system/cpu/cpu" + std::to_string(processor) + "/topology/";
        // The list of a core's hyperthreads names the core: the same for each of them.
        const std::string siblings = first_line(folder + "thread_siblings_list");
        cores.insert(siblings.empty() ? "processor " + std::to_string(processor) : siblings);
    }
    return static_cast<int>(cores.size());
}

// Whole cores of a quota; `most` where there is none or it is not understood.
int whole_cores(const std::string& quota, const std::string& period, int most) {
    const double spent = std::strtod(quota.c_str(), nullptr);
    const double of = std::strtod(period.c_str(), nullptr);
    if (!(spent > 0) || !(of > 0) || !(spent / of < most)) return most;
    return std::max(1, static_cast<int>(spent / of));
}

// A group's limit holds for all groups below it: the tightest from `group` up to `mount` counts.
template <class Limit>
int tightest(const std::string& mount, std::string group, int most, Limit limit) {
    for (;;) {
        most = limit(mount + group, most);
        const auto slash = group.find_last_of('/');
        if (group.empty() || slash == std::string::npos) return most;
        group.resize(slash);
    }
}

int limit_v2(const std::string& folder, int most) {
    std::istringstream words(first_line(folder + "/cpu.max"));
    std::string quota, period;
    words >> quota >> period;
    return whole_cores(quota, period, most);
}

int limit_v1(const std::string& folder, int most) {
    return whole_cores(first_line(folder + "/cpu.cfs_quota_us"),
                       first_line(folder + "/cpu.cfs_period_us"), most);
}

bool names_cpu(const std::string& controllers) {
    return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

int limited(const std::string& root, int most) {
    std::ifstream groups(root + "/proc/self/cgroup");
    // Each line: number:controllers:/path, without controllers for v2.
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        std::string group = line.substr(second + 1);
        if (group == "/") group.clear();
        const std::string mount = root + "/sys/fs/cgroup";
        if (controllers.empty()) {
            most = tightest(mount, group, most, limit_v2);
        } else if (names_cpu(controllers)) {
            // Inside a container the mount shows the group itself, whatever its path outside.
            most = std::min(tightest(mount + "/cpu", group, most, limit_v1),
                            tightest(mount + "/cpu,cpuacct", group, most, limit_v1));
        }
    }
    return most;
}

#endif

}  // namespace

int usable_cores(const std::string& root) {
#if defined(__linux__)
    return limited(root, allowed_cores(root));
#else
    static_cast<void>(root);
    return processors();
#endif
}

}  // namespace ei::cpu
