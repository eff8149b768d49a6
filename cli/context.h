#pragma once

#include <string>

#include "cli/output.h"
#include "cli/terminal.h"

namespace pamcognito::cli {

// What every command works with. References outlive the command.
struct Context {
  const Output& out;
  const Terminal& terminal;
  std::string root;  // prefix of every file that doctor and setup read; empty: this machine
};

}  // namespace pamcognito::cli
