#pragma once
// The folder that outlives the process: small files, each whole or absent.
//
// What is read from it goes into the runtime, so it must be the user's own: a folder that another
// user owns or can write to is not used, nor one that is reached by a link at its last step. All
// names are looked up in the open folder, which cannot be exchanged below us.
//
// A file is written beside its place, synced and renamed. It ends in a seal: a checksum over its
// name and content. What does not match it (a bad block, a file of another name, half a file from a
// disk that lied about a sync) is as good as absent.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.hpp"
#include "base/mapped_file.hpp"

namespace ei::cache {

using Bytes = std::span<const std::byte>;

// Content of a file; stays readable when the file is removed.
class Kept {
  public:
    Kept(MappedFile file, std::size_t content) : file_(std::move(file)), content_(content) {}
    Bytes content() const noexcept { return file_.bytes().first(content_); }
    // What is read no more leaves the process; the rest comes back when it is read.
    void let_go() const noexcept { file_.let_go(); }

  private:
    MappedFile file_;
    std::size_t content_;
};

struct Listed {
    std::string name;
    std::uint64_t bytes = 0;
    std::int64_t used_s = 0;  // since 1970, UTC; to the day
};

class Folder {
  public:
    // The user's folder: EDGEINFER_CACHE where set (empty: none), else edgeinfer in
    // XDG_CACHE_HOME, else in ~/.cache. Made where missing, with mode 0700.
    static Folder users();
    explicit Folder(std::string path);
    Folder() : why_not_("no folder was looked for") {}

    // Empty: ready. Else one sentence that says why nothing is kept here.
    const std::string& why_not() const noexcept { return why_not_; }
    const std::string& path() const noexcept { return path_; }
    std::string path_of(std::string_view name) const { return path_ + "/" + std::string(name); }

    // None where there is no such file, or where it is damaged, which `why` tells.
    std::optional<Kept> read(const std::string& name, std::string& why) const;

    // Writes the pieces one after the other; replaces a file of that name. Removes temporaries
    // that writers left who were killed, and the files least recently used where all of them
    // together grow beyond kMostBytes. Returns why it could not be kept; empty: it is.
    std::string write(const std::string& name, std::span<const Bytes> pieces) const;

    void remove(const std::string& name) const noexcept;
    std::vector<Listed> list() const;
    // Removes all files of ours, temporaries of killed writers too; returns how many.
    std::size_t clear() const;

    static constexpr std::uint64_t kMostBytes = std::uint64_t{512} << 20;

  private:
    std::string write_beside(const std::string& temporary, const Descriptor& file,
                             const std::string& name, std::span<const Bytes> pieces) const;
    void sweep() const;
    void evict(const std::string& newest) const;

    std::string path_, why_not_;
    Descriptor folder_;
};

}  // namespace ei::cache
