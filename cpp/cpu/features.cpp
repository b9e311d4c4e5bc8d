#include "cpu/features.hpp"

#include <cstdlib>
#include <string_view>

#include "base/error.hpp"

#if defined(EDGEINFER_ARM64) && defined(__linux__)
    #include <sys/auxv.h>
#endif

namespace ei::cpu {
namespace {

struct Name {
    std::string_view text;
    Features bit;
};

constexpr Name kNames[] = {
    {"avx2", kAvx2}, {"avx512", kAvx512}, {"vnni", kVnni}, {"neon", kNeon}, {"dot", kDot},
};

Features detect() noexcept {
    Features found = kNone;
#if defined(EDGEINFER_X86_64)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) found |= kAvx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        found |= kAvx512;
    }
    if (__builtin_cpu_supports("avx512vnni")) found |= kVnni;
#elif defined(EDGEINFER_ARM64)
    found |= kNeon;
    #if defined(__linux__)
    // The kernel's word, not the CPU's name: HWCAP_ASIMDDP is bit 20 on every AArch64 Linux.
    if ((getauxval(AT_HWCAP) >> 20) & 1u) found |= kDot;
    #elif defined(__APPLE__)
    found |= kDot;  // every Apple silicon Mac has it
    #endif
#endif
    return found;
}

Features parse(std::string_view list) {
    Features bits = kNone;
    while (!list.empty()) {
        const auto comma = list.find(',');
        const std::string_view word = list.substr(0, comma);
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
        if (word.empty() || word == "none") continue;
        bool known = false;
        for (const Name& name : kNames) {
            if (word == name.text) {
                bits |= name.bit;
                known = true;
            }
        }
        if (!known) {
            throw Error(ErrorKind::input, "EDGEINFER_CPU: unknown feature '" + std::string(word) +
                                              "'; wanted 'none' or a comma list of avx2, avx512, "
                                              "vnni, neon, dot; unset it to use what the CPU has");
        }
    }
    return bits;
}

}  // namespace

Features detected() noexcept {
    static const Features found = detect();
    return found;
}

Features enabled() {
    static const Features bits = [] {
        const char* limit = std::getenv("EDGEINFER_CPU");
        return limit == nullptr ? detected() : detected() & parse(limit);
    }();
    return bits;
}

std::string names(Features features) {
    std::string text;
    for (const Name& name : kNames) {
        if ((features & name.bit) == 0) continue;
        if (!text.empty()) text += ',';
        text += name.text;
    }
    return text.empty() ? "none" : text;
}

}  // namespace ei::cpu
