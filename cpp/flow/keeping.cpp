#include "flow/keeping.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "cpu/features.hpp"
#include "flow/kept_model.hpp"
#include "flow/machine.hpp"
#include "flow/notes.hpp"

namespace ei::flow {
namespace {

// Of the meaning of what is kept; raised when code of ours changes it.
constexpr std::uint64_t kFormat = 2;
// Below this the runtime is as fast with the file itself, and a day of tests or of one-off models
// would fill the folder.
constexpr std::size_t kLeastBytes = std::size_t{64} << 10;
// Under this name a model is remembered that the runtime does not save, or not read again.
constexpr const char* kRefusal = "not kept";

// Entries that say themselves how a model is loaded or written.
constexpr std::string_view kLoadingKeys[] = {
    "session.load_model_format",   "session.save_model_format",
    "session.use_ort_model_bytes", "session.use_memory_mapped_",
    "session.optimized_model_",    "session.save_external_",
    "session.model_external_",     "ep.",
};

std::string why_skipped(const LoadOptions& options) {
    if (!options.session.providers.empty()) return "not kept for other providers than the CPU";
    if (!options.session.profile.empty()) return "not kept while timings are written";
    for (const auto& [key, value] : options.session.config) {
        for (const std::string_view start : kLoadingKeys) {
            if (key.starts_with(start)) return "not kept since config sets " + key;
        }
    }
    return "";
}

}  // namespace

Keeping::Keeping(const LoadOptions& options, const std::string& path, const std::string& folder)
    : options_(options), model_(kept_, path, folder) {
    if (!options.cache) {
        use_ = {"off", "cache is off", ""};
        return;
    }
    std::string why = why_skipped(options);
    if (why.empty()) {
        kept_ = cache::Folder::users();
        why = kept_.why_not();
    }
    if (why.empty()) {
        use_.state = "miss";
    } else {
        skip(std::move(why));
    }
}

void Keeping::skip(std::string why) {
    digest_.reset();
    if (use_.state != "off") use_ = {"skipped", std::move(why), ""};
}

// All that decides what the entry holds. Threads, spinning and memory are decided at each load.
std::string Keeping::entry_name(const Digest& digest) const {
    const ort::Options& session = options_.session;
    Digester digester;
    digester.add(std::string_view("model"));
    digester.add(kFormat);
    digester.add(digest);
    add_machine(digester);
    digester.add(std::uint64_t{cpu::enabled()});
    digester.add(static_cast<std::uint64_t>(session.graph));
    digester.add(std::uint64_t{session.flush_denormals});
    digester.add(std::uint64_t{session.free_dimensions.size()});
    for (const auto& [name, size] : session.free_dimensions) {
        digester.add(name);
        digester.add(static_cast<std::uint64_t>(size));
    }
    digester.add(std::uint64_t{session.config.size()});
    for (const auto& [key, value] : session.config) {
        digester.add(key);
        digester.add(value);
    }
    digester.add(std::uint64_t{options_.fuse_tail});
    digester.add(std::uint64_t{options_.cut_head});
    digester.add(std::uint64_t{options_.to_uint8 ? 1u + *options_.to_uint8 : 0u});
    digester.add(static_cast<std::uint64_t>(options_.sizes.tensor_bytes));
    return hex(digester.take()) + ".model";
}

std::optional<Loaded> Keeping::entry(const Digest& digest) {
    const std::string name = entry_name(digest);
    use_.path = kept_.path_of(name);
    std::string why;
    std::optional<cache::Kept> kept = kept_.read(name, why);
    if (!kept) {
        use_.why = why.empty() ? "no entry yet" : "the entry " + why;
        return std::nullopt;
    }
    std::optional<Loaded> loaded =
        unpack(std::make_shared<const cache::Kept>(std::move(*kept)), options_.session);
    unreadable_ = !loaded;
    if (unreadable_) {
        use_.why = "the entry cannot be loaded";
        return std::nullopt;
    }
    loaded->cache = {"hit", "the optimised model was kept", use_.path};
    return loaded;
}

std::optional<Loaded> Keeping::by_stamp() {
    if (use_.state != "miss") return std::nullopt;
    const std::optional<Digest> digest = model_.known();
    return digest ? entry(*digest) : std::nullopt;
}

std::optional<Loaded> Keeping::by_content(std::span<const std::byte> bytes,
                                          const graph::Model& model) {
    if (use_.state != "miss") return std::nullopt;
    if (bytes.size() < kLeastBytes && !names_external_data(model)) {
        skip("the model is too small to gain");
        return std::nullopt;
    }
    if (bytes.size() > cache::Folder::kMostBytes) {
        skip("it takes more than all entries together may");
        return std::nullopt;
    }
    const std::optional<Digest> digest = model_.read(bytes, model);
    if (!digest) {
        skip("its external data cannot be read");
        return std::nullopt;
    }
    if (std::optional<Loaded> loaded = entry(*digest)) return loaded;
    if (const auto why = Notes(kept_, *digest).recall(kRefusal)) {
        skip(*why);
    } else {
        digest_ = digest;
    }
    return std::nullopt;
}

// Remembers that there is nothing to be gained.
void Keeping::refuse(std::string why) {
    Notes(kept_, *digest_).remember(kRefusal, why);
    skip(std::move(why));
}

// Whether there is an entry now.
bool Keeping::write(const Loaded& loaded, std::span<const std::byte> bytes) {
    const std::optional<Packed> packed = Packed::of(loaded);
    if (!packed) {
        refuse("the runtime does not save this model");
        return false;
    }
    std::uint64_t size = 0;
    for (const cache::Bytes piece : packed->pieces()) size += piece.size();
    if (size > cache::Folder::kMostBytes) {
        refuse("it takes more than all entries together may");
        return false;
    }
    const std::string why = model_.unchanged(bytes)
                                ? kept_.write(entry_name(*digest_), packed->pieces())
                                : "the file changed while it was loaded";
    if (why.empty()) return true;
    use_.why += "; not kept: " + why;
    use_.path.clear();
    return false;
}

Loaded Keeping::keep(std::span<const std::byte> bytes, const std::function<Loaded()>& load) {
    Loaded loaded = load();
    if (loaded.cache.state == "hit") return loaded;
    if (wanted() && write(loaded, bytes)) {
        loaded = {};
        if (std::optional<Loaded> again = entry(*digest_)) {
            again->cache = {"miss", use_.why + "; kept for the next time", use_.path};
            return std::move(*again);
        }
        if (unreadable_) {
            kept_.remove(entry_name(*digest_));
            refuse("the runtime does not read what it saved of this model");
        }
        // Else somebody removed the entry at once: nothing to remember of the model.
        loaded = load();
        if (loaded.cache.state == "hit") return loaded;
        use_.path.clear();
    }
    loaded.core->drop_saved();
    if (loaded.rest != nullptr) loaded.rest->drop_saved();
    for (const QuantizedInput& one : loaded.quantized) {
        if (one.quantize != nullptr) one.quantize->drop_saved();
    }
    loaded.cache = std::move(use_);
    return loaded;
}

}  // namespace ei::flow
