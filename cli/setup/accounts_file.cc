#include "cli/setup/accounts_file.h"

#include <algorithm>
#include <cstddef>

#include "common/text.h"
#include "nss/accounts_conf.h"

namespace pamcognito::cli {
namespace {

constexpr std::string_view kWildcards = "*?";
// A shorter prefix or suffix fits names of packages.
constexpr std::size_t kShortestPart = 3;
// Cognito's characters of a group's name (CreateGroup) that the file can have, without blanks.
constexpr std::size_t kMaxGroupName = 128;

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(" \t,"), list.size());
    if (end > 0) words.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

bool is_glob(std::string_view text) {
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-*?") ==
         std::string_view::npos;
}

bool is_group_name(std::string_view text) {
  return text.size() <= kMaxGroupName && std::ranges::all_of(text, [](char c) {
           return c > ' ' && c <= '~' && c != '#' && c != ';';
         });
}

// "key" of "key = value"; the section of "[section]" with its brackets.
std::string_view key_of(std::string_view line) {
  line = trimmed(line);
  if (line.empty() || line.front() == '#' || line.front() == ';') return {};
  if (line.front() == '[') return line;
  return trimmed(line.substr(0, line.find('=')));
}

std::vector<std::string> lines_in(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The last line with the key, which is the one that counts; the end if there is none. `header`
// receives the first line of the section.
std::size_t find_line(const std::vector<std::string>& lines, std::string_view section,
                      std::string_view key, std::size_t* header) {
  std::size_t found = lines.size();
  *header = lines.size();
  bool is_inside = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view name = key_of(lines[i]);
    if (name.starts_with('[')) {
      is_inside = name.size() > 2 && trimmed(name.substr(1, name.size() - 2)) == section;
      if (is_inside && *header == lines.size()) *header = i;
    } else if (is_inside && name == key) {
      found = i;
    }
  }
  return found;
}

std::vector<std::string> values_of(const std::vector<std::string>& lines, std::string_view section,
                                   std::string_view key) {
  std::size_t header = 0;
  const std::size_t at = find_line(lines, section, key, &header);
  if (at == lines.size()) return {};
  return split(std::string_view(lines[at]).substr(lines[at].find('=') + 1));
}

void set(std::vector<std::string>& lines, const std::string& section, const std::string& key,
         const std::vector<std::string>& values) {
  if (values.empty() || values_of(lines, section, key) == values) return;
  const std::string line = key + " = " + joined(values);
  std::size_t header = 0;
  const std::size_t at = find_line(lines, section, key, &header);
  if (at < lines.size()) {
    lines[at] = line;
  } else if (header < lines.size()) {
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(header) + 1, line);
  } else {
    if (!lines.empty()) lines.emplace_back();
    lines.push_back("[" + section + "]");
    lines.push_back(line);
  }
}

void add(std::vector<std::string>& lines, const std::string& section, const std::string& key,
         const std::vector<std::string>& more) {
  std::vector<std::string> values = values_of(lines, section, key);
  for (const std::string& value : more)
    if (!has(values, value)) values.push_back(value);
  set(lines, section, key, values);
}

}  // namespace

Result<AccountsChange> parse_accounts_options(std::string_view patterns, std::string_view groups) {
  AccountsChange change;
  change.names = split(patterns);
  change.sudo_groups = split(groups);
  for (const std::string& glob : change.names) {
    if (!is_glob(glob))
      return failure(ExitCode::usage, "bad-value",
                     "--accounts takes names with * and ?, of a-z, 0-9, '_', '.' and '-': " +
                         printable(glob, 64));
    if (glob.contains('.')) continue;
    const std::size_t first = std::min(glob.find_first_of(kWildcards), glob.size());
    const std::size_t last = glob.find_last_of(kWildcards);
    const std::string prefix = first == glob.size() ? std::string() : glob.substr(0, first);
    const std::string suffix = first == glob.size() ? std::string() : glob.substr(last + 1);
    if (prefix.size() >= kShortestPart) {
      change.prefixes.push_back(prefix);
    } else if (suffix.size() >= kShortestPart) {
      change.suffixes.push_back(suffix);
    } else {
      return failure(ExitCode::usage, "bad-value",
                     "--accounts " + printable(glob, 64) +
                         " fits names of users that a package may create: use a pattern with a "
                         "'.', such as *.*, or with at least " +
                         std::to_string(kShortestPart) +
                         " characters before or behind its star, such as web-*");
    }
  }
  for (const std::string& group : change.sudo_groups)
    if (!is_group_name(group))
      return failure(ExitCode::usage, "bad-value",
                     "--sudo-group takes names of Cognito groups: " + printable(group, 128));
  return change;
}

std::string accounts_file(std::string_view present, const AccountsChange& change) {
  std::vector<std::string> lines = lines_in(present);
  if (lines.empty()) lines.emplace_back("# Written by cognitoctl setup. See accounts.conf(5).");
  if (!change.pool.empty()) {
    set(lines, "accounts", "pool", {change.pool});
    // sshd knows this group before the sign-in, so AllowGroups can name it.
    set(lines, "groups", "cognito-users", {std::string(accounts::kEveryUser)});
  }
  set(lines, "accounts", "names", change.names);
  add(lines, "accounts", "prefixes", change.prefixes);
  add(lines, "accounts", "suffixes", change.suffixes);
  set(lines, "groups", "sudo", change.sudo_groups);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace pamcognito::cli
