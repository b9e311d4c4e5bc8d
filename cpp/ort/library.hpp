#pragma once
// Finding and opening libonnxruntime, once for the process.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "ort/api.hpp"

namespace ei::ort {

class Library {
  public:
    // Opens the runtime, or returns the one already open. `wanted` is a path the user insists on
    // (empty: none). Search order: `wanted`; a copy already in the process; `candidates`; the
    // system's loader path; one that is too old is passed over. Raises Error(run) with the whole
    // search when nothing fits, and Error(input) when `wanted` differs from the library that is
    // open already.
    static const Library& open(const std::string& wanted,
                               const std::vector<std::string>& candidates);

    // The open library; Error(run) before open().
    static const Library& get();

    // True in a process that was forked off the one which opened the library: its memory holds the
    // runtime's locks and queues, but none of the threads that would ever open or empty them.
    static bool forked() noexcept;
    // Error(run) where forked().
    static void expect_not_forked();

    const Api& api() const noexcept { return api_; }
    OrtEnv* env() const noexcept { return env_; }
    const OrtMemoryInfo* cpu_memory() const noexcept { return memory_; }
    OrtAllocator* allocator() const noexcept { return allocator_; }
    const std::string& path() const noexcept { return path_; }
    const std::string& version() const noexcept { return version_; }
    // Whether the version is this one or newer.
    bool is_at_least(long major, long minor) const noexcept;
    // Threads of the shared pool, the calling one included.
    int pool_threads() const noexcept { return pool_threads_; }
    std::vector<std::string> providers() const;

    // Turns a status into an exception and frees it; nothing happens for a null status.
    void check(OrtStatus* status, ErrorKind kind, std::string_view doing) const {
        if (status != nullptr) fail(status, kind, doing);
    }

    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

  private:
    Library(const ApiBase& base, const void* const* table, std::string path);
    [[noreturn]] void fail(OrtStatus* status, ErrorKind kind, std::string_view doing) const;

    Api api_;
    std::string path_;
    std::string version_;
    int pool_threads_ = 1;
    OrtEnv* env_ = nullptr;
    OrtMemoryInfo* memory_ = nullptr;
    OrtAllocator* allocator_ = nullptr;
};

// Move-only owner of a handle; the table's own release function frees it. In a forked process it
// would wait for threads that are not there, and is left out.
template <class T, void (*Api::*Release)(T*)>
struct Free {
    void operator()(T* handle) const noexcept {
        if (!Library::forked()) (Library::get().api().*Release)(handle);
    }
};

template <class T, void (*Api::*Release)(T*)>
using Owner = std::unique_ptr<T, Free<T, Release>>;

using SessionHandle = Owner<OrtSession, &Api::ReleaseSession>;
using SessionOptionsHandle = Owner<OrtSessionOptions, &Api::ReleaseSessionOptions>;
using RunOptionsHandle = Owner<OrtRunOptions, &Api::ReleaseRunOptions>;
using ValueHandle = Owner<OrtValue, &Api::ReleaseValue>;
using TypeInfoHandle = Owner<OrtTypeInfo, &Api::ReleaseTypeInfo>;
using TensorInfoHandle = Owner<OrtTensorTypeAndShapeInfo, &Api::ReleaseTensorTypeAndShapeInfo>;
using IoBindingHandle = Owner<OrtIoBinding, &Api::ReleaseIoBinding>;

}  // namespace ei::ort
