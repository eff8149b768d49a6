#include "pam/options.h"

#include <string_view>

#include "common/text.h"

namespace pamcognito::pam {

Options parse_options(std::span<const char* const> arguments) {
  constexpr std::size_t logged_bytes = 64;
  Options options;
  for (const std::string_view argument : arguments) {
    if (argument == "use_first_pass") {
      options.first_pass = FirstPass::must;
    } else if (argument == "try_first_pass") {
      options.first_pass = FirstPass::may;
    } else if (argument == "debug") {
      options.debug = true;
    } else if (options.unknown.empty()) {
      options.unknown = "'" + printable(argument, logged_bytes) + "'";
    }
  }
  return options;
}

}  // namespace pamcognito::pam
