#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

#include "cli/context.h"
#include "cli/failure.h"

namespace pamcognito::cli {

enum class Colour : std::uint8_t { automatic, always, never };

struct Arguments {
  std::function<ExitCode(const Context&)> command;  // the one that was chosen, with its options
  bool json = false;
  bool json_pretty = false;
  std::string command_line;  // "cognitoctl identity list", for messages
  Colour colour = Colour::automatic;
  std::string root;  // --root: doctor and setup look at a tree instead of this machine
};

// Parses the command line. The error: nothing is to be run, because help or version was shown, or
// because the command line is wrong, which standard error has explained.
std::expected<Arguments, ExitCode> parse_arguments(int argc, char** argv);

}  // namespace pamcognito::cli
