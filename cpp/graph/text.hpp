#pragma once
// Strings of a model file, made fit for error texts and reports: the file may hold any bytes.

#include <string>
#include <string_view>

namespace ei::graph {

bool is_utf8(std::string_view text) noexcept;

// Valid UTF-8 whatever came in: printable characters stay, other bytes become \xNN.
std::string printable(std::string_view text);

// In single quotes, printable, and cut with "..." after 80 bytes.
std::string in_quotes(std::string_view text);

}  // namespace ei::graph
