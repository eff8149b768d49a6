#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pamcognito::policy {

struct IniSection {
  std::string name;
  unsigned line = 0;
};

struct IniEntry {
  std::string section;
  std::string key;
  std::string value;  // without blanks at either end; may be empty
  unsigned line = 0;
};

struct IniFile {
  std::vector<IniSection> sections;  // every header, in order, also of sections without a key
  std::vector<IniEntry> entries;     // in order
};

struct IniError {
  unsigned line = 0;
  std::string message;
};

// Parses the text of one file. Stricter than INI readers usually are, because a setting that is
// read otherwise than its author meant it is a hole in an access policy:
//
// - a comment starts with '#' or ';', at the start of a line or after a blank
// - blanks before a key mean nothing: no value goes on over a second line
// - a line has at most 4,000 bytes, a section name 49; control characters other than tab are errors
// - no text follows a section's ']', every key is in a section and has a '='
// - a section of a file has a key once
std::expected<IniFile, IniError> parse_ini(std::string_view text);

}  // namespace pamcognito::policy
