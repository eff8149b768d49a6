#include <cstddef>
#include <string>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/sessions/keeper_world.h"

namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using sessions::Revocations;
using Revoked = std::vector<std::string>;

cognito::RefreshProof with_device() {
  cognito::RefreshProof proof;
  proof.refresh_token = "token";
  proof.username = "alice";
  proof.device_key = "device";
  return proof;
}

std::string operations(const KeeperWorld& world) {
  std::string all;
  for (const PoolCall& call : world.pool.calls) all += (all.empty() ? "" : ", ") + call.operation;
  return all;
}

void a_token_is_revoked(void**) {
  KeeperWorld world;
  world.revocations.add(world.pool_pointer(), "token");
  world.drain();
  assert_text(operations(world), "revoke");
  assert_true((world.revoked() == Revoked{"token"}));
}

void a_device_is_forgotten_first(void**) {
  KeeperWorld world;
  world.revocations.add(world.pool_pointer(), with_device());
  world.drain();
  assert_text(operations(world), "refresh, forget_device, revoke");
  assert_text(world.pool.calls[0].values.at("device_key"), "device");
  assert_text(world.pool.calls[0].values.at("refresh_token"), "token");
  assert_text(world.pool.calls[1].values.at("access_token"), "access of alice");
  assert_text(world.pool.calls[1].values.at("device_key"), "device");
  assert_true((world.revoked() == Revoked{"token"}));
}

void the_rotated_token_is_the_one_to_revoke(void**) {
  KeeperWorld world;
  world.pool.rotated_token = "rotated";
  world.revocations.add(world.pool_pointer(), with_device());
  world.drain();
  assert_true((world.revoked() == Revoked{"rotated"}));
}

void a_device_that_stays_does_not_hold_it_up(void**) {
  for (const char* operation : {"refresh", "forget_device"}) {
    KeeperWorld world;
    world.pool.fail(operation, ErrorKind::not_authorized);
    world.revocations.add(world.pool_pointer(), with_device());
    world.drain();
    assert_true((world.revoked() == Revoked{"token"}));
  }
}

void so_many_at_once_and_so_many_wait(void**) {
  KeeperWorld world;
  world.hold("revoke");
  constexpr std::size_t all = Revocations::kMaxAtOnce + Revocations::kMaxWaiting;
  for (std::size_t i = 0; i < all + 5; ++i)
    world.revocations.add(world.pool_pointer(), std::to_string(i));
  bool idle = false;
  world.revocations.when_idle([&idle] { idle = true; });
  world.drain();
  assert_int_equal(world.calls_of("revoke"), Revocations::kMaxAtOnce);
  assert_false(idle);
  world.release("revoke");
  assert_int_equal(world.calls_of("revoke"), all);
  assert_true(idle);
  assert_text(world.revoked().back(), std::to_string(all - 1));
}

void idle_at_once(void**) {
  KeeperWorld world;
  bool idle = false;
  world.revocations.when_idle([&idle] { idle = true; });
  assert_false(idle);
  world.drain();
  assert_true(idle);
}

void a_failure_is_no_reason_to_wait(void**) {
  KeeperWorld world;
  world.pool.fail("revoke", ErrorKind::timed_out);
  world.revocations.add(world.pool_pointer(), "token");
  bool idle = false;
  world.revocations.when_idle([&idle] { idle = true; });
  world.drain();
  assert_true(idle);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_token_is_revoked),
      cmocka_unit_test(a_device_is_forgotten_first),
      cmocka_unit_test(the_rotated_token_is_the_one_to_revoke),
      cmocka_unit_test(a_device_that_stays_does_not_hold_it_up),
      cmocka_unit_test(so_many_at_once_and_so_many_wait),
      cmocka_unit_test(idle_at_once),
      cmocka_unit_test(a_failure_is_no_reason_to_wait),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
