#include "cpu/features.hpp"

#include <cstdlib>
#include <string_view>

#include "base/error.hpp"

#if defined(__linux__) && !defined(EDGEINFER_X86_64)
    #include <sys/auxv.h>
#endif
#if defined(EDGEINFER_X86_64)
    #include <cpuid.h>
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

#if defined(EDGEINFER_X86_64)
// Small cores have it without AVX-512 (Alder Lake N), and not every compiler knows its name. Leaf
// 7, second part, EAX bit 4 (Intel's manual, volume 2A, CPUID); AVX2 says that registers are saved.
bool has_avx_vnni() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 &&
           ((a >> 4) & 1u) != 0;
}
#endif

Features detect() noexcept {
    Features found = kNone;
#if defined(EDGEINFER_X86_64)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) found |= kAvx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        found |= kAvx512;
    }
    // Beside AVX-512 it stands for AVX-512's own instructions, whatever a hypervisor hides.
    const bool wide = __builtin_cpu_supports("avx512vnni");
    if (wide || ((found & kAvx512) == 0 && has_avx_vnni())) found |= kVnni;
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

std::string identity() {
    std::string text;
    const auto add = [&](unsigned long bits) { text += std::to_string(bits) + ' '; };
#if defined(EDGEINFER_X86_64)
    // Vendor, model and features. Of leaf 1 the second word is left out: it names the core at hand.
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(0, &a, &b, &c, &d) != 0) add(b), add(c), add(d);
    if (__get_cpuid(1, &a, &b, &c, &d) != 0) add(a), add(c), add(d);
    for (const unsigned sub : {0u, 1u}) {
        if (__get_cpuid_count(7, sub, &a, &b, &c, &d) != 0) add(a), add(b), add(c), add(d);
    }
    if (__get_cpuid_count(13, 0, &a, &b, &c, &d) != 0) add(a);  // states that the kernel keeps
#elif defined(__linux__)
    add(getauxval(AT_HWCAP));
    add(getauxval(AT_HWCAP2));
#else
    add(detected());
#endif
    return text;
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
