#include "ort/library.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string_view>

#include "cpu/cores.hpp"

#if defined(__linux__)
    #include <link.h>
#endif

namespace ei::ort {
namespace {

std::mutex g_mutex;
std::atomic<bool> g_forked{false};
std::atomic<bool> g_opening{false};  // and g_mutex is held
const Library* g_library = nullptr;  // never freed: sessions may outlive static destruction

#if defined(__linux__)
constexpr const char* kSystemName = "libonnxruntime.so.1";
#else
constexpr const char* kSystemName = "libonnxruntime.dylib";
#endif

// A second runtime in one process costs its size again and splits the thread pools, so one that
// somebody else loaded is used.
std::string already_loaded() {
    std::string found;
#if defined(__linux__)
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* out) {
            const std::string_view path = info->dlpi_name == nullptr ? "" : info->dlpi_name;
            const auto slash = path.rfind('/');
            const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
            if (!name.starts_with("libonnxruntime.so")) return 0;
            *static_cast<std::string*>(out) = path;
            return 1;
        },
        &found);
#else
    if (void* handle = dlopen(kSystemName, RTLD_NOW | RTLD_NOLOAD)) {
        dlclose(handle);
        found = kSystemName;
    }
#endif
    return found;
}

std::string resolved(void* symbol, const std::string& fallback) {
    Dl_info info{};
    return dladdr(symbol, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : fallback;
}

struct Candidate {
    const ApiBase* base = nullptr;
    const void* const* table = nullptr;
    std::string path;  // as the loader knows it
};

// Whether "1.31.1" or such names this version or a newer one.
bool at_least(const char* version, long major, long minor) noexcept {
    char* end = nullptr;
    const long found = std::strtol(version, &end, 10);
    if (found != major) return found > major;
    return *end == '.' && std::strtol(end + 1, nullptr, 10) >= minor;
}

// The table of functions; null when the library is older than what we call.
const void* const* table_of(const ApiBase& base) {
    // Asked by the version's text first: the runtime prints to stderr when the number is too high.
    return at_least(base.GetVersionString(), 1, kMinimumApi) ? base.GetApi(kMinimumApi) : nullptr;
}

// Opens one library; `record` gains a line when it does not serve.
std::optional<Candidate> try_open(const std::string& path, std::string& record) {
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char* reason = dlerror();
        record += "\n  " + path + ": " + (reason == nullptr ? "cannot be opened" : reason);
        return std::nullopt;
    }
    Candidate found{nullptr, nullptr, path};
    if (void* entry = dlsym(handle, "OrtGetApiBase")) {
        found.path = resolved(entry, path);
        found.base = reinterpret_cast<const ApiBase* (*)()>(entry)();
    }
    if (found.base == nullptr) {
        record += "\n  " + path + ": has no OrtGetApiBase, so it is not ONNX Runtime";
        dlclose(handle);
        return std::nullopt;
    }
    found.table = table_of(*found.base);
    if (found.table == nullptr) {
        record += "\n  " + path + ": is ONNX Runtime " + found.base->GetVersionString() +
                  ", which is too old";
        dlclose(handle);
        return std::nullopt;
    }
    return found;
}

class Opening {
  public:
    Opening() noexcept { g_opening = true; }
    ~Opening() { g_opening = false; }
    Opening(const Opening&) = delete;
    Opening& operator=(const Opening&) = delete;
};

}  // namespace

const Library& Library::open(const std::string& wanted,
                             const std::vector<std::string>& candidates) {
    // Whoever holds the lock of a process that was forked meanwhile stayed with the parent.
    if (g_opening) expect_not_forked();
    const std::lock_guard lock(g_mutex);
    if (g_library != nullptr) {
        if (!wanted.empty() && wanted != g_library->path_) {
            char* real = realpath(wanted.c_str(), nullptr);
            char* open_real = realpath(g_library->path_.c_str(), nullptr);
            const bool same =
                real != nullptr && open_real != nullptr && std::strcmp(real, open_real) == 0;
            std::free(real);
            std::free(open_real);
            if (!same) {
                throw Error(ErrorKind::input, "runtime: found " + g_library->path_ +
                                                  " open already, wanted " + wanted +
                                                  "; choose the library before the first Session");
            }
        }
        return *g_library;
    }
    [[maybe_unused]] static const int asked = pthread_atfork(
        nullptr, nullptr, [] { g_forked = g_forked || g_opening || g_library != nullptr; });
    const Opening opening;
    std::string record;
    std::vector<std::string> search;
    if (!wanted.empty()) {
        search.push_back(wanted);  // the user's word is final: nothing else is tried
    } else {
        if (const std::string present = already_loaded(); !present.empty()) {
            search.push_back(present);
        }
        search.insert(search.end(), candidates.begin(), candidates.end());
        search.emplace_back(kSystemName);
    }
    for (const std::string& path : search) {
        const std::optional<Candidate> found = try_open(path, record);
        if (!found) continue;
        g_library = new Library(*found->base, found->table, found->path);
        return *g_library;
    }
    throw Error(ErrorKind::run, "runtime: libonnxruntime 1." + std::to_string(kMinimumApi) +
                                    " or newer was not found; install it with `pip install "
                                    "--upgrade onnxruntime`, or name the file in "
                                    "EDGEINFER_ONNXRUNTIME. Searched:" +
                                    record);
}

const Library& Library::get() {
    if (g_library == nullptr) throw Error(ErrorKind::run, "runtime: no library is open yet");
    return *g_library;
}

bool Library::forked() noexcept {
    return g_forked.load(std::memory_order_relaxed);
}

void Library::expect_not_forked() {
    if (!forked()) return;
    throw Error(
        ErrorKind::run,
        "runtime: found a forked process, whose parent had opened ONNX Runtime; its threads "
        "stayed with the parent. Start processes with multiprocessing's \"spawn\" or "
        "\"forkserver\", or open the first session after the fork");
}

Library::Library(const ApiBase& base, const void* const* table, std::string path)
    : path_(std::move(path)), version_(base.GetVersionString()) {
#define EI_ORT_LOAD(slot, name, result, parameters) \
    api_.name = reinterpret_cast<result(*) parameters>(const_cast<void*>(table[slot]));
    EI_ORT_SLOTS(EI_ORT_LOAD)
#undef EI_ORT_LOAD

    // Official Linux builds since 1.29 write a device id and usage events to the user's cache
    // folder and send them out. A device that nobody visits must not, unless its owner said so.
    setenv("ORT_DISABLE_TELEMETRY", "1", 0);

    pool_threads_ = cpu::usable_cores();
    OrtThreadingOptions* threading = nullptr;
    check(api_.CreateThreadingOptions(&threading), ErrorKind::run, "create the thread pool");
    // The shared pool serves sessions that idle between frames: threads that spin would burn a core
    // for nothing there.
    OrtStatus* status = api_.SetGlobalSpinControl(threading, 0);
    if (status == nullptr) status = api_.SetGlobalIntraOpNumThreads(threading, pool_threads_);
    // Nodes run one after the other: a second pool, for nodes side by side, would only sleep.
    if (status == nullptr) status = api_.SetGlobalInterOpNumThreads(threading, 1);
    if (status == nullptr) {
        status = api_.CreateEnvWithGlobalThreadPools(kLogFatal, "edgeinfer", threading, &env_);
    }
    api_.ReleaseThreadingOptions(threading);
    check(status, ErrorKind::run, "create the environment");
    check(api_.DisableTelemetryEvents(env_), ErrorKind::run, "switch telemetry off");
    check(api_.CreateCpuMemoryInfo(kDeviceAllocator, kMemTypeDefault, &memory_), ErrorKind::run,
          "describe CPU memory");
    check(api_.GetAllocatorWithDefaultOptions(&allocator_), ErrorKind::run, "get the allocator");
}

void Library::fail(OrtStatus* status, ErrorKind kind, std::string_view doing) const {
    std::string text = api_.GetErrorMessage(status);
    api_.ReleaseStatus(status);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    throw Error(kind, std::string(doing) + ": ONNX Runtime " + version_ + " says: " + text);
}

bool Library::is_at_least(long major, long minor) const noexcept {
    return at_least(version_.c_str(), major, minor);
}

std::vector<std::string> Library::providers() const {
    char** names = nullptr;
    int count = 0;
    check(api_.GetAvailableProviders(&names, &count), ErrorKind::run, "list providers");
    std::vector<std::string> result(names, names + count);
    check(api_.ReleaseAvailableProviders(names, count), ErrorKind::run, "free the provider list");
    return result;
}

}  // namespace ei::ort
