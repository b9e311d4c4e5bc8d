#pragma once
// The cache's part in one load: is there an entry, may there be one, and making it.

#include <functional>
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

    // Keeps what `load` loads and gives it back, with sessions that read the entry where that
    // succeeded. Never fails the load: describe() tells why nothing was kept. The sessions that
    // were saved end before the entry's begin: two at once would take the memory of both, and the
    // second would find the cores taken by the first. So a model whose entry the runtime does not
    // read is loaded twice, once in its life.
    Loaded keep(std::span<const std::byte> bytes, const std::function<Loaded()>& load);

  private:
    std::string entry_name(const Digest& digest) const;
    std::optional<Loaded> entry(const Digest& digest);
    bool write(const Loaded& loaded, std::span<const std::byte> bytes);
    void refuse(std::string why);

    const LoadOptions options_;
    cache::Folder kept_;
    ModelDigest model_;
    std::optional<Digest> digest_;  // set where an entry is to be made
    bool unreadable_ = false;       // there is an entry, and the runtime does not read it
    CacheUse use_;
};

}  // namespace ei::flow
