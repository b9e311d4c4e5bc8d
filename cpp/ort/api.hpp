#pragma once
// ONNX Runtime's C API without its header: the slots of the function table that we call, by index.
// The table only ever grows, so an index keeps its meaning from the API version that introduced it.
// tests/session/test_ort_slots.py compares these lines with the official header where it is
// installed, and with the reference list.

#include <cstddef>
#include <cstdint>

namespace ei::ort {

struct OrtStatus;
struct OrtEnv;
struct OrtThreadingOptions;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtValue;
struct OrtMemoryInfo;
struct OrtTypeInfo;
struct OrtTensorTypeAndShapeInfo;
struct OrtIoBinding;

// Oldest API we accept: 1.20 is the first release whose wheel carries the library for every
// platform we build for.
inline constexpr std::uint32_t kMinimumApi = 20;

// An allocator's head, as the runtime knows it. `version` tells it how many of the functions there
// are: of kMinimumApi these, and none that came later.
struct OrtAllocator {
    std::uint32_t version = kMinimumApi;
    void* (*Alloc)(OrtAllocator*, std::size_t) = nullptr;
    void (*Free)(OrtAllocator*, void*) = nullptr;
    const OrtMemoryInfo* (*Info)(const OrtAllocator*) = nullptr;
    void* (*Reserve)(OrtAllocator*, std::size_t) = nullptr;  // for what lives as long as a session
};

// X(slot, name, result, (parameters))
#define EI_ORT_SLOTS(X)                                                                            \
    X(1, GetErrorCode, int, (const OrtStatus*))                                                    \
    X(2, GetErrorMessage, const char*, (const OrtStatus*))                                         \
    X(6, DisableTelemetryEvents, OrtStatus*, (const OrtEnv*))                                      \
    X(7, CreateSession, OrtStatus*,                                                                \
      (const OrtEnv*, const char*, const OrtSessionOptions*, OrtSession**))                        \
    X(8, CreateSessionFromArray, OrtStatus*,                                                       \
      (const OrtEnv*, const void*, std::size_t, const OrtSessionOptions*, OrtSession**))           \
    X(9, Run, OrtStatus*,                                                                          \
      (OrtSession*, const OrtRunOptions*, const char* const*, const OrtValue* const*, std::size_t, \
       const char* const*, std::size_t, OrtValue**))                                               \
    X(10, CreateSessionOptions, OrtStatus*, (OrtSessionOptions**))                                 \
    X(11, SetOptimizedModelFilePath, OrtStatus*, (OrtSessionOptions*, const char*))                \
    X(13, SetSessionExecutionMode, OrtStatus*, (OrtSessionOptions*, int))                          \
    X(14, EnableProfiling, OrtStatus*, (OrtSessionOptions*, const char*))                          \
    X(16, EnableMemPattern, OrtStatus*, (OrtSessionOptions*))                                      \
    X(17, DisableMemPattern, OrtStatus*, (OrtSessionOptions*))                                     \
    X(19, DisableCpuMemArena, OrtStatus*, (OrtSessionOptions*))                                    \
    X(22, SetSessionLogSeverityLevel, OrtStatus*, (OrtSessionOptions*, int))                       \
    X(23, SetSessionGraphOptimizationLevel, OrtStatus*, (OrtSessionOptions*, int))                 \
    X(24, SetIntraOpNumThreads, OrtStatus*, (OrtSessionOptions*, int))                             \
    X(30, SessionGetInputCount, OrtStatus*, (const OrtSession*, std::size_t*))                     \
    X(31, SessionGetOutputCount, OrtStatus*, (const OrtSession*, std::size_t*))                    \
    X(33, SessionGetInputTypeInfo, OrtStatus*, (const OrtSession*, std::size_t, OrtTypeInfo**))    \
    X(34, SessionGetOutputTypeInfo, OrtStatus*, (const OrtSession*, std::size_t, OrtTypeInfo**))   \
    X(36, SessionGetInputName, OrtStatus*,                                                         \
      (const OrtSession*, std::size_t, OrtAllocator*, char**))                                     \
    X(37, SessionGetOutputName, OrtStatus*,                                                        \
      (const OrtSession*, std::size_t, OrtAllocator*, char**))                                     \
    X(39, CreateRunOptions, OrtStatus*, (OrtRunOptions**))                                         \
    X(46, RunOptionsSetTerminate, OrtStatus*, (OrtRunOptions*))                                    \
    X(47, RunOptionsUnsetTerminate, OrtStatus*, (OrtRunOptions*))                                  \
    X(48, CreateTensorAsOrtValue, OrtStatus*,                                                      \
      (OrtAllocator*, const std::int64_t*, std::size_t, int, OrtValue**))                          \
    X(49, CreateTensorWithDataAsOrtValue, OrtStatus*,                                              \
      (const OrtMemoryInfo*, void*, std::size_t, const std::int64_t*, std::size_t, int,            \
       OrtValue**))                                                                                \
    X(50, IsTensor, OrtStatus*, (const OrtValue*, int*))                                           \
    X(51, GetTensorMutableData, OrtStatus*, (OrtValue*, void**))                                   \
    X(52, FillStringTensor, OrtStatus*, (OrtValue*, const char* const*, std::size_t))              \
    X(53, GetStringTensorDataLength, OrtStatus*, (const OrtValue*, std::size_t*))                  \
    X(54, GetStringTensorContent, OrtStatus*,                                                      \
      (const OrtValue*, void*, std::size_t, std::size_t*, std::size_t))                            \
    X(55, CastTypeInfoToTensorInfo, OrtStatus*,                                                    \
      (const OrtTypeInfo*, const OrtTensorTypeAndShapeInfo**))                                     \
    X(56, GetOnnxTypeFromTypeInfo, OrtStatus*, (const OrtTypeInfo*, int*))                         \
    X(60, GetTensorElementType, OrtStatus*, (const OrtTensorTypeAndShapeInfo*, int*))              \
    X(61, GetDimensionsCount, OrtStatus*, (const OrtTensorTypeAndShapeInfo*, std::size_t*))        \
    X(62, GetDimensions, OrtStatus*,                                                               \
      (const OrtTensorTypeAndShapeInfo*, std::int64_t*, std::size_t))                              \
    X(63, GetSymbolicDimensions, OrtStatus*,                                                       \
      (const OrtTensorTypeAndShapeInfo*, const char**, std::size_t))                               \
    X(64, GetTensorShapeElementCount, OrtStatus*,                                                  \
      (const OrtTensorTypeAndShapeInfo*, std::size_t*))                                            \
    X(65, GetTensorTypeAndShape, OrtStatus*, (const OrtValue*, OrtTensorTypeAndShapeInfo**))       \
    X(69, CreateCpuMemoryInfo, OrtStatus*, (int, int, OrtMemoryInfo**))                            \
    X(76, AllocatorFree, OrtStatus*, (OrtAllocator*, void*))                                       \
    X(78, GetAllocatorWithDefaultOptions, OrtStatus*, (OrtAllocator**))                            \
    X(92, ReleaseEnv, void, (OrtEnv*))                                                             \
    X(93, ReleaseStatus, void, (OrtStatus*))                                                       \
    X(94, ReleaseMemoryInfo, void, (OrtMemoryInfo*))                                               \
    X(95, ReleaseSession, void, (OrtSession*))                                                     \
    X(96, ReleaseValue, void, (OrtValue*))                                                         \
    X(97, ReleaseRunOptions, void, (OrtRunOptions*))                                               \
    X(98, ReleaseTypeInfo, void, (OrtTypeInfo*))                                                   \
    X(99, ReleaseTensorTypeAndShapeInfo, void, (OrtTensorTypeAndShapeInfo*))                       \
    X(100, ReleaseSessionOptions, void, (OrtSessionOptions*))                                      \
    X(110, SessionEndProfiling, OrtStatus*, (OrtSession*, OrtAllocator*, char**))                  \
    X(119, CreateEnvWithGlobalThreadPools, OrtStatus*,                                             \
      (int, const char*, const OrtThreadingOptions*, OrtEnv**))                                    \
    X(120, DisablePerSessionThreads, OrtStatus*, (OrtSessionOptions*))                             \
    X(121, CreateThreadingOptions, OrtStatus*, (OrtThreadingOptions**))                            \
    X(122, ReleaseThreadingOptions, void, (OrtThreadingOptions*))                                  \
    X(124, AddFreeDimensionOverrideByName, OrtStatus*,                                             \
      (OrtSessionOptions*, const char*, std::int64_t))                                             \
    X(125, GetAvailableProviders, OrtStatus*, (char***, int*))                                     \
    X(126, ReleaseAvailableProviders, OrtStatus*, (char**, int))                                   \
    X(130, AddSessionConfigEntry, OrtStatus*, (OrtSessionOptions*, const char*, const char*))      \
    X(133, RunWithBinding, OrtStatus*, (OrtSession*, const OrtRunOptions*, const OrtIoBinding*))   \
    X(134, CreateIoBinding, OrtStatus*, (OrtSession*, OrtIoBinding**))                             \
    X(135, ReleaseIoBinding, void, (OrtIoBinding*))                                                \
    X(136, BindInput, OrtStatus*, (OrtIoBinding*, const char*, const OrtValue*))                   \
    X(137, BindOutput, OrtStatus*, (OrtIoBinding*, const char*, const OrtValue*))                  \
    X(147, SetGlobalIntraOpNumThreads, OrtStatus*, (OrtThreadingOptions*, int))                    \
    X(148, SetGlobalInterOpNumThreads, OrtStatus*, (OrtThreadingOptions*, int))                    \
    X(149, SetGlobalSpinControl, OrtStatus*, (OrtThreadingOptions*, int))                          \
    X(165, AddRunConfigEntry, OrtStatus*, (OrtRunOptions*, const char*, const char*))              \
    X(176, RegisterAllocator, OrtStatus*, (OrtEnv*, OrtAllocator*))                                \
    X(177, UnregisterAllocator, OrtStatus*, (OrtEnv*, const OrtMemoryInfo*))                       \
    X(192, HasValue, OrtStatus*, (const OrtValue*, int*))                                          \
    X(216, SessionOptionsAppendExecutionProvider, OrtStatus*,                                      \
      (OrtSessionOptions*, const char*, const char* const*, const char* const*, std::size_t))

struct Api {
#define EI_ORT_FIELD(slot, name, result, parameters) result(*name) parameters = nullptr;
    EI_ORT_SLOTS(EI_ORT_FIELD)
#undef EI_ORT_FIELD
};

// The runtime's entry point, exported as OrtGetApiBase().
struct ApiBase {
    const void* const* (*GetApi)(std::uint32_t version);
    const char* (*GetVersionString)();
};

// Values of the enumerations we pass, from the reference list of the 1.21 header.
inline constexpr int kLogFatal = 4;
inline constexpr int kSequential = 0;
inline constexpr int kDeviceAllocator = 0;
inline constexpr int kMemTypeDefault = 0;
inline constexpr int kTypeTensor = 1;

}  // namespace ei::ort
