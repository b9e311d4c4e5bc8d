#pragma once
// The cache's part in one load: is there an entry, may there be one, and making it.

#include <optional>
#include <span>
#include <string>

#include "cache/folder.hpp"
#include "flow/load.hpp"
#include "flow/model_digest.hpp"

namespace ei::flow {

class Keeping {
  public:
    // `path`: empty for a model given as bytes.
    Keeping(const LoadOptions& options, const std::string& path, const std::string& folder);
    Keeping(const Keeping&) = delete;
    Keeping& operator=(const Keeping&) = delete;

    // The entry of a file that was read before and is unchanged; opens the entry, not the file.
    std::optional<Loaded> by_stamp();
    // The entry of these bytes. Cost: their digest.
    std::optional<Loaded> by_content(std::span<const std::byte> bytes, const graph::Model& model);

    // Whether an entry is to be made of what is loaded next, with Options::save.
    bool wanted() const noexcept { return digest_.has_value(); }
    void skip(std::string why);

    // Keeps what was loaded and gives it back, with sessions that read the entry where that
    // succeeded. Never fails the load: describe() tells why nothing was kept.
    Loaded keep(Loaded loaded, std::span<const std::byte> bytes);

  private:
    std::string entry_name(const Digest& digest) const;
    std::optional<Loaded> entry(const Digest& digest);

    const LoadOptions options_;
    cache::Folder kept_;
    ModelDigest model_;
    std::optional<Digest> digest_;  // set where an entry is to be made
    CacheUse use_;
};

}  // namespace ei::flow
