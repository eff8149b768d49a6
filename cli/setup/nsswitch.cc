#include "cli/setup/nsswitch.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace pamcognito::cli {
namespace {

constexpr std::string_view kService = "cognitod";
constexpr std::string_view kMerge = "[SUCCESS=merge]";
constexpr std::string_view kBlanks = " \t\r\f\v";
constexpr std::array<std::string_view, 2> kDatabases = {"passwd", "group"};

// A service, or an action with its brackets: its place in the line.
struct Word {
  std::size_t begin;
  std::size_t end;
  std::string_view text;
};

// The words of the line behind its database, up to a comment. Empty: a line of another database.
std::vector<Word> words_in(std::string_view line, std::string_view database) {
  line = line.substr(0, line.find('#'));
  const std::size_t start = std::min(line.find_first_not_of(kBlanks), line.size());
  const std::string_view rest = line.substr(start);
  if (!rest.starts_with(database) || !rest.substr(database.size()).starts_with(':')) return {};
  std::vector<Word> words;
  std::size_t at = start + database.size() + 1;
  while ((at = line.find_first_not_of(kBlanks, at)) != std::string_view::npos) {
    std::size_t end = 0;
    if (line[at] == '[') {
      const std::size_t close = line.find(']', at);
      end = close == std::string_view::npos ? line.size() : close + 1;
    } else {
      end = std::min(line.find_first_of(" \t\r\f\v[", at), line.size());
    }
    words.push_back({at, end, line.substr(at, end - at)});
    at = end;
  }
  return words;
}

bool has_service(const std::vector<Word>& words) {
  return std::ranges::find(words, kService, &Word::text) != words.end();
}

// The line with the service; as it was if the service does not fit in.
std::string with_service(std::string_view line, std::string_view database) {
  std::string changed(line);
  const std::vector<Word> words = words_in(line, database);
  if (has_service(words)) return changed;
  for (std::size_t i = words.size(); i-- > 0;) {
    if (words[i].text != "files" && words[i].text != "compat") continue;
    const bool merges = database == "group";
    const bool has_action = i + 1 < words.size() && words[i + 1].text.starts_with('[');
    if (!has_action)
      return changed.insert(words[i].end, merges ? " [SUCCESS=merge] cognitod" : " cognitod");
    if (merges && words[i + 1].text == kMerge)
      return changed.insert(words[i + 1].end, " cognitod [SUCCESS=merge]");
    return changed;
  }
  return changed;
}

// Calls take(line) for each line, without its end. The last one need not have an end.
template <class Take>
void for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const bool is_ended = end < text.size();
    take(text.substr(0, end), is_ended);
    text.remove_prefix(end + (is_ended ? 1 : 0));
  }
}

}  // namespace

std::vector<std::string> nsswitch_words(std::string_view text, std::string_view database) {
  std::vector<std::string> found;
  for_each_line(text, [&](std::string_view line, bool) {
    if (!found.empty()) return;
    for (const Word& word : words_in(line, database)) found.emplace_back(word.text);
  });
  return found;
}

NsswitchEdit add_to_nsswitch(std::string_view text) {
  NsswitchEdit edit;
  for_each_line(text, [&](std::string_view line, bool is_ended) {
    std::string changed(line);
    for (const std::string_view database : kDatabases) changed = with_service(changed, database);
    edit.text += changed;
    if (is_ended) edit.text += '\n';
  });
  for (const std::string_view database : kDatabases) {
    const std::vector<std::string> words = nsswitch_words(edit.text, database);
    if (std::ranges::find(words, kService) == words.end()) edit.lacking.emplace_back(database);
  }
  return edit;
}

}  // namespace pamcognito::cli
