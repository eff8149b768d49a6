#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nss/accounts_format.h"

// /etc/pam-cognito/accounts.conf: root's decisions about accounts that no local file names. The
// reader takes range, home and shell from it and never from the accounts file; the helper that
// writes the accounts file refuses a change that it does not permit. Nothing here allocates or
// throws, because the reader runs in each process of the machine.
//
//   [accounts]
//   range = 1879048192-2099999999      uids, first and last included
//   home = /home/%u                    %u: the user's name, once, as a whole component
//   shells = /bin/bash /bin/sh         permitted shells; the first is the default
//   enumerate = no                     yes: `getent passwd` lists all users
//   sshd = /usr/sbin/sshd              programs that count as sshd (first login)
//   names = *.admin                    globs of names that may get an account by a first login
//   prefixes = x-, suffixes = -x       a name with one of them needs no '.'
//   pool = eu-central-1_AbC            the user pool whose users get accounts by a first login
//   ssh_keys_attribute = custom:x      for cognitod; the writer checks its form
//   uid_attribute = custom:uid         the same
//   [groups]
//   sudo = linux-admins                local group = Cognito groups whose members are in it
//
// A comment is a line that begins with # or ;. A later value replaces an earlier one. Other
// sections and keys are for other readers. A fault makes the whole file invalid: then no user is
// answered.
namespace pamcognito::accounts {

inline constexpr char kConfDirectory[] = "/etc/pam-cognito";
inline constexpr char kConfPath[] = "/etc/pam-cognito/accounts.conf";
// 32 random bytes in lower-case hexadecimal digits, root's and 0600 (accounts/fleet_key.h).
inline constexpr char kFleetKeyPath[] = "/etc/pam-cognito/fleet.key";
inline constexpr std::size_t kFleetKeySize = 32;
// 64 groups of 32 bytes, each with some Cognito groups.
inline constexpr std::size_t kMaxConfBytes = 8192;
inline constexpr std::size_t kMaxPath = 128;  // of a home's template, and of a program

// Views of the text that was parsed.
struct Conf {
  // 0x70000000: free in systemd's table of uids (UIDS-GIDS), above containers and subordinate ids;
  // himmelblau's subordinate ids begin at 2100000000.
  std::uint32_t first = 0x7000'0000;
  std::uint32_t last = 2099999999;
  std::string_view home = "/home/%u";
  std::string_view shells = "/bin/bash /bin/sh /bin/dash /usr/bin/bash /usr/bin/sh /usr/bin/dash";
  std::string_view sshd = "/usr/sbin/sshd /usr/lib/openssh/sshd-session /usr/lib/openssh/sshd-auth";
  std::string_view names;  // lists that blanks separate
  std::string_view prefixes;
  std::string_view suffixes;
  std::string_view pool;
  std::string_view ssh_keys_attribute;
  std::string_view uid_attribute;
  bool enumerate = false;
  std::size_t group_count = 0;
  std::string_view groups[kMaxGroups];
  std::string_view cognito_groups[kMaxGroups];  // separated by blanks; may be empty
};

namespace conf_text {

// string_view::substr() refers to the C++ library's exceptions.
constexpr std::string_view part(std::string_view text, std::size_t from,
                                std::size_t size) noexcept {
  return std::string_view(text.data() + from, size);
}

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

constexpr std::string_view trimmed(std::string_view text) noexcept {
  std::size_t from = 0;
  std::size_t to = text.size();
  while (from < to && is_blank(text.data()[from])) ++from;
  while (from < to && is_blank(text.data()[to - 1])) --to;
  return part(text, from, to - from);
}

// Takes the text up to `end` off the front of `text`, with the `end`.
constexpr std::string_view take_until(std::string_view& text, char end) noexcept {
  std::size_t size = 0;
  while (size < text.size() && text.data()[size] != end) ++size;
  const std::string_view taken = part(text, 0, size);
  const std::size_t gone = size < text.size() ? size + 1 : size;
  text = part(text, gone, text.size() - gone);
  return taken;
}

// Takes the next word of a list that blanks separate; empty at the end.
constexpr std::string_view take_word(std::string_view& list) noexcept {
  list = trimmed(list);
  std::size_t size = 0;
  while (size < list.size() && !is_blank(list.data()[size])) ++size;
  const std::string_view word = part(list, 0, size);
  list = part(list, size, list.size() - size);
  return word;
}

// '*': any characters, also none; '?': one. The whole name must match.
constexpr bool matches(std::string_view glob, std::string_view name) noexcept {
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = glob.size();  // the last '*', and the part of `name` that it takes
  std::size_t taken = 0;
  while (in < name.size()) {
    if (at < glob.size() && glob.data()[at] == '*') {
      star = at++;
      taken = in;
    } else if (at < glob.size() && (glob.data()[at] == '?' || glob.data()[at] == name.data()[in])) {
      ++at;
      ++in;
    } else if (star < glob.size()) {
      at = star + 1;
      in = ++taken;
    } else {
      return false;
    }
  }
  while (at < glob.size() && glob.data()[at] == '*') ++at;
  return at == glob.size();
}

constexpr bool begins_with(std::string_view text, std::string_view start) noexcept {
  return text.size() > start.size() && part(text, 0, start.size()) == start;
}

constexpr bool ends_with(std::string_view text, std::string_view end) noexcept {
  return text.size() > end.size() && part(text, text.size() - end.size(), end.size()) == end;
}

// Tells whether a name has a '.', or begins or ends with a word of these lists: no package of the
// archive makes such a user.
constexpr bool is_marked(std::string_view prefixes, std::string_view suffixes,
                         std::string_view name) noexcept {
  for (std::size_t i = 0; i < name.size(); ++i)
    if (name.data()[i] == '.') return true;
  for (std::string_view prefix; !(prefix = take_word(prefixes)).empty();)
    if (begins_with(name, prefix)) return true;
  for (std::string_view suffix; !(suffix = take_word(suffixes)).empty();)
    if (ends_with(name, suffix)) return true;
  return false;
}

// Digits alone, without a superfluous 0 in front.
constexpr bool parse_number(std::string_view text, std::uint32_t& number) noexcept {
  if (text.empty() || text.size() > 10 || (text.size() > 1 && text.data()[0] == '0')) return false;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text.data()[i];
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > UINT32_MAX) return false;
  number = static_cast<std::uint32_t>(value);
  return true;
}

constexpr bool parse_range(std::string_view text, Conf& conf) noexcept {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  const std::string_view from = trimmed(take_until(text, '-'));
  if (!parse_number(from, first) || !parse_number(trimmed(text), last)) return false;
  if (first < kLowestUid || last > kHighestUid || first > last) return false;
  conf.first = first;
  conf.last = last;
  return true;
}

// An absolute path of printable ASCII without ':', '%' and the components "", "." and "..".
// `with_user`: one component is %u.
constexpr bool is_path(std::string_view path, bool with_user) noexcept {
  if (path.size() < 2 || path.size() > kMaxPath || path.data()[0] != '/') return false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path.data()[i];
    if (c <= ' ' || c > '~' || c == ':') return false;
  }
  std::size_t users = 0;
  std::string_view rest = part(path, 1, path.size() - 1);
  if (rest.data()[rest.size() - 1] == '/') return false;
  while (!rest.empty()) {
    const std::string_view component = take_until(rest, '/');
    if (component.empty() || component == "." || component == "..") return false;
    if (component == "%u") {
      ++users;
      continue;
    }
    for (std::size_t i = 0; i < component.size(); ++i)
      if (component.data()[i] == '%') return false;
  }
  return users == (with_user ? 1U : 0U);
}

// One path or more.
constexpr bool is_list_of_paths(std::string_view list) noexcept {
  bool any = false;
  for (std::string_view path; !(path = take_word(list)).empty(); any = true)
    if (!is_path(path, false)) return false;
  return any;
}

constexpr bool take_setting(std::string_view key, std::string_view value, Conf& conf) noexcept {
  if (key == "range") return parse_range(value, conf);
  if (key == "home") {
    conf.home = value;
    return is_path(value, true);
  }
  if (key == "shells") {
    conf.shells = value;
    return is_list_of_paths(value);
  }
  if (key == "sshd") {
    conf.sshd = value;
    return is_list_of_paths(value);
  }
  if (key == "names") conf.names = value;
  if (key == "prefixes") conf.prefixes = value;
  if (key == "suffixes") conf.suffixes = value;
  if (key == "pool") conf.pool = value;
  if (key == "ssh_keys_attribute") conf.ssh_keys_attribute = value;
  if (key == "uid_attribute") conf.uid_attribute = value;
  if (key == "enumerate") {
    conf.enumerate = value == "yes";
    return value == "yes" || value == "no";
  }
  return true;
}

constexpr bool take_group(std::string_view name, std::string_view value, Conf& conf) noexcept {
  if (!is_account_name(name.data(), name.size()) || name == "root") return false;
  for (std::size_t i = 0; i < conf.group_count; ++i) {
    if (conf.groups[i] != name) continue;
    conf.cognito_groups[i] = value;
    return true;
  }
  if (conf.group_count == kMaxGroups) return false;
  conf.groups[conf.group_count] = name;
  conf.cognito_groups[conf.group_count++] = value;
  return true;
}

}  // namespace conf_text

// Returns 0, or the number of the line that has a fault. `text` must outlive `conf`.
constexpr std::size_t parse_conf(std::string_view text, Conf& conf) noexcept {
  using namespace conf_text;
  std::string_view section;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = take_until(text, '\n');
    for (std::size_t i = 0; i < line.size(); ++i)
      if (line.data()[i] == '\0') return number;
    line = trimmed(line);
    if (line.empty() || line.data()[0] == '#' || line.data()[0] == ';') continue;
    if (line.data()[0] == '[') {
      if (line.size() < 3 || line.data()[line.size() - 1] != ']') return number;
      section = trimmed(part(line, 1, line.size() - 2));
      continue;
    }
    const std::size_t size = line.size();
    const std::string_view key = trimmed(take_until(line, '='));
    if (key.empty() || key.size() == size) return number;
    const std::string_view value = trimmed(line);
    if (section.empty()) return number;
    if (section == "accounts" && !take_setting(key, value, conf)) return number;
    if (section == "groups" && !take_group(key, value, conf)) return number;
  }
  return 0;
}

// In place of Cognito groups: the local group has each user of the range as a member.
inline constexpr std::string_view kEveryUser = "*";

// Tells whether each user of the range is a member of this local group.
constexpr bool has_every_user(const Conf& conf, std::string_view group) noexcept {
  for (std::size_t i = 0; i < conf.group_count; ++i) {
    if (conf.groups[i] != group) continue;
    std::string_view list = conf.cognito_groups[i];
    for (std::string_view word; !(word = conf_text::take_word(list)).empty();)
      if (word == kEveryUser) return true;
  }
  return false;
}

// Tells whether accounts.conf maps a Cognito group to this local group.
constexpr bool is_mapped(const Conf& conf, std::string_view group) noexcept {
  for (std::size_t i = 0; i < conf.group_count; ++i)
    if (conf.groups[i] == group) return true;
  return false;
}

}  // namespace pamcognito::accounts
