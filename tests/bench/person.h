#pragma once

#include <sys/types.h>

#include "tests/daemon/stage.h"

namespace pamcognito::bench {

// The times of one sign-in with password and TOTP, in microseconds, seen from the host program.
struct Taken {
  double cpu = 0;           // of the process that holds the module
  double first_prompt = 0;  // from pam_authenticate to the password prompt
  double felt = 0;          // from Enter on the password to the code prompt
};

// A full sign-in of alice through libpam and the module. The person needs `typing_ms` for the
// password. Throws Failed unless it ends in PAM_SUCCESS.
Taken sign_in(test::Pool* pool, long typing_ms = 0);

// The pool as the benchmarks want it: a TOTP code may be used again, nothing locks.
void relax(test::Pool* pool);

// A warm connection, keys fetched, key pairs in stock, tables allocated.
void warm_up(test::Pool* pool, pid_t daemon);

}  // namespace pamcognito::bench
