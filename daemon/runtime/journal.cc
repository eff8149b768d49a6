#include "daemon/runtime/journal.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "common/text.h"

// Without this, sd_journal_sendv would add the place in this file to every line.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

namespace pamcognito::runtime {
namespace {

constexpr std::size_t kMaxMessage = 1024;
constexpr std::size_t kMaxValue = 2048;  // a long sign-in's calls
constexpr std::size_t kMaxFields = 16;

Level lowest_level = Level::info;

bool journal_listens() {
  static const bool listens = ::access("/run/systemd/journal/socket", W_OK) == 0;
  return listens;
}

void to_journal(Level level, const std::string& message,
                std::initializer_list<JournalField> fields) {
  std::array<std::string, kMaxFields + 2> lines;
  std::size_t count = 0;
  lines[count++] = "MESSAGE=" + message;
  lines[count++] = "PRIORITY=" + std::to_string(static_cast<int>(level));
  for (const auto& field : fields) {
    if (count == lines.size()) break;
    lines[count++] =
        "PAM_COGNITO_" + std::string(field.name) + "=" + printable(field.value, kMaxValue);
  }
  std::array<iovec, kMaxFields + 2> parts{};
  for (std::size_t i = 0; i < count; ++i) parts[i] = {lines[i].data(), lines[i].size()};
  (void)sd_journal_sendv(parts.data(), static_cast<int>(count));
}

void to_standard_error(Level level, const std::string& message,
                       std::initializer_list<JournalField> fields) {
  std::string line = "<" + std::to_string(static_cast<int>(level)) + ">cognitod: " + message;
  for (const auto& field : fields)
    line += " " + std::string(field.name) + "=" + printable(field.value, kMaxValue);
  std::ranges::replace(line, '\n', ' ');
  line += '\n';
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

void set_log_level(Level level) {
  lowest_level = level;
}

void log(Level level, std::string_view message, std::initializer_list<JournalField> fields) {
  if (level > lowest_level) return;
  std::string text = printable(message, kMaxMessage);
  std::ranges::replace(text, '\n', ' ');
  if (journal_listens())
    to_journal(level, text, fields);
  else
    to_standard_error(level, text, fields);
}

}  // namespace pamcognito::runtime
