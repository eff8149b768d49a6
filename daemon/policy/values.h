#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

// The value grammars of cognitod.conf. An error goes on from the key's name: "is not yes or no".
namespace pamcognito::policy {

template <class T>
using ValueResult = std::expected<T, std::string>;

ValueResult<bool> parse_yes_no(std::string_view value);

// A whole number from `least` to `most`.
ValueResult<unsigned> parse_count(std::string_view value, unsigned least, unsigned most);

// 0, or a whole number and one of s, min, h, d: 90s, 5min, 12h, 7d; from `least` to `most`.
ValueResult<std::chrono::seconds> parse_duration(std::string_view value, std::chrono::seconds least,
                                                 std::chrono::seconds most);

// As parse_duration reads it: 90s, 5min, 12h, 7d, in the largest unit that is exact.
std::string format_duration(std::chrono::seconds duration);

// Items separated by blanks; may be empty; no item twice.
ValueResult<std::vector<std::string>> parse_list(std::string_view value);

// Not empty, at most `most` bytes, no blanks.
ValueResult<std::string> parse_word(std::string_view value, std::size_t most);

// Not empty, at most `most` bytes, all of it printable UTF-8; blanks are allowed.
ValueResult<std::string> parse_text(std::string_view value, std::size_t most);

// The name of a language as gettext has it: de, pt_BR, sr@latin. It becomes a part of a path.
bool is_language(std::string_view name);

// A name of a PAM service, a file in /etc/pam.d: 1 to 64 of A-Z, a-z, 0-9, _, . and -.
bool is_service_name(std::string_view name);

}  // namespace pamcognito::policy
