#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/sessions/keeper_world.h"

// The background work for a session: its password verifier, and its device.
namespace pamcognito::test {
namespace {

using cognito::AccountVerdict;
using cognito::ErrorKind;
using Revoked = std::vector<std::string>;

struct PasswordWorld : KeeperWorld {
  PasswordWorld() { config->services["sudo"].reauth = policy::Reauth::password; }

  SignInId keep_with(const std::string& password) {
    SignIn sign_in;
    sign_in.password = password;
    const SignInId id = keep(sign_in);
    run_until([&] { return keeper->find(id)->verifier.has_value(); });
    return id;
  }
  std::optional<bool> check(const SignInId& id, const char* password) {
    const Secret typed = std::move(*Secret::copy_of(password));
    return wait(keeper->check_password(id, &typed));
  }
};

KeeperWorld::SignIn with_device() {
  KeeperWorld::SignIn sign_in;
  sign_in.device_key = "eu-west-1_device";
  return sign_in;
}

void the_password_is_told_from_others(void**) {
  PasswordWorld world;
  const SignInId id = world.keep_with("right");
  assert_true(world.check(id, "right") == true);
  assert_true(world.check(id, "wrong") == false);
  assert_true(world.check(id, "") == false);
  assert_true(world.check(id, "right") == true);
  assert_true(world.pool.calls.empty());
}

void five_wrong_ones_in_a_row(void**) {
  PasswordWorld world;
  const SignInId id = world.keep_with("right");
  for (int i = 0; i < 4; ++i) assert_true(world.check(id, "wrong") == false);
  assert_true(world.check(id, "right") == true);
  for (int i = 0; i < 5; ++i) assert_true(world.check(id, "wrong") == false);
  assert_false(world.keeper->find(id)->verifier.has_value());
  assert_false(world.check(id, "right").has_value());
}

// No more tries for who asks many at once, or hangs up before the answer.
void tries_count_before_the_answer(void**) {
  PasswordWorld world;
  const SignInId id = world.keep_with("right");
  const Secret typed = std::move(*Secret::copy_of("wrong"));
  const Secret right = std::move(*Secret::copy_of("right"));
  for (int i = 0; i < 4; ++i) {
    auto gone = world.start(world.keeper->check_password(id, &typed));
    gone.spawned.cancel();
  }
  auto fifth = world.start(world.keeper->check_password(id, &typed));
  auto sixth = world.start(world.keeper->check_password(id, &right));
  assert_false(sixth.result->value().has_value());
  world.run_until([&] { return fifth.result->has_value(); });
  assert_true(fifth.result->value() == false);
  assert_false(world.keeper->find(id)->verifier.has_value());
}

void none_where_no_service_asks_for_it(void**) {
  KeeperWorld world;
  KeeperWorld::SignIn sign_in;
  sign_in.password = "right";
  const SignInId id = world.keep(sign_in);
  world.drain();
  const Secret typed = std::move(*Secret::copy_of("right"));
  assert_false(world.wait(world.keeper->check_password(id, &typed)).has_value());
}

void a_changed_password_is_forgotten(void**) {
  PasswordWorld world;
  const SignInId id = world.keep_with("old");
  KeeperWorld::SignIn of_bob;
  of_bob.user = "bob";
  of_bob.password = "bob's";
  const SignInId bobs = world.keep(of_bob);
  world.run_until([&] { return world.keeper->find(bobs)->verifier.has_value(); });
  // Also one that is being made just now.
  KeeperWorld::SignIn in_the_making;
  in_the_making.password = "old";
  const SignInId second = world.keep(in_the_making);
  world.keeper->forget_passwords("alice");
  const SignInId later = world.keep_with("new");
  assert_false(world.keeper->find(id)->verifier.has_value());
  assert_false(world.keeper->find(second)->verifier.has_value());
  assert_true(world.check(later, "new") == true);
  assert_true(world.check(bobs, "bob's") == true);
}

void ended_while_it_is_checked(void**) {
  PasswordWorld world;
  const SignInId id = world.keep_with("right");
  const Secret typed = std::move(*Secret::copy_of("right"));
  auto check = world.start(world.keeper->check_password(id, &typed));
  world.keeper->end(id, "signed-out");
  world.run_until([&] { return check.result->has_value(); });
  assert_false(check.result->value().has_value());
  assert_false(world.store->find(id).has_value());
}

void a_device_is_confirmed(void**) {
  KeeperWorld world;
  const SignInId id = world.keep(with_device());
  world.drain();
  const PoolCall& call = world.pool.calls.at(0);
  assert_text(call.operation, "confirm_device");
  assert_text(call.values.at("access_token"), "first access of alice");
  assert_text(call.values.at("device_key"), "eu-west-1_device");
  assert_text(call.values.at("device_group_key"), "group key");
  assert_true(call.values.at("device_name").starts_with("alice@"));
  assert_text(world.keeper->find(id)->device_key, "eu-west-1_device");
}

void one_that_is_not_confirmed_is_not_named(void**) {
  KeeperWorld world;
  world.pool.fail("confirm_device", ErrorKind::invalid_parameter);
  const SignInId id = world.keep(with_device());
  world.drain();
  assert_text(world.keeper->find(id)->device_key, "");
  assert_revalidation(world.revalidate(id), AccountVerdict::good);
}

void the_end_forgets_it(void**) {
  KeeperWorld world;
  const SignInId id = world.keep(with_device());
  world.drain();
  world.pool.rotated_token = "rotated";
  world.keeper->end(id, "signed-out");
  world.drain();
  const PoolCall& call = world.pool.calls.at(2);
  assert_text(call.operation, "forget_device");
  assert_text(call.values.at("access_token"), "access of alice");
  assert_text(call.values.at("device_key"), "eu-west-1_device");
  assert_true((world.revoked() == Revoked{"rotated"}));
}

// Until it is known, a refresh might lack the key that the pool wants by then.
void a_refresh_waits_for_the_device(void**) {
  KeeperWorld world;
  world.hold("confirm_device");
  const SignInId id = world.keep(with_device());
  auto answer = world.start(world.keeper->revalidate(id, world.call()));
  world.drain();
  assert_int_equal(world.calls_of("refresh"), 0);
  world.release("confirm_device");
  assert_revalidation(answer.result->value(), AccountVerdict::good);
  assert_text(world.pool.calls.at(1).values.at("device_key"), "eu-west-1_device");
}

void ended_while_it_is_confirmed(void**) {
  KeeperWorld world;
  world.hold("confirm_device");
  const SignInId id = world.keep(with_device());
  world.keeper->end(id, "signed-out");
  world.drain();
  assert_int_equal(world.calls_of("revoke"), 0);
  world.release("confirm_device");
  assert_int_equal(world.calls_of("forget_device"), 1);
  assert_true((world.revoked() == Revoked{"refresh 1"}));
  assert_false(world.store->find(id).has_value());
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_password_is_told_from_others),
      cmocka_unit_test(five_wrong_ones_in_a_row),
      cmocka_unit_test(tries_count_before_the_answer),
      cmocka_unit_test(none_where_no_service_asks_for_it),
      cmocka_unit_test(a_changed_password_is_forgotten),
      cmocka_unit_test(ended_while_it_is_checked),
      cmocka_unit_test(a_device_is_confirmed),
      cmocka_unit_test(one_that_is_not_confirmed_is_not_named),
      cmocka_unit_test(the_end_forgets_it),
      cmocka_unit_test(a_refresh_waits_for_the_device),
      cmocka_unit_test(ended_while_it_is_confirmed),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
