#pragma once

#include <atomic>

// Functions of the C library that replace its own, and fail as a test wants.
namespace pamcognito::test {

// Certificate bundles that libcrypto has opened: it reads them by fopen64().
inline std::atomic<int> bundles_opened = 0;

// The resolver does not answer for slow.example.com until it is let go; for unknown.example.com it
// fails at once.
inline std::atomic<int> waiting_for_name = 0;
inline std::atomic<bool> name_is_known = false;

// The errors with which connect(), bind() and sendto() fail at once; 0: they work.
inline std::atomic<int> connect_error = 0;
inline std::atomic<int> bind_error = 0;
inline std::atomic<int> sendto_error = 0;

}  // namespace pamcognito::test
