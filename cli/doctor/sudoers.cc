#include "cli/doctor/sudoers.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <sstream>
#include <string_view>

namespace pamcognito::cli {
namespace {

constexpr int kDeepest = 16;  // includes within includes; sudo's own bound is 128
constexpr int kMostFiles = 1000;

// Lines without comments, the continued ones joined. '#' begins no comment before a uid.
std::vector<std::string> lines_of_sudoers(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  std::string whole;
  for (std::string line; std::getline(in, line);) {
    for (std::size_t at = line.find('#'); at != std::string::npos; at = line.find('#', at + 1)) {
      const bool is_uid = at + 1 < line.size() && line[at + 1] >= '0' && line[at + 1] <= '9';
      const bool is_include = at == 0 && line.starts_with("#include");
      if (is_uid || is_include) continue;
      line.resize(at);
      break;
    }
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.pop_back();
    whole += line;
    if (goes_on) continue;
    if (whole.find_first_not_of(" \t\r") != std::string::npos) lines.push_back(whole);
    whole.clear();
  }
  return lines;
}

// The words of a list that commas separate.
std::vector<std::string> listed(std::string text) {
  for (char& c : text)
    if (c == ',') c = ' ';
  return words_of(text);
}

bool has_one_of(const std::vector<std::string>& words,
                const std::vector<std::string_view>& wanted) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    return std::ranges::find(wanted, word) != wanted.end();
  });
}

// [(USERS[:GROUPS])] [TAG:] COMMANDS
bool gives_root_everything(const std::string& what) {
  const std::size_t open = what.find('(');
  const std::size_t close = what.find(')');
  std::string commands = what;
  if (open != std::string::npos && close != std::string::npos && open < close) {
    const std::size_t end = std::min(close, what.find(':', open));
    if (!has_one_of(listed(what.substr(open + 1, end - open - 1)), {"ALL", "root", "#0"}))
      return false;
    commands = what.substr(close + 1);
  }
  // A tag may touch its command: NOPASSWD:ALL.
  std::ranges::replace(commands, ':', ' ');
  return has_one_of(listed(commands), {"ALL"});
}

class Reader {
 public:
  explicit Reader(const System& system) : system_(system) {}

  bool read(const std::string& path, int depth) {
    if (++files_ > kMostFiles) return false;
    const auto text = system_.read(path);
    if (!text) return false;
    for (const std::string& line : lines_of_sudoers(*text)) take(line, depth);
    return true;
  }

  // Aliases may be used before they are defined.
  Sudoers result() {
    Sudoers sudoers;
    sudoers.readable = true;
    for (const std::string& name : who_) add(name, 0, &sudoers);
    return sudoers;
  }

 private:
  void take(const std::string& line, int depth) {
    const std::vector<std::string> words = words_of(line);
    if (words.empty()) return;
    const std::string& first = words.front();
    if (first == "@include" || first == "#include" || first == "@includedir" ||
        first == "#includedir") {
      if (words.size() > 1 && depth < kDeepest) include(first, words[1], depth);
      return;
    }
    if (first.starts_with("Defaults") || first.ends_with("_Alias")) {
      if (first == "User_Alias") define(line.substr(line.find(first) + first.size()));
      return;
    }
    rule(line);
  }

  void include(const std::string& how, const std::string& where, int depth) {
    const std::string path = where.starts_with('/') ? where : "/etc/" + where;
    if (!how.ends_with("dir")) {
      (void)read(path, depth + 1);
      return;
    }
    for (const std::string& name : system_.list(path))
      if (!name.contains('.') && !name.ends_with('~')) (void)read(path + "/" + name, depth + 1);
  }

  // NAME = a, b : NAME = c
  void define(const std::string& text) {
    std::istringstream in(text);
    for (std::string one; std::getline(in, one, ':');) {
      const std::size_t equals = one.find('=');
      if (equals == std::string::npos) continue;
      const std::vector<std::string> name = words_of(one.substr(0, equals));
      if (name.size() == 1) aliases_[name.front()] = listed(one.substr(equals + 1));
    }
  }

  // WHO[, WHO] HOSTS = [(RUNAS)] [TAG:] COMMANDS
  void rule(const std::string& line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) return;
    if (!gives_root_everything(line.substr(equals + 1))) return;
    std::string who = line.substr(0, equals);
    // The hosts are the last word; a list may have blanks after its commas.
    who.erase(who.find_last_not_of(" \t") + 1);
    const std::size_t hosts = who.find_last_of(" \t");
    if (hosts == std::string::npos) return;
    for (const std::string& name : listed(who.substr(0, hosts))) who_.push_back(name);
  }

  void add(const std::string& name, int depth, Sudoers* sudoers) const {
    const auto alias = aliases_.find(name);
    if (name == "ALL") {
      sudoers->everybody = true;
    } else if (alias != aliases_.end()) {
      if (depth == kDeepest) return;
      for (const std::string& each : alias->second) add(each, depth + 1, sudoers);
    } else if (name.starts_with('%')) {
      sudoers->groups.push_back(name.substr(1));
    } else if (!name.starts_with('!') && !name.starts_with('+')) {
      sudoers->users.push_back(name);
    }
  }

  const System& system_;
  int files_ = 0;
  std::vector<std::string> who_;
  std::map<std::string, std::vector<std::string>> aliases_;
};

}  // namespace

Sudoers read_sudoers(const System& system) {
  Reader reader(system);
  if (!reader.read("/etc/sudoers", 0)) return {};
  return reader.result();
}

}  // namespace pamcognito::cli
