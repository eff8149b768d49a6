#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace pamcognito::runtime {

enum class Level : std::uint8_t { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

// A structured journal field: the name without the prefix PAM_COGNITO_, in capitals.
struct JournalField {
  std::string_view name;
  std::string_view value;
};

// One line to the journal, or to standard error where no journal listens (then the fields follow
// the message as NAME=value). Foreign text in message or values is made printable here, and cut.
void log(Level level, std::string_view message, std::initializer_list<JournalField> fields = {});

// Lines below this level are dropped. Default: info.
void set_log_level(Level level);

}  // namespace pamcognito::runtime
