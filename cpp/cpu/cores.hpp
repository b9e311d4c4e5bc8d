#pragma once
// How many threads can compute at once here.

#include <string>

namespace ei::cpu {

// Physical cores among the processors that this thread may run on, or fewer where a cgroup (v1 or
// v2) limits processor time: the quota in whole cores, rounded down, since a thread beyond it would
// use the quota up early in each period and leave all of them waiting for the next. At least 1.
// `root` stands before /proc and /sys, for tests. Cost: some small files are read.
int usable_cores(const std::string& root = "");

}  // namespace ei::cpu
