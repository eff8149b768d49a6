#pragma once

#include <cstddef>
#include <span>

#include "tests/sign_in/scripted.h"

namespace pamcognito::test {

// One whole sign-in that succeeds: a row of the tables of challenges, exceptions and policy. Person
// and pool are scripted with exactly what it takes, so a change of one call or answer shows what
// becomes of the rest.
struct Scenario {
  const char* row;
  void (*prepare)(World& world);
  const char* operations;  // all of its calls
  // The call with which the second factor is given: tokens that come before it let nobody in.
  std::size_t factor_call;
};

std::span<const Scenario> scenarios();

}  // namespace pamcognito::test
