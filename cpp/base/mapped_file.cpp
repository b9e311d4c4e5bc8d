#include "base/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include "base/descriptor.hpp"
#include "base/error.hpp"

namespace ei {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& reason) {
    throw Error(ErrorKind::model, "cannot read '" + path.string() + "': " + reason +
                                      "; give the path of a readable model file");
}

std::string reason_of(int number) {
    return std::generic_category().message(number);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
    // open() would stop reading there, and take another file than the one named.
    if (path.native().find('\0') != std::string::npos) {
        throw Error(ErrorKind::model,
                    "cannot read the model: found a NUL character in its path; remove it");
    }
    // O_NONBLOCK: opening a named pipe must not wait for a writer; it has no effect on files.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.value() < 0) refuse(path, reason_of(errno));
    struct stat facts{};
    if (::fstat(file.value(), &facts) != 0) refuse(path, reason_of(errno));
    if (!S_ISREG(facts.st_mode)) refuse(path, "it is no regular file");
    if (facts.st_size == 0) return;
    if (static_cast<std::uint64_t>(facts.st_size) > std::numeric_limits<std::size_t>::max() / 2) {
        refuse(path, "it is larger than this machine can address");
    }
    size_ = static_cast<std::size_t>(facts.st_size);
    void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.value(), 0);
    if (mapped == MAP_FAILED) refuse(path, reason_of(errno));
    data_ = static_cast<const std::byte*>(mapped);
}

std::optional<MappedFile> MappedFile::of(int descriptor, std::size_t size) noexcept {
    MappedFile file;
    if (size == 0) return file;
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapped == MAP_FAILED) return std::nullopt;
    file.data_ = static_cast<const std::byte*>(mapped);
    file.size_ = size;
    return file;
}

bool MappedFile::load() const noexcept {
    if (data_ == nullptr) return true;
#if defined(__linux__)
    // MADV_POPULATE_READ (Linux 5.14): tells of a page that cannot be read instead of SIGBUS, and
    // enters all pages at once. Older kernels do not know it (EINVAL), and are left to the access.
    constexpr int kPopulateRead = 22;
    return ::madvise(const_cast<std::byte*>(data_), size_, kPopulateRead) == 0 || errno == EINVAL;
#else
    return true;
#endif
}

void MappedFile::let_go() const noexcept {
    // Nothing was written, so nothing can be lost.
    if (data_ != nullptr) ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

}  // namespace ei
