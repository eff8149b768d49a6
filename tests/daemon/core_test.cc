#include "daemon/bus/core.h"

#include <memory>
#include <utility>

#include "tests/cmocka_cpp.h"
#include "tests/sign_in/scripted.h"

// The limits that the service gives to a sign-in.
namespace pamcognito::test {
namespace {

struct Parts {
  World world;
  bus::Core core{{.loop = world.loop,
                  .clock = world.clock,
                  .worker = world.worker,
                  .store = *world.store,
                  .known = world.known,
                  .max_sign_ins = 100,
                  .sessions_survive = false,
                  .state_directory = world.directory.path()}};

  Parts() {
    core.configure(world.config,
                   std::shared_ptr<cognito::UserPool>(std::shared_ptr<void>(), &world.pool));
  }
};

void a_first_login_has_tables_of_its_own(void**) {
  const auto parts = std::make_unique<Parts>();
  bus::Core& core = parts->core;
  sign_in::SignInRequest request = parts->world.request();
  sign_in::SignInServices services = core.sign_in_services(request);
  assert_ptr_equal(services.failures, &core.failures);
  assert_ptr_equal(services.messages, &core.messages);
  assert_ptr_equal(services.reset_messages, &core.reset_messages);
  assert_ptr_equal(services.reset_messages_by_origin, &core.reset_messages_by_origin);
  assert_ptr_equal(services.account_failures, &core.failures);
  assert_null(services.first_logins);

  request.is_first_login = true;
  services = core.sign_in_services(request);
  assert_ptr_equal(services.failures, &core.first_logins.failures);
  assert_ptr_equal(services.messages, &core.first_logins.messages);
  assert_ptr_equal(services.reset_messages, &core.first_logins.reset_messages);
  assert_ptr_equal(services.reset_messages_by_origin, &core.first_logins.reset_messages_by_origin);
  assert_ptr_equal(services.account_failures, &core.failures);
  assert_ptr_equal(services.first_logins, &core.first_logins.rates);
}

void the_limits_of_the_configuration_count(void**) {
  const auto parts = std::make_unique<Parts>();
  parts->world.config->limits = {.failures = 1,
                                 .failures_unknown_origin = 1,
                                 .messages_unanswered = 1,
                                 .first_logins = 1,
                                 .first_logins_per_source = 1};
  bus::Core& core = parts->core;
  core.configure(parts->world.config, core.pool);
  limits::FirstLogins& limits = core.first_logins;
  const runtime::BootTime now = parts->world.clock.boot_time();
  const limits::Origin& origin = parts->world.origin;
  using Answer = limits::FirstLoginRates::Answer;
  assert_true(limits.rates.take(origin, now) == Answer::permitted);
  assert_true(limits.rates.take(origin, now) == Answer::beyond_source);
  assert_true(limits.failures.take("scan.ex", World::kAliceUid, origin, now).has_value());
  assert_false(limits.failures.take("scan.ex", World::kAliceUid, origin, now).has_value());
  for (limits::MessageBudgets* budgets : {&limits.messages, &limits.reset_messages}) {
    budgets->caused("scan.ex", now);
    assert_false(budgets->permitted("scan.ex", now));
  }
  // As of users with accounts: four people share an address.
  for (int i = 0; i < 4; ++i) {
    assert_true(limits.reset_messages_by_origin.permitted(origin.key(), now));
    limits.reset_messages_by_origin.caused(origin.key(), now);
  }
  assert_false(limits.reset_messages_by_origin.permitted(origin.key(), now));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_first_login_has_tables_of_its_own),
      cmocka_unit_test(the_limits_of_the_configuration_count),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
