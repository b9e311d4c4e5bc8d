#pragma once
// What the file system tells of a file without reading it, by which a file that was read before is
// known again (as git's index does).

#include <cstdint>
#include <optional>
#include <string>

namespace ei::cache {

struct Stamp {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t changed_ns = 0, modified_ns = 0;  // ctime, mtime

    bool operator==(const Stamp&) const = default;
};

template <class Archive>
void fields(Archive& archive, Stamp& stamp) {
    archive(stamp.device, stamp.inode, stamp.size, stamp.changed_ns, stamp.modified_ns);
}

// Links are followed. None where there is no regular file.
std::optional<Stamp> stamp_of(const std::string& path);

// Whether every later change of the file will show in its stamp. Not while the last change is so
// fresh that the next one could carry the same time; and only on file systems that are known to
// note each change (not on FAT, whose times stand for two seconds and can be set back, nor over a
// network).
bool settled(const std::string& path, const Stamp& stamp);

}  // namespace ei::cache
