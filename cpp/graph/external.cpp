#include "graph/external.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

#include "base/error.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& text) {
    throw Error(ErrorKind::model, text);
}

std::int64_t number(std::string_view text, std::string_view key) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) {
        refuse("external data: " + std::string(key) + " is " + in_quotes(text) +
               ", wanted a whole number from 0; export the file again");
    }
    return value;
}

// The longest way out of a folder: both paths are canonical, so a prefix of components is enough.
bool inside(const fs::path& folder, const fs::path& file) {
    const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
    return end == folder.end() && rest != file.end();
}

}  // namespace

ExternalData external_data(const Tensor& tensor) {
    ExternalData out;
    for (const Entry& entry : tensor.stored) {
        if (entry.key == "location") out.location = entry.value;
        if (entry.key == "offset") out.offset = number(entry.value, "offset");
        if (entry.key == "length") out.length = number(entry.value, "length");
    }
    if (out.location.empty()) {
        refuse("external data: no location is given; export the file again");
    }
    return out;
}

fs::path resolve(const fs::path& folder, const std::string& location) {
    const std::string name = in_quotes(location);
    const fs::path relative(location);
    if (location.empty() || location.find('\0') != std::string::npos || relative.is_absolute() ||
        relative.has_root_path()) {
        refuse("external data refused: " + name +
               " is no relative path; keep the data in the model's folder");
    }
    const auto leaves = std::any_of(relative.begin(), relative.end(),
                                    [](const fs::path& part) { return part == ".."; });
    if (leaves) {
        refuse("external data refused: " + name +
               " leads out of the model's folder; keep the data in it");
    }
    std::error_code error;
    const fs::path home = fs::canonical(folder.empty() ? fs::path(".") : folder, error);
    if (error) refuse("external data: the model's folder cannot be read: " + error.message());
    const fs::path file = fs::canonical(home / relative, error);
    if (error) {
        refuse("external data missing: " + name + ": " + error.message() +
               "; put the file beside the model");
    }
    if (!inside(home, file)) {
        refuse("external data refused: " + name +
               " is a link out of the model's folder; put the file itself there");
    }
    if (!fs::is_regular_file(file, error)) {
        refuse("external data refused: " + name + " is no regular file");
    }
    return file;
}

void check_external(const fs::path& folder, const Tensor& tensor) {
    const ExternalData data = external_data(tensor);
    const fs::path file = resolve(folder, data.location);
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file, error);
    if (error) refuse("external data: " + in_quotes(data.location) + ": " + error.message());
    const auto wanted = static_cast<std::uint64_t>(data_bytes(tensor));
    const auto offset = static_cast<std::uint64_t>(data.offset);
    const auto held =
        static_cast<std::uint64_t>(data.length.value_or(static_cast<std::int64_t>(wanted)));
    if (held != wanted) {
        refuse("external data of " + in_quotes(tensor.name) + ": its dims announce " +
               std::to_string(wanted) + " bytes, the entry says " + std::to_string(held) +
               "; export the file again");
    }
    if (offset > size || wanted > size - offset) {
        refuse("external data of " + in_quotes(tensor.name) + ": " + in_quotes(data.location) +
               " has " + std::to_string(size) + " bytes, " + std::to_string(wanted) +
               " from byte " + std::to_string(offset) + " on are wanted; fetch the file again");
    }
}

}  // namespace ei::graph
