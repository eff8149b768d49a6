#pragma once

#include <atomic>

// Functions of the C library that stand before its own, and do as a test says.
namespace pamcognito::test {

// Certificate bundles that libcrypto has opened: it reads them by fopen64().
inline std::atomic<int> bundles_opened = 0;

// The resolver does not answer for slow.example.com until it is let go; for unknown.example.com it
// fails at once.
inline std::atomic<int> waiting_for_name = 0;
inline std::atomic<bool> name_is_known = false;

// What connect(), bind() and sendto() fail with instead of doing anything; 0: they do what they are
// for.
inline std::atomic<int> connect_error = 0;
inline std::atomic<int> bind_error = 0;
inline std::atomic<int> sendto_error = 0;

}  // namespace pamcognito::test
