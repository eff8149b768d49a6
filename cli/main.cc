#include <cstdio>
#include <exception>

#include "cli/arguments.h"
#include "cli/context.h"
#include "cli/output.h"
#include "cli/root_directory.h"
#include "cli/terminal.h"

int main(int argc, char** argv) try {
  using namespace pamcognito::cli;
  const auto arguments = parse_arguments(argc, argv);
  if (!arguments) return static_cast<int>(arguments.error());
  const bool colour = arguments->colour == Colour::always ||
                      (arguments->colour == Colour::automatic && output_wants_colour());
  const Output out({.json = arguments->json,
                    .json_pretty = arguments->json_pretty,
                    .colour = colour && !arguments->json,
                    .command_line = arguments->command_line});
  if (const auto fault = find_root_fault(arguments->root))
    return static_cast<int>(out.fail(*fault));
  const Terminal terminal;
  return static_cast<int>(arguments->command({out, terminal, arguments->root}));
} catch (const std::exception& error) {
  (void)std::fprintf(stderr, "cognitoctl: %s\n", error.what());
  return 1;
}
