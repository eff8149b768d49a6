#include "daemon/sessions/address_users.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "tests/cmocka_cpp.h"

namespace {

using pamcognito::runtime::BootTime;
using pamcognito::sessions::AddressUsers;
using std::chrono::seconds;

constexpr seconds kHour{3600};

BootTime at(long second) {
  return BootTime(seconds(100'000 + second));
}

void sign_in(AddressUsers& users, const std::string& address, const std::string& user,
             long second) {
  users.signed_in(address, user, at(second), kHour, at(second));
}

void users_are_counted_once(void**) {
  AddressUsers users;
  assert_true(users.users("192.0.2.7", kHour, at(0)) == std::nullopt);
  sign_in(users, "192.0.2.7", "alice", 0);
  sign_in(users, "192.0.2.7", "alice", 1);
  assert_true(users.users("192.0.2.7", kHour, at(1)) == 1);
  sign_in(users, "192.0.2.7", "bob", 2);
  sign_in(users, "192.0.2.7", "carol", 3);
  assert_true(users.users("192.0.2.7", kHour, at(3)) == 3);
  assert_true(users.users("192.0.2.8", kHour, at(3)) == std::nullopt);
}

void only_the_newest_count_within_the_time(void**) {
  AddressUsers users;
  for (int i = 0; i < 100; ++i) sign_in(users, "192.0.2.7", "user" + std::to_string(i), i);
  assert_true(users.users("192.0.2.7", kHour, at(100)) == AddressUsers::kMaxUsers);
  // The third newest signed in at 97.
  assert_true(users.users("192.0.2.7", seconds(10), at(106)) == 3);
  assert_true(users.users("192.0.2.7", seconds(10), at(107)) == 2);
  assert_true(users.users("192.0.2.7", kHour, at(99 + 3600)) == 0);
  // A clock that went back.
  assert_true(users.users("192.0.2.7", kHour, at(98)) == 2);
}

void an_old_sign_in_is_forgotten(void**) {
  AddressUsers users;
  sign_in(users, "192.0.2.7", "alice", 0);
  sign_in(users, "192.0.2.8", "bob", 3599);
  assert_int_equal(users.size(), 2);
  sign_in(users, "192.0.2.8", "bob", 3600);
  assert_int_equal(users.size(), 1);
  assert_true(users.users("192.0.2.7", kHour, at(3600)) == std::nullopt);
}

void a_users_addresses_are_bounded(void**) {
  AddressUsers users;
  for (std::size_t i = 0; i < 100; ++i)
    sign_in(users, "2001:db8::" + std::to_string(i), "mallory", 0);
  assert_int_equal(users.size(), AddressUsers::kMaxOfUser);
  // A new address is not known, so it counts for nothing; an address that is known is still shared.
  assert_true(users.users("2001:db8::99", kHour, at(0)) == std::nullopt);
  sign_in(users, "192.0.2.7", "alice", 0);
  sign_in(users, "192.0.2.7", "mallory", 0);
  assert_true(users.users("192.0.2.7", kHour, at(0)) == 2);
}

void a_full_table_takes_no_new_address(void**) {
  AddressUsers users;
  for (std::size_t i = 0; i < AddressUsers::kMaxAddresses + 10; ++i)
    sign_in(users, "address " + std::to_string(i), "user" + std::to_string(i), 0);
  assert_int_equal(users.size(), AddressUsers::kMaxAddresses);
  sign_in(users, "192.0.2.7", "alice", 1);
  assert_true(users.users("192.0.2.7", kHour, at(1)) == std::nullopt);
  sign_in(users, "192.0.2.7", "alice", 3600);
  assert_true(users.users("192.0.2.7", kHour, at(3600)) == 1);
}

void no_address_is_none(void**) {
  AddressUsers users;
  sign_in(users, "", "alice", 0);
  assert_int_equal(users.size(), 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(users_are_counted_once),
      cmocka_unit_test(only_the_newest_count_within_the_time),
      cmocka_unit_test(an_old_sign_in_is_forgotten),
      cmocka_unit_test(a_users_addresses_are_bounded),
      cmocka_unit_test(a_full_table_takes_no_new_address),
      cmocka_unit_test(no_address_is_none),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
