#include "cache/stamp.hpp"

#include <sys/stat.h>
#include <time.h>

#include <algorithm>

#if defined(__linux__)
    #include <sys/vfs.h>
#endif

namespace ei::cache {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t nanoseconds(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * kSecond + time.tv_nsec;
}

#if defined(__linux__)
// linux/magic.h and the file systems' own headers.
constexpr std::uint32_t kNotesEachChange[] = {
    0xef53,      // ext2, ext3, ext4
    0x9123683e,  // btrfs
    0x58465342,  // xfs
    0xf2f52010,  // f2fs
    0x01021994,  // tmpfs
    0x794c7630,  // overlayfs
    0x73717368,  // squashfs
    0xe0f5e1e2,  // erofs
    0x2fc12fc1,  // zfs
    0xca451a4e,  // bcachefs
};
#endif

bool notes_each_change(const std::string& path) {
#if defined(__linux__)
    struct statfs facts{};
    if (::statfs(path.c_str(), &facts) != 0) return false;
    const auto type = static_cast<std::uint32_t>(facts.f_type);
    return std::find(std::begin(kNotesEachChange), std::end(kNotesEachChange), type) !=
           std::end(kNotesEachChange);
#else
    return !path.empty();
#endif
}

}  // namespace

std::optional<Stamp> stamp_of(const std::string& path) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
    Stamp stamp;
    stamp.device = facts.st_dev;
    stamp.inode = facts.st_ino;
    stamp.size = static_cast<std::uint64_t>(facts.st_size);
#if defined(__APPLE__)
    stamp.changed_ns = nanoseconds(facts.st_ctimespec);
    stamp.modified_ns = nanoseconds(facts.st_mtimespec);
#else
    stamp.changed_ns = nanoseconds(facts.st_ctim);
    stamp.modified_ns = nanoseconds(facts.st_mtim);
#endif
    return stamp;
}

bool settled(const std::string& path, const Stamp& stamp) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    // A time ahead of the clock, as after a start without a network, settles when the clock has
    // come to it. Of the times of a file only the change's cannot be set.
    return nanoseconds(now) - stamp.changed_ns > kSecond && notes_each_change(path);
}

}  // namespace ei::cache
