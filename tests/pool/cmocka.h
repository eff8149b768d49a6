#pragma once

// cmocka.h neither includes what it needs nor declares its linkage.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}
// clang-format on
#undef fail  // members of the standard library have these names
#undef skip

#include <string>

// Shows both texts when they differ.
inline void assert_text(const std::string& actual, const std::string& expected) {
  assert_string_equal(actual.c_str(), expected.c_str());
}

// Ends the test as failed, with a word on why.
inline void fail_with(const std::string& why) {
  print_error("%s\n", why.c_str());
  _fail(__FILE__, __LINE__);
}
