// Faults on demand: which request they hit, how often, and what they do to an answer.
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

void add(PoolUnderTest& pool, const std::string& fault) {
  const auto id = pool.pool.faults.add(json(fault));
  if (!id) fail_with(id.error());
}

void targets(void** /*state*/) {
  PoolUnderTest pool;
  add(pool, R"({"on":"SMS_MFA","kind":"throttle"})");
  add(pool, R"({"on":"InitiateAuth","kind":"throttle","times":2,"skip":1,"username":"sms"})");
  assert_text(pool.password_step("plain", "pw-plain").error(), "");
  const Reply passed = pool.password_step("sms", "pw-sms");
  assert_text(passed.challenge(), "SMS_MFA");
  assert_int_equal(pool.password_step("sms", "pw-sms").status, 429);
  assert_text(pool.password_step("sms", "pw-sms").error(), "TooManyRequestsException");
  assert_text(pool.password_step("sms", "pw-sms").challenge(), "SMS_MFA");
  const std::string answer = R"({"USERNAME":"sms","SMS_MFA_CODE":"1"})";
  assert_int_equal(pool.respond(kLegacyClient, "SMS_MFA", passed.session(), answer).status, 429);
  assert_text(pool.respond(kLegacyClient, "SMS_MFA", passed.session(), answer).error(),
              "CodeMismatchException");
  assert_int_equal(pool.pool.faults.list().size(), 0);
}

void answers(void** /*state*/) {
  PoolUnderTest pool;
  const auto next = [&](const std::string& fault) {
    add(pool, fault);
    return pool.password_step("plain", "pw-plain");
  };
  assert_int_equal(next(R"({"kind":"server_error","status":503})").status, 503);
  assert_text(next(R"({"kind":"server_error"})").error(), "InternalErrorException");
  assert_true(next(R"({"kind":"waf"})").raw.body.starts_with("<html>"));
  const Reply captcha = next(R"({"kind":"waf","status":405})");
  assert_int_equal(captcha.status, 405);
  assert_text(captcha.raw.content_type, "text/html");
  assert_true(captcha.raw.body.find("captcha") != std::string::npos);
  const Reply error = next(R"({"kind":"error","name":"LimitExceededException","message":"m"})");
  assert_int_equal(error.status, 400);
  assert_text(error.message(), "m");
  const Reply raw = next(R"({"kind":"raw","status":302,"headers":{"Location":"https://x/"}})");
  assert_int_equal(raw.status, 302);
  assert_true(next(R"({"kind":"cut_after_reading"})").raw.delivery == Delivery::none);
  assert_true(next(R"({"kind":"lose_answer"})").raw.delivery == Delivery::none);
  assert_true(next(R"({"kind":"truncated"})").raw.delivery == Delivery::truncated);
  assert_true(next(R"({"kind":"endless"})").raw.delivery == Delivery::endless);

  const Json::Value log = pool.pool.log.list({}, false);
  assert_false(log[6]["processed"].asBool());
  assert_true(log[7]["processed"].asBool());
  assert_false(log[7]["answered"].asBool());
}

void spoiled(void** /*state*/) {
  PoolUnderTest pool;
  const auto next = [&](const std::string& fault) {
    add(pool, fault);
    return pool.password_step("sms", "pw-sms").body;
  };
  const Json::Value types = next(R"({"kind":"wrong_types"})");
  assert_true(types["ChallengeName"].isInt() && types["ChallengeParameters"].isString());
  const Json::Value one =
      next(R"({"kind":"wrong_types","member":"ChallengeParameters.USER_ID_FOR_SRP"})");
  assert_true(one["ChallengeParameters"]["USER_ID_FOR_SRP"].isInt());
  assert_true(one["ChallengeName"].isString());
  assert_int_equal(next(R"({"kind":"missing_members"})").size(), 0);
  assert_false(next(R"({"kind":"missing_members","member":"Session"})").isMember("Session"));
  const Json::Value patched = next(
      R"({"kind":"patch","set":{"ChallengeName":"NEW_ONE","ChallengeParameters.SRP_B":"0"},"remove":["Session"]})");
  assert_text(string_at(patched, "ChallengeName"), "NEW_ONE");
  assert_text(string_at(patched["ChallengeParameters"], "SRP_B"), "0");
  assert_false(patched.isMember("Session"));
}

void bad_faults_are_refused(void** /*state*/) {
  PoolUnderTest pool;
  for (const char* bad :
       {"{}", R"({"kind":"nonsense"})", R"({"kind":"delay","delay":1})",
        R"({"kind":"forged_tokens"})", R"({"kind":"forged_tokens","forgery":"other"})", "[]"}) {
    if (pool.pool.faults.add(json(bad)).has_value()) fail_with(std::string("accepted: ") + bad);
  }
}

void head_and_body_are_apart(void** /*state*/) {
  PoolUnderTest pool;
  add(pool, R"({"on":"InitiateAuth","kind":"cut_before_body"})");
  assert_text(pool.password_step("sms", "pw-sms").challenge(), "SMS_MFA");
  assert_false(pool.pool.faults.take_at_head("GetUser").has_value());
  assert_true(pool.pool.faults.take_at_head("InitiateAuth").has_value());
  assert_false(pool.pool.faults.take_at_head("InitiateAuth").has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(targets), cmocka_unit_test(answers),
                              cmocka_unit_test(spoiled), cmocka_unit_test(bad_faults_are_refused),
                              cmocka_unit_test(head_and_body_are_apart)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
