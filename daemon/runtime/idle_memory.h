#pragma once

namespace pamcognito::runtime {

// For a process that has nothing to do for a while. It returns free heap memory to the kernel and
// unmaps the code and constants of the program and its libraries. Those stay in the page cache, and
// the kernel maps each page again at its first use. The unmapping is needed for the budget of the
// idle daemon (PSS <= 10 MiB, tests/machine/unit_test.py): without it, the PSS after a sign-in on
// Debian 12 was 10,749 KiB.
void give_back_idle_memory();

}  // namespace pamcognito::runtime
