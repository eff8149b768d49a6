#include "daemon/limits/origin.h"

#include <array>
#include <string>
#include <string_view>

#include "tests/cmocka_cpp.h"

namespace {

using pamcognito::limits::literal_address;
using pamcognito::limits::Origin;

struct Case {
  std::string_view rhost;
  const char* key;
};

constexpr std::array kCases = {
    Case{"192.0.2.1", "host:192.0.2.1/32"},
    Case{"192.0.2.255", "host:192.0.2.255/32"},
    Case{"2001:db8::1", "host:2001:db8::/64"},
    Case{"2001:DB8:0:0:ffff:1:2:3", "host:2001:db8::/64"},
    Case{"2001:db8:0:1::1", "host:2001:db8:0:1::/64"},
    Case{"fe80::1%eth0", "host:fe80::/64"},
    Case{"fe80::2%2", "host:fe80::/64"},
    Case{"::1", "host:::/64"},
    Case{"::ffff:192.0.2.1", "host:192.0.2.1/32"},
    Case{"", "local"},
    Case{"localhost", "host:unnamed"},
    Case{"pc.example.com", "host:unnamed"},
    Case{"192.0.2", "host:unnamed"},
    Case{"192.0.2.1 ", "host:unnamed"},
    Case{" 192.0.2.1", "host:unnamed"},
    Case{"192.0.2.1%eth0", "host:unnamed"},
    Case{"192.0.2.1/8", "host:unnamed"},
    Case{"[2001:db8::1]", "host:unnamed"},
    Case{"0xc0.0.2.1", "host:unnamed"},
    Case{"3221225985", "host:unnamed"},
    Case{":0", "local"},
    Case{":10", "unknown"},
    Case{"%", "host:unnamed"},
    Case{std::string_view("192.0.2.1\0x", 11), "host:unnamed"},
    Case{"2001:db8:2001:db8:2001:db8:2001:db8:2001:db8:2001:db8", "host:unnamed"},
};

void only_literal_addresses_are_hosts(void**) {
  for (const Case& c : kCases) {
    const Origin origin = Origin::of_host(c.rhost);
    assert_string_equal(origin.key().c_str(), c.key);
    assert_int_equal(origin.is_remote(), std::string_view(c.key).starts_with("host:"));
    assert_false(origin.is_uid());
  }
}

void only_consoles_and_displays_are_seats(void**) {
  for (const char* seat : {"tty1", "/dev/tty7", "ttyS0", "/dev/ttyAMA0", "ttyUSB1", "hvc0",
                           "console", "/dev/console", ":0"})
    assert_true(pamcognito::limits::is_seat_terminal(seat));
  for (const char* none :
       {"", "pts/0", "/dev/pts/3", "ssh", "cron", "xrdp-sesman", "tty", "tty1x", "/dev/", ":",
        ":0.0", ":1", ":10", "host:0", "console1", "/dev//dev/tty1", "TTY1"})
    assert_false(pamcognito::limits::is_seat_terminal(none));
}

// An attacker who controls a reverse zone chooses the name of a host.
void a_named_host_is_never_known(void**) {
  assert_false(Origin::of_host("localhost").may_become_known());
  assert_true(Origin::of_host("192.0.2.1").may_become_known());
  assert_true(Origin::of_uid(1000).may_become_known());
  assert_true(Origin::local().may_become_known());
  assert_false(Origin::unknown().may_become_known());
}

void others_may_be_where_a_host_is_or_nothing_is_known(void**) {
  for (const Origin& origin :
       {Origin::unknown(), Origin::of_host("192.0.2.1"), Origin::of_host("desk")})
    assert_true(origin.is_shared());
  assert_false(Origin::local().is_shared());
  assert_false(Origin::of_uid(1000).is_shared());
  assert_false(Origin::unknown() == Origin::local());
  assert_false(Origin::unknown().is_remote());
}

void a_uid_is_an_origin_but_root_is_this_machine(void**) {
  assert_string_equal(Origin::of_uid(1000).key().c_str(), "uid:1000");
  assert_true(Origin::of_uid(1000).is_uid());
  assert_false(Origin::of_uid(1000).is_remote());
  assert_true(Origin::of_uid(0) == Origin::local());
}

void a_key_gives_its_origin_back(void**) {
  for (const Origin& origin :
       {Origin::local(), Origin::unknown(), Origin::of_uid(1000), Origin::of_host("192.0.2.1"),
        Origin::of_host("2001:db8::1"), Origin::of_host("desk")})
    assert_true(Origin::of_key(origin.key()) == origin);
  for (const char* none : {"", "Local", "local ", "192.0.2.1/32", "uid"})
    assert_false(Origin::of_key(none).has_value());
}

void addresses_of_one_network_are_one_origin(void**) {
  assert_true(Origin::of_host("2001:db8::1") == Origin::of_host("2001:db8::ffff:2"));
  assert_false(Origin::of_host("2001:db8::1") == Origin::of_host("2001:db8:0:1::1"));
  assert_false(Origin::of_host("192.0.2.1") == Origin::of_host("192.0.2.2"));
}

void only_a_literal_address_is_one(void**) {
  assert_text(literal_address("192.0.2.7"), "192.0.2.7");
  assert_text(literal_address("2001:DB8:0::7"), "2001:db8::7");
  assert_text(literal_address("fe80::1%eth0"), "fe80::1");
  assert_text(literal_address("::ffff:192.0.2.7"), "192.0.2.7");
  for (const char* none : {"", "host.example", "192.0.2.7%eth0", "192.0.2", "192.0.2.7 ", ":0",
                           "[2001:db8::7]", "192.0.2.7/32"})
    assert_text(literal_address(none), "");
}

void the_network_is_what_one_attacker_may_have(void**) {
  assert_text(Origin::of_host("192.0.2.7").network(), "192.0.2.0/24");
  assert_text(Origin::of_host("::ffff:192.0.2.7").network(), "192.0.2.0/24");
  assert_text(Origin::of_host("2001:db8:1:2:3::4").network(), "2001:db8:1:2::/64");
  assert_text(Origin::of_host("host.example").network(), "host:unnamed");
  assert_text(Origin::local().network(), "local");
  assert_text(Origin::unknown().network(), "unknown");
  assert_text(Origin::of_uid(1000).network(), "uid:1000");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(only_literal_addresses_are_hosts),
      cmocka_unit_test(only_a_literal_address_is_one),
      cmocka_unit_test(only_consoles_and_displays_are_seats),
      cmocka_unit_test(others_may_be_where_a_host_is_or_nothing_is_known),
      cmocka_unit_test(a_named_host_is_never_known),
      cmocka_unit_test(a_uid_is_an_origin_but_root_is_this_machine),
      cmocka_unit_test(a_key_gives_its_origin_back),
      cmocka_unit_test(addresses_of_one_network_are_one_origin),
      cmocka_unit_test(the_network_is_what_one_attacker_may_have),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
