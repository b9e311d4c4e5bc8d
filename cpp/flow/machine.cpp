#include "flow/machine.hpp"

#include <dlfcn.h>

#include <string>

#include "cache/stamp.hpp"
#include "cpu/features.hpp"
#include "ort/library.hpp"

namespace ei::flow {
namespace {

// Device and inode are left out: the same file in another layer of a container is the same.
void add_file(Digester& digester, const std::string& path) {
    const cache::Stamp stamp = cache::stamp_of(path).value_or(cache::Stamp{});
    digester.add(stamp.size);
    digester.add(static_cast<std::uint64_t>(stamp.modified_ns));
}

std::string file_of(const void* address) {
    Dl_info info{};
    return ::dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

}  // namespace

void add_machine(Digester& digester) {
    const ort::Library& runtime = ort::Library::get();
    add_file(digester, file_of(reinterpret_cast<const void*>(&add_machine)));
    add_file(digester, runtime.path());
    digester.add(runtime.version());
    digester.add(cpu::identity());
}

}  // namespace ei::flow
