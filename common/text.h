#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace pamcognito {

// Makes text from outside safe for a terminal and the log. Control characters (C0 except newline,
// DEL, C1), bidirectional controls, line and paragraph separators, other invisible format
// characters and malformed UTF-8 become '?'. A text longer than max_bytes is cut between two
// characters.
std::string printable(std::string_view text, std::size_t max_bytes);

// Does the same without allocating, and cuts the text to the size of `out`. Returns the number of
// bytes written, which is at most text.size().
std::size_t make_printable(std::string_view text, std::span<char> out) noexcept;

// Removes blanks, tabs and line ends at both ends.
std::string_view trimmed(std::string_view text) noexcept;

// "ENOENT" for ENOENT, for log lines, which must not depend on the locale of the host process.
std::string_view errno_name(int error_number) noexcept;

// "No such file or directory" for ENOENT, for messages to people: in English whatever the locale
// is, and from any thread.
std::string describe_errno(int error_number);

}  // namespace pamcognito
