#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace pamcognito {

// Foreign text made fit for a terminal and the log: control characters (C0 but newline, DEL, C1),
// bidirectional controls, line and paragraph separators, other invisible format characters and
// malformed UTF-8 become '?'. A text longer than max_bytes is cut at a character's border.
std::string printable(std::string_view text, std::size_t max_bytes);

// The same into the caller's memory, cut to what fits. Returns the bytes written, never more than
// text.size(). Does not allocate.
std::size_t make_printable(std::string_view text, std::span<char> out) noexcept;

// Without the blanks, tabs and line ends at both ends.
std::string_view trimmed(std::string_view text) noexcept;

// "ENOENT" for ENOENT: for log lines that must not depend on the locale of the host process.
std::string_view errno_name(int error_number) noexcept;

// "No such file or directory" for ENOENT, whatever the locale, and from any thread: for people.
std::string describe_errno(int error_number);

}  // namespace pamcognito
