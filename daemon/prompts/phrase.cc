#include "daemon/prompts/phrase.h"

#include <algorithm>

#include "common/text.h"

namespace pamcognito::prompts {
namespace {

constexpr std::size_t kPlaceholderSize = 3;  // {1}

// The number of the placeholder that `text` begins with; 0: it begins with none.
std::size_t placeholder_at(std::string_view text) {
  if (text.size() < kPlaceholderSize || text[0] != '{' || text[2] != '}') return 0;
  return text[1] >= '1' && text[1] <= '9' ? static_cast<std::size_t>(text[1] - '0') : 0;
}

}  // namespace

std::string fill(std::string_view text, std::initializer_list<std::string_view> values) {
  std::string filled;
  while (!text.empty()) {
    const std::size_t number = placeholder_at(text);
    if (number == 0 || number > values.size()) {
      filled += text.front();
      text.remove_prefix(1);
      continue;
    }
    filled += values.begin()[number - 1];
    text.remove_prefix(kPlaceholderSize);
  }
  return filled;
}

std::string one_line(std::string_view foreign, std::size_t max_bytes, char for_newline) {
  std::string text(foreign);
  std::ranges::replace(text, '\n', for_newline);
  return printable(text, max_bytes);
}

}  // namespace pamcognito::prompts
