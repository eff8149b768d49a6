#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace pamcognito::prompts {

inline constexpr std::size_t kMaxMoFile = 1024UL * 1024;

// English to the language of the catalogue.
using Translations = std::map<std::string, std::string, std::less<>>;

// Parses the bytes of a GNU MO file, of either byte order, sorted or not. All of it is checked: a
// table or a string outside the file, a string without its NUL, a text that is not printable UTF-8,
// a plural form (none is used here) make the whole file an error: "is damaged".
// Source: GNU gettext manual, "The Format of GNU MO Files".
std::expected<Translations, std::string> parse_mo(std::string_view bytes);

}  // namespace pamcognito::prompts
