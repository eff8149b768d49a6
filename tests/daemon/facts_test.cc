#include "daemon/bus/facts.h"

#include <string>

#include "tests/cmocka_cpp.h"

namespace {

using pamcognito::bus::literal_address;

void only_a_literal_address_is_one(void**) {
  assert_text(literal_address("192.0.2.7"), "192.0.2.7");
  assert_text(literal_address("2001:DB8:0::7"), "2001:db8::7");
  assert_text(literal_address("fe80::1%eth0"), "fe80::1");
  assert_text(literal_address("::ffff:192.0.2.7"), "192.0.2.7");
  for (const char* none : {"", "host.example", "192.0.2.7%eth0", "192.0.2", "192.0.2.7 ", ":0",
                           "[2001:db8::7]", "192.0.2.7/32"})
    assert_text(literal_address(none), "");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(only_a_literal_address_is_one),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
