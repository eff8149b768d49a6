#pragma once

#include <string>
#include <string_view>

#include "tests/module/host.h"

// cmocka.h needs these first, and C linkage.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace pamcognito::test {

// Compares by name, so that a failure is readable.
inline void assert_code(int actual, int expected) {
  assert_string_equal(code_name(actual), code_name(expected));
}

inline void assert_text(std::string_view actual, std::string_view expected) {
  assert_string_equal(std::string(actual).c_str(), std::string(expected).c_str());
}

}  // namespace pamcognito::test
