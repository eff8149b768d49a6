#include <string>
#include <string_view>

#include "daemon/runtime/host_name.h"
#include "tests/sign_in/named_tests.h"
#include "tests/sign_in/scenarios.h"

// ClientMetadata and UserContextData: what goes to the pool's Lambda triggers with each call.
namespace pamcognito::test {
namespace {

void let_all_be_sent(World& world) {
  world.config->client_metadata.pairs = {{"client", "pam-cognito"}, {"site", "Munich"}};
  world.config->client_metadata.host = true;
  world.config->client_metadata.service = true;
  world.config->client_metadata.remote_host = true;
  world.config->pool.user_context = true;
}

bool takes_a_context(std::string_view operation) {
  return operation == "sign_in" || operation.starts_with("respond ") ||
         operation == "forgot_password" || operation == "confirm_forgot_password" ||
         operation == "resend" || operation == "confirm_sign_up";
}

cognito::CallContext context_of_first_call(World& world) {
  (void)world.run();
  assert_false(world.pool.calls.empty());
  return world.pool.calls.front().context;
}

void it_goes_with_every_call_that_takes_it(void** state) {
  const auto& scenario = row_of<Scenario>(state);
  World world;
  scenario.prepare(world);
  let_all_be_sent(world);
  assert_outcome(world.run().outcome, Outcome::success);
  const cognito::StringMap expected{{"client", "pam-cognito"},
                                    {"site", "Munich"},
                                    {"host", runtime::host_name()},
                                    {"service", world.service},
                                    {"remote-host", "192.0.2.7"}};
  for (const PoolCall& call : world.pool.calls) {
    if (!takes_a_context(call.operation)) continue;
    assert_true(call.context.client_metadata == expected);
    assert_text(call.context.remote_address, "192.0.2.7");
  }
}

void a_resent_confirmation_code_takes_it_too(void**) {
  World world;
  let_all_be_sent(world);
  world.config->password.self_service = true;
  world.pool.reply_error(cognito::ErrorKind::user_not_confirmed);
  world.person->answers = {"right password", ""};
  (void)world.run();
  assert_text(world.pool.calls.back().operation, "resend");
  assert_text(world.pool.calls.back().context.client_metadata.at("client"), "pam-cognito");
}

void nothing_is_sent_by_default(void**) {
  World world;
  const cognito::CallContext context = context_of_first_call(world);
  assert_true(context.client_metadata.empty());
  assert_true(context.remote_address.empty());
}

void each_fact_has_a_switch_of_its_own(void**) {
  struct Row {
    bool host, service, remote_host, address;
  };
  for (const Row& row : {Row{true, false, false, false}, Row{false, true, false, false},
                         Row{false, false, true, false}, Row{false, false, false, true}}) {
    World world;
    world.config->client_metadata.host = row.host;
    world.config->client_metadata.service = row.service;
    world.config->client_metadata.remote_host = row.remote_host;
    world.config->pool.user_context = row.address;
    const cognito::CallContext context = context_of_first_call(world);
    assert_true(context.client_metadata.contains("host") == row.host);
    assert_true(context.client_metadata.contains("service") == row.service);
    assert_true(context.client_metadata.contains("remote-host") == row.remote_host);
    assert_true(context.remote_address.empty() != row.address);
  }
}

void a_sign_in_without_a_remote_host_sends_none(void**) {
  World world;
  let_all_be_sent(world);
  world.origin = limits::Origin::local();
  const cognito::CallContext context = context_of_first_call(world);
  assert_false(context.client_metadata.contains("remote-host"));
  assert_true(context.remote_address.empty());
}

void a_fact_of_the_sign_in_wins_over_a_pair_of_its_name(void**) {
  World world;
  let_all_be_sent(world);
  world.config->client_metadata.pairs["service"] = "forged";
  assert_text(context_of_first_call(world).client_metadata.at("service"), "sshd");
}

void passwords_and_codes_are_in_no_metadata(void**) {
  World world;
  let_all_be_sent(world);
  world.pool.reply_challenge(cognito::ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
  (void)world.run();
  for (const PoolCall& call : world.pool.calls)
    for (const auto& [name, value] : call.context.client_metadata)
      assert_false(value.contains("right password") || value.contains("123456"));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  NamedTests tests;
  for (const Scenario& scenario : scenarios())
    tests.add(std::string("client metadata with every call: ") + scenario.row,
              it_goes_with_every_call_that_takes_it, scenario);
  tests.add({
      cmocka_unit_test(a_resent_confirmation_code_takes_it_too),
      cmocka_unit_test(nothing_is_sent_by_default),
      cmocka_unit_test(each_fact_has_a_switch_of_its_own),
      cmocka_unit_test(a_sign_in_without_a_remote_host_sends_none),
      cmocka_unit_test(a_fact_of_the_sign_in_wins_over_a_pair_of_its_name),
      cmocka_unit_test(passwords_and_codes_are_in_no_metadata),
  });
  return tests.run("client_metadata");
}
