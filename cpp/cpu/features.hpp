#pragma once
// What this CPU can do, asked once. EDGEINFER_CPU limits it, so that a slower variant can be forced
// in a test or a support case: "none", or a comma list of the names below ("avx2,vnni").

#include <cstdint>
#include <string>

#if defined(__x86_64__) || defined(_M_X64)
    #define EDGEINFER_X86_64 1
#elif defined(__aarch64__) || defined(_M_ARM64)
    #define EDGEINFER_ARM64 1
#endif

namespace ei::cpu {

using Features = std::uint32_t;  // a set of the bits below

inline constexpr Features kNone = 0;
inline constexpr Features kAvx2 = 1u << 0;
inline constexpr Features kAvx512 = 1u << 1;  // F, BW, DQ and VL together
inline constexpr Features kVnni = 1u << 2;    // avx512_vnni; avx_vnni without kAvx512
inline constexpr Features kNeon = 1u << 8;    // baseline of AArch64
inline constexpr Features kDot = 1u << 9;     // sdot, udot (Cortex-A76; not Cortex-A72)

// Bits of this CPU, before EDGEINFER_CPU.
Features detected() noexcept;

// Bits in force: detected() as far as EDGEINFER_CPU lets them through. Constant for the process.
// An EDGEINFER_CPU with an unknown name raises Error(input) on the first call.
Features enabled();

// Everything that the CPU says of itself to whom may choose by it, as text: other than the bits
// above complete, and without EDGEINFER_CPU. Equal on equal CPUs.
std::string identity();

// Comma list of names, "none" when empty.
std::string names(Features features);

}  // namespace ei::cpu
