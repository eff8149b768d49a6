#include "daemon/sessions/recent_sign_ins.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::sessions;
using pamcognito::SignInId;
using pamcognito::runtime::BootTime;
using std::chrono::seconds;

BootTime at(long second) {
  return BootTime(seconds(second));
}

SignInId id(unsigned number) {
  SignInId id{};
  for (std::size_t i = 0; i < 4; ++i) id[i] = static_cast<std::uint8_t>(number >> (8 * i));
  id.back() = 1;
  return id;
}

VerifiedIdentity facts(const char* group, long second) {
  VerifiedIdentity facts;
  facts.sub = "sub";
  facts.groups = {group};
  facts.verified = at(second);
  return facts;
}

void a_sign_in_is_its_users_and_services(void**) {
  RecentSignIns store;
  store.remember(id(1), "alice", "sshd", facts("g1", 0));
  assert_string_equal(store.find(id(1), "alice", "sshd", at(1))->groups[0].c_str(), "g1");
  assert_false(store.find(id(2), "alice", "sshd", at(1)).has_value());
  assert_false(store.find(SignInId{}, "alice", "sshd", at(1)).has_value());
  assert_false(store.find(id(1), "bob", "sshd", at(1)).has_value());
  assert_false(store.find(id(1), "alice", "sudo", at(1)).has_value());
}

void a_sign_in_is_remembered_for_ten_minutes(void**) {
  RecentSignIns store;
  store.remember(id(1), "alice", "sshd", facts("g1", 0));
  assert_true(store.find(id(1), "alice", "sshd", at(600)).has_value());
  assert_false(store.find(id(1), "alice", "sshd", at(601)).has_value());
}

// Each keeps its own: the groups may have changed in between.
void two_sign_ins_of_a_user(void**) {
  RecentSignIns store;
  store.remember(id(1), "alice", "sshd", facts("old", 0));
  store.remember(id(2), "alice", "sudo", facts("new", 100));
  assert_string_equal(store.find(id(1), "alice", "sshd", at(150))->groups[0].c_str(), "old");
  assert_string_equal(store.find(id(2), "alice", "sudo", at(150))->groups[0].c_str(), "new");
}

void the_oldest_sign_in_goes_first(void**) {
  RecentSignIns store;
  for (unsigned i = 0; i <= RecentSignIns::kMaxSignIns; ++i) {
    store.remember(id(i), "alice", "sshd", facts("g", 0));
  }
  assert_false(store.find(id(0), "alice", "sshd", at(1)).has_value());
  assert_true(store.find(id(1), "alice", "sshd", at(1)).has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_sign_in_is_its_users_and_services),
      cmocka_unit_test(a_sign_in_is_remembered_for_ten_minutes),
      cmocka_unit_test(two_sign_ins_of_a_user),
      cmocka_unit_test(the_oldest_sign_in_goes_first),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
