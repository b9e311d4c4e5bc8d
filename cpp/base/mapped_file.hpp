#pragma once
// A file's bytes, mapped read-only; move-only owner.
//
// Mapping keeps the resident memory of a large model at the pages really read, and lets the kernel
// take them back. The price: a file that another process shortens while it is mapped ends in
// SIGBUS. Replace model files by renaming, never by writing into them.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>

namespace ei {

class MappedFile {
  public:
    MappedFile() = default;
    // Error(model) when the path is no readable regular file; the text names it and the reason.
    explicit MappedFile(const std::filesystem::path& path);
    // `size` bytes of an open file, which may be closed then. None where it cannot be mapped.
    static std::optional<MappedFile> of(int descriptor, std::size_t size) noexcept;
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

    // Reads every page now. False where one cannot be read: a later access would end in SIGBUS.
    bool load() const noexcept;
    // Gives every page back; the next access reads it anew, as a rule out of the page cache.
    void let_go() const noexcept;

  private:
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace ei
