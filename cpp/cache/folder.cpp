#include "cache/folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

#include "cache/seal.hpp"

namespace ei::cache {
namespace {

constexpr std::string_view kTemporary = "writing-";
constexpr std::int64_t kDay = 24 * 60 * 60;

std::string reason_of(int number) {
    return std::generic_category().message(number);
}

// By what must hold of the folder and of each file in it. Empty: it does.
std::string not_ours(const struct stat& facts) {
    if (facts.st_uid != ::geteuid()) return "belongs to another user";
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "can be written to by other users";
    return "";
}

// Makes the folder and those above it. A folder is only made in one that nobody but the user or the
// system owns: with HOME kept under sudo, root would leave a folder that the user cannot use.
std::string make(const std::string& path) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) == 0) return "";
    const auto slash = path.find_last_of('/');
    const std::string above = slash == 0 ? "/" : path.substr(0, slash);
    if (slash == std::string::npos) return "its path is not absolute";
    if (::stat(above.c_str(), &facts) != 0) {
        if (errno != ENOENT || above == path) return above + ": " + reason_of(errno);
        if (std::string why = make(above); !why.empty()) return why;
        if (::stat(above.c_str(), &facts) != 0) return above + ": " + reason_of(errno);
    }
    if (facts.st_uid != ::geteuid() && facts.st_uid != 0) {
        return above + " belongs to another user";
    }
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return reason_of(errno);
    return "";
}

std::string users_path() {
    if (const char* named = std::getenv("EDGEINFER_CACHE")) return named;
    // The XDG base directory specification: a path that is not absolute is to be ignored.
    if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg == '/') {
        return std::string(xdg) + "/edgeinfer";
    }
    if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
        return std::string(home) + "/.cache/edgeinfer";
    }
    return "";
}

// Names that we give: letters, digits, dots and dashes. Others are left alone.
bool is_ours(std::string_view name) {
    for (const std::string_view ending : {".model", ".note", ".file"}) {
        if (name.ends_with(ending)) return true;
    }
    return name.starts_with(kTemporary);
}

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

template <class Visit>
void each_file(const Descriptor& folder, Visit&& visit) {
    Descriptor again(::openat(folder.value(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!again) return;
    const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(again.value()));
    if (directory == nullptr) return;
    again.release();  // closed with the directory
    while (const dirent* entry = ::readdir(directory.get())) {
        if (is_ours(entry->d_name)) visit(std::string(entry->d_name));
    }
}

bool write_all(int file, Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(file, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
    return true;
}

// The time of last use, at most once a day: a flash card need not be written to at each load.
void touch(int file, const struct stat& facts) {
    const std::int64_t now = ::time(nullptr);
    if (now - facts.st_mtime > kDay || facts.st_mtime - now > kDay) ::futimens(file, nullptr);
}

}  // namespace

Folder Folder::users() {
    return Folder(users_path());
}

Folder::Folder(std::string path) : path_(std::move(path)) {
    while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
    if (path_.empty()) {
        why_not_ = std::getenv("EDGEINFER_CACHE") != nullptr
                       ? "EDGEINFER_CACHE is empty"
                       : "neither EDGEINFER_CACHE, XDG_CACHE_HOME nor HOME names a folder";
        return;
    }
    const std::string before = "the cache folder " + path_ + " is not used: ";
    if (path_.front() != '/') {
        why_not_ = before + "its path is not absolute";
        return;
    }
    if (const std::string why = make(path_); !why.empty()) {
        why_not_ = before + why;
        return;
    }
    Descriptor folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat facts{};
    if (!folder || ::fstat(folder.value(), &facts) != 0) {
        why_not_ = before + (errno == ENOTDIR || errno == ELOOP ? "it is a link or no folder"
                                                                : reason_of(errno));
        return;
    }
    if (const std::string why = not_ours(facts); !why.empty()) {
        why_not_ = before + "it " + why;
        return;
    }
    folder_ = std::move(folder);
}

std::optional<Kept> Folder::read(const std::string& name, std::string& why) const {
    // O_NONBLOCK: a named pipe must not make us wait; it has no effect on files.
    const Descriptor file(
        ::openat(folder_.value(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat facts{};
    if (!file || ::fstat(file.value(), &facts) != 0) {
        if (errno != ENOENT) why = reason_of(errno);
        return std::nullopt;
    }
    why = not_ours(facts);
    if (!S_ISREG(facts.st_mode) || facts.st_size < 0) why = "is no regular file";
    if (!why.empty()) return std::nullopt;
    std::optional<MappedFile> mapped =
        MappedFile::of(file.value(), static_cast<std::size_t>(facts.st_size));
    if (!mapped || !mapped->load()) {
        why = "cannot be read";
        return std::nullopt;
    }
    const std::optional<std::size_t> content = sealed_content(mapped->bytes(), name);
    if (!content) {
        why = "is damaged";
        return std::nullopt;
    }
    touch(file.value(), facts);
    return Kept(std::move(*mapped), *content);
}

std::string Folder::write(const std::string& name, std::span<const Bytes> pieces) const {
    sweep();
    std::uint64_t size = kSealBytes;
    for (const Bytes piece : pieces) size += piece.size();
    struct statvfs room{};
    // A cache must not be what fills a disk: it leaves as much as it takes.
    if (::fstatvfs(folder_.value(), &room) == 0 &&
        static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize < 2 * size) {
        return "the disk is nearly full";
    }
    static std::atomic<unsigned> counter{0};
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::string temporary = std::string(kTemporary) + std::to_string(::getpid()) + "-" +
                                  std::to_string(counter++) + "-" + std::to_string(now.tv_nsec);
    const Descriptor file(::openat(folder_.value(), temporary.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return reason_of(errno);
    std::string why = write_beside(temporary, file, name, pieces);
    if (!why.empty()) {
        remove(temporary);
        return why;
    }
    evict(name);
    return "";
}

std::string Folder::write_beside(const std::string& temporary, const Descriptor& file,
                                 const std::string& name, std::span<const Bytes> pieces) const {
    // Who sweeps takes this lock first; it ends with the process, however that ends.
    if (::flock(file.value(), LOCK_EX | LOCK_NB) != 0) return reason_of(errno);
    Checksum checksum(name);
    std::uint64_t size = 0;
    for (const Bytes piece : pieces) {
        checksum.add(piece);
        size += piece.size();
        if (!write_all(file.value(), piece)) return reason_of(errno);
    }
    const Seal end = seal(size, checksum.take());
    if (!write_all(file.value(), end) || ::fsync(file.value()) != 0 ||
        ::renameat(folder_.value(), temporary.c_str(), folder_.value(), name.c_str()) != 0) {
        return reason_of(errno);
    }
    // Should the name be lost with the power, the file is missing and is made again.
    ::fsync(folder_.value());
    return "";
}

void Folder::remove(const std::string& name) const noexcept {
    ::unlinkat(folder_.value(), name.c_str(), 0);
}

void Folder::sweep() const {
    each_file(folder_, [&](const std::string& name) {
        if (!name.starts_with(kTemporary)) return;
        const Descriptor file(::openat(folder_.value(), name.c_str(),
                                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (file && ::flock(file.value(), LOCK_EX | LOCK_NB) == 0) remove(name);
    });
}

std::vector<Listed> Folder::list() const {
    std::vector<Listed> found;
    each_file(folder_, [&](const std::string& name) {
        struct stat facts{};
        if (name.starts_with(kTemporary) ||
            ::fstatat(folder_.value(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
            return;
        }
        // What it takes on the disk: small files take a block each.
        found.push_back({name, static_cast<std::uint64_t>(facts.st_blocks) * 512, facts.st_mtime});
    });
    return found;
}

void Folder::evict(const std::string& newest) const {
    std::vector<Listed> files = list();
    std::uint64_t all = 0;
    for (const Listed& one : files) all += one.bytes;
    if (all <= kMostBytes) return;
    std::sort(files.begin(), files.end(),
              [](const Listed& a, const Listed& b) { return a.used_s < b.used_s; });
    for (const Listed& one : files) {
        if (all <= kMostBytes) return;
        if (one.name == newest) continue;
        // Processes that have it mapped keep what they have.
        remove(one.name);
        all -= one.bytes;
    }
}

std::size_t Folder::clear() const {
    sweep();
    std::size_t removed = 0;
    for (const Listed& one : list()) {
        if (::unlinkat(folder_.value(), one.name.c_str(), 0) == 0) ++removed;
    }
    return removed;
}

}  // namespace ei::cache
