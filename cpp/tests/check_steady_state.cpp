// Proves that a binding in its steady state allocates nothing in our code.
//
//   check_steady_state LIBRARY MODEL      MODEL with inputs of fixed shape
//
// Counts every operator new of the process but those made inside the runtime's own run, which is
// wrapped in the function table to tell the two apart. Exit status 1 when one was counted.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "flow/binding.hpp"

namespace {

std::atomic<long> g_counted{0};
thread_local bool t_in_runtime = false;

void* allocate(std::size_t bytes, std::size_t alignment) {
    if (!t_in_runtime) ++g_counted;
    const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
    if (void* p = std::aligned_alloc(alignment, whole == 0 ? alignment : whole)) return p;
    throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
    return allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept {
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
    std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    std::free(p);
}

namespace ei {
namespace {

decltype(ort::Api::RunWithBinding) g_run_with_binding = nullptr;

ort::OrtStatus* run_with_binding(ort::OrtSession* session, const ort::OrtRunOptions* options,
                                 const ort::OrtIoBinding* binding) {
    t_in_runtime = true;
    ort::OrtStatus* const status = g_run_with_binding(session, options, binding);
    t_in_runtime = false;
    return status;
}

long count(flow::Binding& binding, double timeout_s) {
    constexpr int kRuns = 100;
    for (int i = 0; i < kRuns; ++i) binding.run(timeout_s);
    const long before = g_counted;
    for (int i = 0; i < kRuns; ++i) binding.run(timeout_s);
    return g_counted - before;
}

int check(const std::string& library, const std::string& model) {
    auto& api = const_cast<ort::Api&>(ort::Library::open(library, {}).api());
    g_run_with_binding = api.RunWithBinding;
    api.RunWithBinding = &run_with_binding;
    ort::Options options;
    options.threads = 1;
    flow::LoadOptions loading;
    loading.session = options;
    loading.cache = false;  // a check of ours writes nothing into the user's folders
    const auto network = flow::Network::from_file(model, loading);
    std::vector<std::size_t> wanted(network->outputs().size());
    for (std::size_t k = 0; k < wanted.size(); ++k) wanted[k] = k;
    flow::Binding binding(network, {}, wanted);
    const long made = g_counted;
    long all = 0;
    for (const double timeout_s : {0.0, 60.0}) {
        const long counted = count(binding, timeout_s);
        std::printf("%s, limit %g s: %ld allocations in 100 runs\n",
                    network->tail().cut ? "cut tail" : "whole graph", timeout_s, counted);
        all += counted;
    }
    if (made == 0) std::printf("FAILED: no allocation was ever counted\n");
    return all == 0 && made > 0 ? 0 : 1;
}

}  // namespace
}  // namespace ei

int main(int count, char** values) {
    if (count != 3) {
        std::fprintf(stderr, "usage: check_steady_state LIBRARY MODEL\n");
        return 2;
    }
    try {
        return ei::check(values[1], values[2]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "check_steady_state: %s\n", error.what());
        return 1;
    }
}
