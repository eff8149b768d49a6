#pragma once

namespace pamcognito::runtime {

// For a process that has nothing to do for a while. Free memory of the heap goes back to the
// kernel, and what is mapped of programs and libraries is unmapped: it stays in the kernel's page
// cache, and whatever is used again is mapped again at its first use.
void give_back_idle_memory();

}  // namespace pamcognito::runtime
