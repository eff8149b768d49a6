#pragma once

#include <functional>
#include <vector>

#include "tests/cli/machine.h"

namespace pamcognito::test {

// A fault that is planted in a machine without faults, and the finding of doctor that names it.
struct Planted {
  const char* name;
  std::function<void(Machine&)> plant;
  const char* id;
  cli::State state;
};

const std::vector<Planted>& all_planted();

}  // namespace pamcognito::test
