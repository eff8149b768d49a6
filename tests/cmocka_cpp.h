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
#undef fail_msg  // it is made of `fail`
#define fail_msg(...)          \
  do {                         \
    print_error("ERROR: ");    \
    print_error(__VA_ARGS__);  \
    print_error("\n");         \
    _fail(__FILE__, __LINE__); \
  } while (0)

#include <string>
#include <string_view>

#include "common/outcome.h"

// Shows both texts when they differ, as assert_string_equal does for C strings.
inline void assert_text(std::string_view actual, std::string_view expected) {
  assert_string_equal(std::string(actual).c_str(), std::string(expected).c_str());
}

inline void assert_outcome(pamcognito::Outcome actual, pamcognito::Outcome expected) {
  assert_text(to_string(actual), to_string(expected));
}
