#pragma once
// A move-only block of bytes at a cache-line boundary, for tensors and kernel scratch.

#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace ei {

inline constexpr std::size_t kAlignment = 64;

class AlignedBuffer {
  public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(std::size_t bytes)
        : data_(bytes == 0
                    ? nullptr
                    : static_cast<std::byte*>(::operator new(bytes, std::align_val_t(kAlignment)))),
          bytes_(bytes) {}

    std::byte* data() noexcept { return data_.get(); }
    const std::byte* data() const noexcept { return data_.get(); }
    std::size_t size() const noexcept { return bytes_; }

    template <class T>
    std::span<T> as() noexcept {
        return {reinterpret_cast<T*>(data_.get()), bytes_ / sizeof(T)};
    }

  private:
    struct Free {
        void operator()(std::byte* p) const noexcept {
            ::operator delete(p, std::align_val_t(kAlignment));
        }
    };
    std::unique_ptr<std::byte, Free> data_;
    std::size_t bytes_ = 0;
};

}  // namespace ei
