// CUSTOM_AUTH: scripted rounds, wrong answers, SRP first, names that do not exist.
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/testing.h"

using namespace pamcognito::pool;

namespace {

constexpr char kCustomClient[] = "1open2client3id";

class Custom : public PoolUnderTest {
 public:
  void script(const std::string& username, const std::string& more = "{}") {
    Json::Value change;
    change["username"] = username;
    change["custom"] = json(more);
    change["custom"]["rounds"] = json(
        R"([{"parameters":{"prompt":"Colour?","hint":"not red"},"answer":"blue"},
            {"parameters":{"prompt":"Number?"},"answer":"42"}])");
    const auto put = pool.users.put(change, false, pool.clock.life_ms());
    assert_true(put.has_value());
  }
  Reply begin(const std::string& username) {
    Json::Value parameters;
    parameters["USERNAME"] = username;
    return initiate(kCustomClient, "CUSTOM_AUTH", to_text(parameters));
  }
  Reply answer(const Reply& asked, const std::string& text) {
    Json::Value responses;
    responses["USERNAME"] = asked.parameter("USERNAME");
    responses["ANSWER"] = text;
    return respond(kCustomClient, "CUSTOM_CHALLENGE", asked.session(), to_text(responses));
  }
};

void assert_refused(const Reply& reply, const char* name, const char* message) {
  assert_text(reply.error(), name);
  assert_text(reply.message(), message);
}

void rounds(void** /*state*/) {
  Custom pool;
  pool.script("plain");
  const Reply first = pool.begin("plain");
  assert_text(first.challenge(), "CUSTOM_CHALLENGE");
  assert_text(first.parameter("prompt"), "Colour?");
  assert_text(first.parameter("hint"), "not red");
  assert_text(first.parameter("USERNAME"), "plain");
  const Reply second = pool.answer(first, "blue");
  assert_text(second.parameter("prompt"), "Number?");
  assert_false(pool.answer(second, "42").token("AccessToken").empty());
  assert_text(pool.answer(second, "42").message(),
              "Invalid session for the user, session can only be used once.");
  assert_text(pool.respond(kCustomClient, "CUSTOM_CHALLENGE", pool.begin("plain").session(),
                           R"({"USERNAME":"plain"})")
                  .message(),
              "Missing required parameter ANSWER");
}

void a_wrong_answer_fails(void** /*state*/) {
  Custom pool;
  pool.script("plain");
  const Reply first = pool.begin("plain");
  assert_refused(pool.answer(first, "red"), "NotAuthorizedException",
                 "Incorrect username or password.");
  assert_refused(pool.answer(first, "blue"), "NotAuthorizedException",
                 "Invalid session for the user.");
}

void a_wrong_answer_is_asked_again(void** /*state*/) {
  Custom pool;
  pool.script("plain", R"({"on_wrong":"retry"})");
  Reply asked = pool.answer(pool.begin("plain"), "blue");
  for (int i = 0; i < 2; ++i) {
    const Reply again = pool.answer(asked, "41");
    assert_text(again.parameter("prompt"), "Number?");
    assert_string_not_equal(again.session().c_str(), asked.session().c_str());
    asked = again;
  }
  assert_text(pool.answer(asked, "41").message(), "Incorrect username or password.");

  pool.script("plain", R"({"on_wrong":"restart","attempts":9})");
  const Reply restarted = pool.answer(pool.answer(pool.begin("plain"), "blue"), "41");
  assert_text(restarted.parameter("prompt"), "Colour?");
  assert_false(pool.answer(pool.answer(restarted, "blue"), "42").token("AccessToken").empty());
}

// CUSTOM_AUTH with CHALLENGE_NAME=SRP_A and the right or a wrong password.
Reply srp_first(Custom& pool, const std::string& username, const std::string& password,
                bool with_session = true) {
  const SrpClient srp;
  Json::Value parameters;
  parameters["USERNAME"] = username;
  parameters["SRP_A"] = number_hex(srp.public_value.get());
  parameters["CHALLENGE_NAME"] = "SRP_A";
  const Reply first = pool.initiate(kCustomClient, "CUSTOM_AUTH", to_text(parameters));
  assert_text(first.challenge(), "PASSWORD_VERIFIER");
  assert_false(first.session().empty());
  const std::string timestamp = timestamp_of(pool.pool.clock.wall_s());
  Json::Value responses;
  responses["USERNAME"] = first.parameter("USER_ID_FOR_SRP");
  responses["PASSWORD_CLAIM_SECRET_BLOCK"] = first.parameter("SECRET_BLOCK");
  responses["TIMESTAMP"] = timestamp;
  responses["PASSWORD_CLAIM_SIGNATURE"] = srp.signature(
      pool.pool.settings.name(), first.body["ChallengeParameters"], password, timestamp);
  return pool.respond(kCustomClient, "PASSWORD_VERIFIER", with_session ? first.session() : "",
                      to_text(responses));
}

void with_srp_first(void** /*state*/) {
  Custom pool;
  pool.script("plain");
  pool.script("totp", R"({"then":"mfa"})");
  assert_refused(srp_first(pool, "plain", "other"), "NotAuthorizedException",
                 "Incorrect username or password.");
  assert_text(srp_first(pool, "plain", "pw-plain", false).message(),
              "Missing required parameter Session");
  const Reply asked = srp_first(pool, "plain", "pw-plain");
  assert_text(asked.parameter("prompt"), "Colour?");
  assert_false(pool.answer(pool.answer(asked, "blue"), "42").token("AccessToken").empty());
  // The script may leave the second factor to the pool.
  const Reply then = srp_first(pool, "totp", "pw-totp");
  assert_text(pool.answer(pool.answer(then, "blue"), "42").challenge(), "SOFTWARE_TOKEN_MFA");
  // Without a script no round can be asked.
  assert_text(srp_first(pool, "sms", "pw-sms").error(), "NotAuthorizedException");
  // A temporary password is changed in between.
  User& user = *pool.pool.users.find("plain");
  user.status = "FORCE_CHANGE_PASSWORD";
  const Reply changing = srp_first(pool, "plain", "pw-plain");
  assert_text(changing.challenge(), "NEW_PASSWORD_REQUIRED");
  assert_text(pool.respond(kCustomClient, "NEW_PASSWORD_REQUIRED", changing.session(),
                           R"({"USERNAME":"plain","NEW_PASSWORD":"Chosen-Word-2"})")
                  .challenge(),
              "CUSTOM_CHALLENGE");
}

void other_users(void** /*state*/) {
  Custom pool;
  assert_refused(pool.begin("plain"), "NotAuthorizedException", "Incorrect username or password.");
  pool.script("plain");
  const Reply simulated = pool.begin("nobody");
  assert_text(simulated.challenge(), "CUSTOM_CHALLENGE");
  assert_text(pool.begin("nobody").parameter("USERNAME"), simulated.parameter("USERNAME"));
  assert_refused(pool.answer(simulated, "blue"), "NotAuthorizedException",
                 "Incorrect username or password.");
  User& user = *pool.pool.users.find("plain");
  user.status = "UNCONFIRMED";
  assert_text(pool.begin("plain").error(), "UserNotConfirmedException");
  user.status = "RESET_REQUIRED";
  assert_text(pool.begin("plain").error(), "PasswordResetRequiredException");
  user.enabled = false;
  assert_text(pool.begin("plain").message(), "User is disabled.");
  // The legacy client does not allow the flow until it is told to.
  const auto begin_legacy = [&] {
    return pool.initiate(kLegacyClient, "CUSTOM_AUTH", R"({"USERNAME":"nobody"})");
  };
  assert_text(begin_legacy().message(), "CUSTOM_AUTH flow not enabled for this client");
  pool.pool.find_client(kLegacyClient)->auth_flows.emplace_back("ALLOW_CUSTOM_AUTH");
  assert_text(begin_legacy().error(), "UserNotFoundException");
}

void bad_scripts(void** /*state*/) {
  Custom pool;
  for (const char* script :
       {R"({"rounds":[]})", R"({})", R"({"rounds":[{"parameters":{"n":1},"answer":"x"}]})",
        R"({"rounds":[{"answer":"x"}],"on_wrong":"laugh"})"}) {
    Json::Value change;
    change["username"] = "plain";
    change["custom"] = json(script);
    assert_false(pool.pool.users.put(change, false, 0).has_value());
  }
  pool.script("plain");
  Json::Value change = json(R"({"username":"plain","custom":null})");
  assert_true(pool.pool.users.put(change, false, 0).has_value());
  assert_false(pool.pool.users.find("plain")->custom.has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(rounds),         cmocka_unit_test(a_wrong_answer_fails),
      cmocka_unit_test(with_srp_first), cmocka_unit_test(a_wrong_answer_is_asked_again),
      cmocka_unit_test(other_users),    cmocka_unit_test(bad_scripts)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
