#pragma once

#include <string>

#include "cli/output.h"
#include "cli/terminal.h"

namespace pamcognito::cli {

// The objects that every command uses. References outlive the command.
struct Context {
  const Output& out;
  const Terminal& terminal;
  std::string root;  // prefix of every file that doctor and setup read; empty: this machine
};

}  // namespace pamcognito::cli
