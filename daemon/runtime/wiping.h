#pragma once

namespace pamcognito::runtime {

// Linking this object replaces operator new and delete: every block is overwritten before it goes
// back to malloc. So what std::string, jsoncpp and coroutine frames held does not stay readable.

// Does the same for libcurl and OpenSSL. Call it first thing in main(), before either has allocated
// anything; false: too late, or libcurl failed to start. Also initialises libcurl for the process.
bool install_wiping_allocators();

// Overwrites the stack below the caller's frame, where calls that have returned left their copies
// of passwords and codes (64 KiB; deeper calls are rare).
void wipe_stack() noexcept;

}  // namespace pamcognito::runtime
