#include "plan/class_map.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace ei::plan {
namespace {

constexpr std::int64_t kMostId = 65535;

// Calls use(typed pointer); false when the type holds no class ids.
template <class Use>
bool typed(const void* ids, ElementType type, Use&& use) {
    switch (type) {
        case ElementType::int64:
            use(static_cast<const std::int64_t*>(ids));
            return true;
        case ElementType::int32:
            use(static_cast<const std::int32_t*>(ids));
            return true;
        case ElementType::uint8:
            use(static_cast<const std::uint8_t*>(ids));
            return true;
        case ElementType::int8:
            use(static_cast<const std::int8_t*>(ids));
            return true;
        case ElementType::uint16:
            use(static_cast<const std::uint16_t*>(ids));
            return true;
        case ElementType::int16:
            use(static_cast<const std::int16_t*>(ids));
            return true;
        case ElementType::uint32:
            use(static_cast<const std::uint32_t*>(ids));
            return true;
        case ElementType::uint64:
            use(static_cast<const std::uint64_t*>(ids));
            return true;
        default:
            return false;
    }
}

}  // namespace

ClassMap::ClassMap(const void* ids, ElementType type, std::size_t pixels)
    : ids_(ids), type_(type), pixels_(pixels) {
    const bool known = typed(ids, type, [&](const auto* values) {
        for (std::size_t i = 0; i < pixels; ++i) {
            // An id of 2^63 or more turns negative here and is refused like the others.
            const auto id = static_cast<std::int64_t>(values[i]);
            if (id < 0 || id > kMostId) {
                throw Error(ErrorKind::input, "segment: found a class id of " + std::to_string(id) +
                                                  ", wanted 0 to 65535; this output is no class "
                                                  "map, read it with run()");
            }
            most_ = std::max(most_, static_cast<int>(id));
        }
    });
    if (!known) {
        throw Error(ErrorKind::input, std::string("segment: found an output of ") + name_of(type) +
                                          ", wanted float32, uint8 or int8 logits or integer "
                                          "class ids; read it with run()");
    }
}

void ClassMap::write(void* mask, std::int64_t* areas) const {
    std::fill_n(areas, classes(), std::int64_t{0});
    typed(ids_, type_, [&](const auto* values) {
        for (std::size_t i = 0; i < pixels_; ++i) {
            const auto id = static_cast<std::size_t>(values[i]);
            ++areas[id];
            if (wide()) {
                static_cast<std::uint16_t*>(mask)[i] = static_cast<std::uint16_t>(id);
            } else {
                static_cast<std::uint8_t*>(mask)[i] = static_cast<std::uint8_t>(id);
            }
        }
    });
}

}  // namespace ei::plan
