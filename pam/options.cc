#include "pam/options.h"

#include <cstddef>
#include <string_view>

#include "common/text.h"

namespace pamcognito::pam {
namespace {

// False: `argument` names no task, or a second one.
bool set_task(Options* options, std::string_view argument) {
  if (options->task != Task::decide) return false;
  if (argument == "route") options->task = Task::route;
  if (argument == "emergency") options->task = Task::emergency;
  return options->task != Task::decide;
}

}  // namespace

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
    } else if (!set_task(&options, argument) && options.unknown.empty()) {
      options.unknown = "'" + printable(argument, logged_bytes) + "'";
    }
  }
  return options;
}

}  // namespace pamcognito::pam
