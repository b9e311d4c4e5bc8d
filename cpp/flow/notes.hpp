#pragma once
// Short texts kept under a model: what was found out about it once and need not be again. They hold
// on this machine, for this runtime and this core; whatever changes, they are gone.

#include <optional>
#include <span>
#include <string>

#include "base/digest.hpp"
#include "cache/folder.hpp"

namespace ei::flow {

class Notes {
  public:
    // Both must outlive this.
    Notes(const cache::Folder& kept, const Digest& model) : kept_(kept), model_(model) {}

    // None: nothing was remembered, or it is damaged.
    std::optional<std::string> recall(const std::string& name) const;
    // Why it could not be kept; empty: it is. Whole or not at all, whatever happens meanwhile.
    std::string remember(const std::string& name, const std::string& text) const;
    void forget(const std::string& name) const;

  private:
    std::string file_name(const std::string& name) const;

    const cache::Folder& kept_;
    const Digest& model_;
};

// The digest by which notes are kept of a model file, or of a model's bytes where `path` is empty.
// Error(model) where it cannot be read.
Digest model_for_notes(const cache::Folder& kept, const std::string& path,
                       std::span<const std::byte> bytes);

}  // namespace ei::flow
