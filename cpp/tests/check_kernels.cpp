// Proves every kernel variant against scalar on guarded memory, and with --bench times the proven
// ones.
//
//   check_kernels [--bench] [OPERATION...]
//
// A variant that this CPU (or EDGEINFER_CPU) does not allow is "not proven", never "proven". The
// exit status is 1 when a variant differs, writes outside its output, or faults.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "cpu/features.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

// For the handler below: a fault can only report what was noted before it.
const VariantCheck* running = nullptr;
const Proof* running_proof = nullptr;

extern "C" void report_fault(int signal_number) {
    // The process ends here, so formatting in a handler can do no harm that matters.
    std::fprintf(stderr, "%s %s: FAILED, signal %d (read or write outside its memory?) at %s\n",
                 running != nullptr ? running->operation.c_str() : "?",
                 running != nullptr ? running->variant.c_str() : "?", signal_number,
                 running_proof != nullptr ? running_proof->case_name().c_str() : "?");
    _exit(1);
}

bool wanted(const VariantCheck& check, const std::vector<std::string>& operations) {
    return operations.empty() ||
           std::find(operations.begin(), operations.end(), check.operation) != operations.end();
}

bool prove(const VariantCheck& check) {
    Proof proof;
    running = &check;
    running_proof = &proof;
    check.prove(proof);
    running = nullptr;
    running_proof = nullptr;
    if (proof.failed() == 0) {
        std::printf("%s %s: proven (%lld cases)%s\n", check.operation.c_str(),
                    check.variant.c_str(), proof.cases(),
                    check.needs == cpu::kNone ? ", guard pages and canaries only" : "");
        return true;
    }
    std::printf("%s %s: FAILED (%lld of %lld cases)\n", check.operation.c_str(),
                check.variant.c_str(), proof.failed(), proof.cases());
    for (const std::string& failure : proof.failures()) std::printf("    %s\n", failure.c_str());
    return false;
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
}

// Variants of one operation take turns, so that a busy moment of the machine hits them alike.
void bench(const std::vector<const VariantCheck*>& variants) {
    constexpr int kRounds = 31;
    for (std::size_t t = 0; t < variants.front()->timings.size(); ++t) {
        std::vector<std::vector<double>> times(variants.size());
        for (int round = 0; round < kRounds; ++round) {
            for (std::size_t v = 0; v < variants.size(); ++v) {
                times[v].push_back(variants[v]->timings[t].ns_per_pixel());
            }
        }
        const double scalar = median(times.back());
        for (std::size_t v = 0; v < variants.size(); ++v) {
            const double ns = median(times[v]);
            std::printf("bench %s, %s: %s %.3f ns/pixel, %.2fx scalar\n",
                        variants[v]->operation.c_str(), variants[v]->timings[t].name.c_str(),
                        variants[v]->variant.c_str(), ns, scalar / ns);
        }
    }
}

int run(bool with_bench, const std::vector<std::string>& operations) {
    bool good = true;
    // By operation: files enter their checks in whatever order the linker chose.
    std::stable_sort(
        registered_checks().begin(), registered_checks().end(),
        [](const VariantCheck& a, const VariantCheck& b) { return a.operation < b.operation; });
    std::vector<std::vector<const VariantCheck*>> proven;  // one list per operation
    for (const VariantCheck& check : registered_checks()) {
        if (!wanted(check, operations)) continue;
        if ((check.needs & ~cpu::enabled()) != 0) {
            const char* why =
                (check.needs & ~cpu::detected()) != 0 ? "this CPU lacks" : "EDGEINFER_CPU masks";
            std::printf("%s %s: not proven (%s %s)\n", check.operation.c_str(),
                        check.variant.c_str(), why,
                        cpu::names(check.needs & ~cpu::enabled()).c_str());
            continue;
        }
        if (!prove(check)) {
            good = false;
            continue;
        }
        if (proven.empty() || proven.back().front()->operation != check.operation) {
            proven.emplace_back();
        }
        proven.back().push_back(&check);
    }
#if defined(EDGEINFER_X86_64)
    std::printf("neon variants: not proven (not compiled: this program is for x86-64)\n");
#elif defined(EDGEINFER_ARM64)
    std::printf("avx2 variants: not proven (not compiled: this program is for AArch64)\n");
#endif
    if (with_bench) {
        for (const auto& variants : proven) bench(variants);
    }
    return good ? 0 : 1;
}

}  // namespace
}  // namespace ei::check

int main(int argc, char** argv) {
    bool with_bench = false;
    std::vector<std::string> operations;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--bench") == 0) {
            with_bench = true;
        } else if (argv[i][0] == '-') {
            std::fprintf(stderr, "usage: check_kernels [--bench] [OPERATION...]\n");
            return 2;
        } else {
            operations.emplace_back(argv[i]);
        }
    }
    signal(SIGSEGV, &ei::check::report_fault);
    signal(SIGBUS, &ei::check::report_fault);
    signal(SIGILL, &ei::check::report_fault);
    try {
        return ei::check::run(with_bench, operations);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "check_kernels: %s\n", error.what());
        return 1;
    }
}
