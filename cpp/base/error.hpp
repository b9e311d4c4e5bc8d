#pragma once
// The one exception type of the core. bindings/errors.cpp maps ErrorKind to the classes of
// edgeinfer/errors.py; nothing else throws across that boundary.

#include <stdexcept>
#include <string>
#include <utility>

namespace ei {

enum class ErrorKind {
    input,  // the caller's data: shape, dtype, range, image
    model,  // the network file: damaged, unsupported, refused
    run,    // the runtime: out of memory, timeout, cancelled
};

class Error : public std::runtime_error {
  public:
    // `reason` is machine-readable and meant for ErrorKind::run: "timeout", "cancelled", "memory",
    // "runtime".
    Error(ErrorKind kind, const std::string& text, std::string reason = "runtime")
        : std::runtime_error(text), kind_(kind), reason_(std::move(reason)) {}

    ErrorKind kind() const noexcept { return kind_; }
    const std::string& reason() const noexcept { return reason_; }

  private:
    ErrorKind kind_;
    std::string reason_;
};

}  // namespace ei
