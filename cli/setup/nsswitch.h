#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// /etc/nsswitch.conf, as far as the service `cognitod` is concerned. The package libnss-cognitod
// edits the file in the same way (debian/libnss-cognitod.postinst); one table of lines tests both.
namespace pamcognito::cli {

inline constexpr char kNsswitch[] = "/etc/nsswitch.conf";

// The services and actions of a database ("passwd", "group"), in their order; empty: no such line.
std::vector<std::string> nsswitch_words(std::string_view text, std::string_view database);

struct NsswitchEdit {
  std::string text;
  // The databases that lack the service afterwards: the line does not exist, or it has another
  // action behind `files`, which is an administrator's decision.
  std::vector<std::string> lacking;
};

// Adds the service behind `files` or `compat` to the lines passwd and group: local users come
// first, and services that may wait come later. `[SUCCESS=merge]` gives a local group the members
// of both. All other words, blanks and comments stay, and so does a line that has the service.
NsswitchEdit add_to_nsswitch(std::string_view text);

}  // namespace pamcognito::cli
