#pragma once
// An open file, closed at the end of its scope.

#include <unistd.h>

#include <utility>

namespace ei {

class Descriptor {
  public:
    explicit Descriptor(int value = -1) noexcept : value_(value) {}
    ~Descriptor() {
        if (value_ >= 0) ::close(value_);
    }
    Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int release() noexcept { return std::exchange(value_, -1); }
    int value() const noexcept { return value_; }
    explicit operator bool() const noexcept { return value_ >= 0; }

  private:
    int value_;
};

}  // namespace ei
