// The operations beside signing in: what goes over the wire, what is read from the answers, what is
// sent a second time.
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cognito/bounds.h"
#include "daemon/cognito/secret_hash.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/scripted_pool.h"

namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using cognito::FactorPreference;
using cognito::HttpFailure;
using cognito::HttpResult;
using cognito::MfaPreference;
using cognito::PoolError;
using cognito::SetUpProof;

constexpr char kSecret[] = R"({"SecretCode":"JBSWY3DPEHPK3PXP","Session":"session-2"})";
constexpr char kVerified[] = R"({"Status":"SUCCESS","Session":"session-3"})";
constexpr char kUser[] = R"({"Username":"alice-id"})";
constexpr char kDelivery[] =
    R"({"CodeDeliveryDetails":{"DeliveryMedium":"EMAIL","Destination":"a***@e***",)"
    R"("AttributeName":"email"}})";

// One operation with plain arguments; the error that came, if one came.
using Run = std::function<std::optional<PoolError>(ScriptedPool&)>;

template <class T>
std::optional<PoolError> error_of(const cognito::PoolResult<T>& result) {
  return result ? std::nullopt : std::optional(result.error());
}

struct OperationCase {
  const char* name;  // in X-Amz-Target
  const char* good_answer;
  bool after_sending;   // may go out again after a cut
  bool holds_password;  // one that is tried
  const char* wire;     // the whole body of a client without a secret; @ stands for its id
  Run run;
};

std::vector<OperationCase> operations() {
  const auto proof = [] { return SetUpProof::by_challenge_session("session-1"); };
  const auto token = [] { return SetUpProof::by_access_token("a.b.c"); };
  return {
      {"AssociateSoftwareToken", kSecret, false, false, R"({"Session":"session-1"})",
       [=](ScriptedPool& p) {
         return error_of(p.run(p.pool.associate_software_token(proof(), p.soon())));
       }},
      {"AssociateSoftwareToken", kSecret, true, false, R"({"AccessToken":"a.b.c"})",
       [=](ScriptedPool& p) {
         return error_of(p.run(p.pool.associate_software_token(token(), p.soon())));
       }},
      {"VerifySoftwareToken", kVerified, false, false,
       R"({"Session":"session-1","UserCode":"123456","FriendlyDeviceName":"laptop \"7\""})",
       [=](ScriptedPool& p) {
         return error_of(
             p.run(p.pool.verify_software_token(proof(), "123456", "laptop \"7\"", p.soon())));
       }},
      {"VerifySoftwareToken", kVerified, false, false,
       R"({"AccessToken":"a.b.c","UserCode":"123456"})",
       [=](ScriptedPool& p) {
         return error_of(p.run(p.pool.verify_software_token(token(), "123456", "", p.soon())));
       }},
      {"GetUser", kUser, true, false, R"({"AccessToken":"a.b.c"})",
       [](ScriptedPool& p) { return error_of(p.run(p.pool.get_user("a.b.c", p.soon()))); }},
      {"SetUserMFAPreference", "{}", true, false,
       R"({"AccessToken":"a.b.c","SMSMfaSettings":{"Enabled":false,"PreferredMfa":false},)"
       R"("SoftwareTokenMfaSettings":{"Enabled":true,"PreferredMfa":true}})",
       [](ScriptedPool& p) {
         MfaPreference preference;
         preference.totp = FactorPreference{true, true};
         preference.sms = FactorPreference{false, false};
         return error_of(p.run(p.pool.set_mfa_preference("a.b.c", preference, p.soon())));
       }},
      {"SetUserMFAPreference", "{}", true, false,
       R"({"AccessToken":"a.b.c","EmailMfaSettings":{"Enabled":true,"PreferredMfa":false}})",
       [](ScriptedPool& p) {
         MfaPreference preference;
         preference.email = FactorPreference{true, false};
         return error_of(p.run(p.pool.set_mfa_preference("a.b.c", preference, p.soon())));
       }},
      {"ForgotPassword", kDelivery, false, false,
       R"({"ClientId":"@","Username":"alice","ClientMetadata":{"service":"sshd"},)"
       R"("UserContextData":{"IpAddress":"192.0.2.7"}})",
       [](ScriptedPool& p) {
         return error_of(p.run(p.pool.forgot_password("alice", &p.context, p.soon())));
       }},
      {"ConfirmForgotPassword", "{}", false, false,
       R"({"ClientId":"@","Username":"alice","ConfirmationCode":"654321",)"
       R"("Password":"Correct-Horse-7","ClientMetadata":{"service":"sshd"},)"
       R"("UserContextData":{"IpAddress":"192.0.2.7"}})",
       [](ScriptedPool& p) {
         return error_of(p.run(
             p.pool.confirm_forgot_password("alice", "654321", &p.password, &p.context, p.soon())));
       }},
      {"ResendConfirmationCode", kDelivery, false, false,
       R"({"ClientId":"@","Username":"alice","ClientMetadata":{"service":"sshd"},)"
       R"("UserContextData":{"IpAddress":"192.0.2.7"}})",
       [](ScriptedPool& p) {
         return error_of(p.run(p.pool.resend_confirmation_code("alice", &p.context, p.soon())));
       }},
      {"ConfirmSignUp", "{}", false, false,
       R"({"ClientId":"@","Username":"alice","ConfirmationCode":"654321",)"
       R"("ClientMetadata":{"service":"sshd"},"UserContextData":{"IpAddress":"192.0.2.7"}})",
       [](ScriptedPool& p) {
         return error_of(p.run(p.pool.confirm_sign_up("alice", "654321", &p.context, p.soon())));
       }},
      {"ChangePassword", "{}", false, true,
       R"({"AccessToken":"a.b.c","PreviousPassword":"Correct-Horse-7",)"
       R"("ProposedPassword":"Battery-Staple-8"})",
       [](ScriptedPool& p) {
         const Secret proposed = *Secret::copy_of("Battery-Staple-8");
         return error_of(p.run(p.pool.change_password("a.b.c", &p.password, &proposed, p.soon())));
       }},
  };
}

// `text` with each @ replaced.
std::string filled(std::string text, const std::string& value) {
  for (auto at = text.find('@'); at != std::string::npos; at = text.find('@', at + value.size())) {
    text.replace(at, 1, value);
  }
  return text;
}

void each_operation_says_what_it_must_and_no_more(void**) {
  for (const OperationCase& row : operations()) {
    ScriptedPool p({answered(200, row.good_answer)});
    p.context.remote_address = "192.0.2.7";
    assert_false(row.run(p).has_value());
    assert_int_equal(p.sent(), 1);
    assert_text(p.target(0),
                std::string("X-Amz-Target: AWSCognitoIdentityProviderService.") + row.name);
    assert_text(p.wire(0), filled(row.wire, kClient));
  }
}

void the_secret_s_hash_goes_with_a_user_name_and_with_nothing_else(void**) {
  const std::string hash = *cognito::secret_hash("client-secret", "alice", kClient);
  for (const OperationCase& row : operations()) {
    ScriptedPool p({answered(200, row.good_answer)}, with_secret(make_config()));
    assert_false(row.run(p).has_value());
    const Json::Value body = p.body(0);
    assert_int_equal(body.isMember("SecretHash"), body.isMember("Username"));
    if (body.isMember("SecretHash")) assert_text(body["SecretHash"].asString(), hash);
    assert_false(p.wire(0).contains("client-secret"));
  }
}

void each_operation_is_repeated_as_its_rule_allows(void**) {
  const HttpResult none = failed(HttpFailure::not_connected);
  const HttpResult cut = failed(HttpFailure::cut);
  const HttpResult broken = answered(500, R"({"__type":"InternalErrorException"})");
  const HttpResult throttled = answered(400, R"({"__type":"TooManyRequestsException"})");
  for (const OperationCase& row : operations()) {
    const HttpResult good = answered(200, row.good_answer);
    for (const HttpResult& first : {none, throttled}) {
      ScriptedPool p({first, good});
      assert_false(row.run(p).has_value());
      assert_int_equal(p.sent(), 2);
    }
    for (const HttpResult& first : {cut, broken}) {
      ScriptedPool p({first, good});
      assert_int_equal(row.run(p).has_value(), !row.after_sending);
      assert_int_equal(p.sent(), row.after_sending ? 2 : 1);
    }
  }
}

void an_error_keeps_its_kind_and_text(void**) {
  const std::pair<const char*, ErrorKind> table[] = {
      {"CodeMismatchException", ErrorKind::code_mismatch},
      {"EnableSoftwareTokenMFAException", ErrorKind::enable_software_token_mfa},
      {"LimitExceededException", ErrorKind::limit_exceeded},
      {"InvalidPasswordException", ErrorKind::invalid_password},
      {"UserLambdaValidationException", ErrorKind::user_lambda_validation},
  };
  for (const OperationCase& row : operations()) {
    for (const auto& [name, kind] : table) {
      ScriptedPool p(
          {answered(400, std::string(R"({"__type":")") + name + R"(","message":"why"})")});
      const auto error = row.run(p);
      assert_true(error.has_value());
      assert_int_equal(error->kind, kind);
      assert_text(error->message, "why");
      assert_text(error->request_id, "request-1");
      assert_int_equal(error->password_sent, row.holds_password);
      assert_int_equal(p.sent(), 1);
    }
    ScriptedPool unstarted({failed(HttpFailure::not_started)});
    assert_false(row.run(unstarted)->password_sent);
    ScriptedPool nonsense({answered(200, "nonsense")});
    assert_int_equal(row.run(nonsense)->kind, ErrorKind::bad_response);
  }
}

// Answers.

void a_secret_is_base32_and_bounded(void**) {
  const auto associate = [](const std::string& answer, const SetUpProof& proof) {
    ScriptedPool p({answered(200, answer)});
    return p.run(p.pool.associate_software_token(proof, p.soon()));
  };
  const auto with_code = [](const std::string& code) {
    return R"({"SecretCode":")" + code + R"(","Session":"session-2"})";
  };
  const SetUpProof session = SetUpProof::by_challenge_session("session-1");
  const auto token = associate(kSecret, session);
  assert_text(token->secret_code, "JBSWY3DPEHPK3PXP");
  assert_text(token->challenge_session, "session-2");
  for (const std::string& code :
       {std::string("jbswy3dp"), std::string("JBSWY3DPEE======"), std::string(512, 'A')}) {
    assert_text(associate(with_code(code), session)->secret_code, code);
  }
  const std::string bad[] = {
      "{}",
      R"({"SecretCode":7,"Session":"s"})",
      R"({"SecretCode":["A"],"Session":"s"})",
      R"({"SecretCode":"JBSWY3DP"})",
      R"({"SecretCode":"JBSWY3DP","Session":""})",
      R"({"SecretCode":"JBSWY3DP","Session":")" + std::string(cognito::kMaxSession + 1, 's') +
          R"("})",
      with_code(""),
      with_code("JBSW Y3DP"),
      with_code("JBSWY3D0"),
      with_code("JBSWY3D1"),
      with_code("JBSWY3D8"),
      with_code("JBSWY3DP&issuer=x"),
      with_code("JBSWY3DP\\u001b[31m"),
      with_code(std::string(513, 'A')),
  };
  for (const std::string& answer : bad) {
    const auto result = associate(answer, session);
    assert_false(result.has_value());
    assert_int_equal(result.error().kind, ErrorKind::bad_response);
    assert_false(result.error().message.contains("JBSWY3D"));
  }
  const SetUpProof by_token = SetUpProof::by_access_token("a.b.c");
  assert_text(associate(R"({"SecretCode":"JBSWY3DP"})", by_token)->challenge_session, "");
}

void only_success_is_a_verified_code(void**) {
  const auto verify = [](const std::string& answer) {
    ScriptedPool p({answered(200, answer)});
    return p.run(p.pool.verify_software_token(SetUpProof::by_challenge_session("session-1"),
                                              "123456", "", p.soon()));
  };
  const auto verified = verify(kVerified);
  assert_true(verified->verified);
  assert_text(verified->challenge_session, "session-3");
  assert_true(verify(R"({"Status":"SUCCESS"})")->verified);
  for (const char* answer :
       {R"({"Status":"ERROR"})", R"({"Status":"success"})", R"({"Status":"NEW"})"}) {
    const auto check = verify(answer);
    assert_true(check.has_value());
    assert_false(check->verified);
    assert_text(check->challenge_session, "");
  }
  assert_text(verify(R"({"Status":"ERROR","Session":"again"})")->challenge_session, "again");
  for (const std::string& answer :
       {std::string("{}"), std::string(R"({"Status":""})"), std::string(R"({"Status":true})"),
        std::string(R"({"Status":null,"Session":"s"})"),
        R"({"Status":"SUCCESS","Session":")" + std::string(cognito::kMaxSession + 1, 's') +
            R"("})"}) {
    assert_int_equal(verify(answer).error().kind, ErrorKind::bad_response);
  }
}

std::string user_with(const std::string& member) {
  return R"({"Username":"alice-id",)" + member + "}";
}

void a_user_s_state_is_read(void**) {
  const auto get = [](const std::string& answer) {
    ScriptedPool p({answered(200, answer)});
    return p.run(p.pool.get_user("a.b.c", p.soon()));
  };
  const auto bare = get(kUser);
  assert_true(bare->enabled_factors.empty());
  assert_text(bare->preferred_factor, "");

  const auto user =
      get(user_with(R"("UserMFASettingList":["SMS_MFA","SOFTWARE_TOKEN_MFA"],)"
                    R"("PreferredMfaSetting":"SMS_MFA","MFAOptions":[{"DeliveryMedium":"SMS"}])"));
  assert_true(user.has_value());
  assert_int_equal(user->enabled_factors.size(), 2);
  assert_text(user->enabled_factors[1], "SOFTWARE_TOKEN_MFA");
  assert_text(user->preferred_factor, "SMS_MFA");

  // SMS as accounts had it before UserMFASettingList.
  const auto legacy = get(user_with(R"("MFAOptions":[{"DeliveryMedium":"SMS"}])"));
  assert_int_equal(legacy->enabled_factors.size(), 1);
  assert_text(legacy->enabled_factors[0], "SMS_MFA");

  std::string many_factors = R"("UserMFASettingList":["x")";
  for (int i = 0; i < 16; ++i) many_factors += R"(,"x")";
  const std::string bad[] = {
      "{}",
      R"({"Username":""})",
      R"({"Username":7})",
      R"({"Username":")" + std::string(513, 'u') + R"("})",
      user_with(R"("UserMFASettingList":"SMS_MFA")"),
      user_with(R"("UserMFASettingList":[1])"),
      user_with(many_factors + "]"),
      user_with(R"("PreferredMfaSetting":["SMS_MFA"])"),
      user_with(R"("PreferredMfaSetting":")" + std::string(513, 'x') + '"'),
  };
  for (const std::string& answer : bad) {
    const auto result = get(answer);
    assert_false(result.has_value());
    assert_int_equal(result.error().kind, ErrorKind::bad_response);
  }
}

void where_a_code_went(void**) {
  for (const bool forgot : {true, false}) {
    const auto send = [&](const std::string& answer) {
      ScriptedPool p({answered(200, answer)});
      return p.run(forgot ? p.pool.forgot_password("alice", &p.context, p.soon())
                          : p.pool.resend_confirmation_code("alice", &p.context, p.soon()));
    };
    const auto delivery = send(kDelivery);
    assert_text(delivery->medium, "EMAIL");
    assert_text(delivery->destination, "a***@e***");
    for (const char* answer : {"{}", R"({"CodeDeliveryDetails":{}})"}) {
      assert_text(send(answer)->medium, "");
      assert_text(send(answer)->destination, "");
    }
    for (const std::string& answer :
         {std::string(R"({"CodeDeliveryDetails":[]})"),
          std::string(R"({"CodeDeliveryDetails":{"DeliveryMedium":1}})"),
          R"({"CodeDeliveryDetails":{"DeliveryMedium":")" + std::string(513, 'x') + R"("}})",
          R"({"CodeDeliveryDetails":{"Destination":")" + std::string(513, 'x') + R"("}})"}) {
      assert_int_equal(send(answer).error().kind, ErrorKind::bad_response);
    }
  }
}

void what_is_not_utf_8_stays_here(void**) {
  const Secret broken = *Secret::copy_of("caf\xe9");
  const std::string code = "12\xff";
  const SetUpProof proof = SetUpProof::by_challenge_session("session-1");
  ScriptedPool p({});
  assert_int_equal(p.run(p.pool.verify_software_token(proof, code, "", p.soon())).error().kind,
                   ErrorKind::code_mismatch);
  assert_int_equal(p.run(p.pool.confirm_sign_up("alice", code, &p.context, p.soon())).error().kind,
                   ErrorKind::code_mismatch);
  assert_int_equal(
      p.run(p.pool.confirm_forgot_password("alice", code, &p.password, &p.context, p.soon()))
          .error()
          .kind,
      ErrorKind::code_mismatch);
  assert_int_equal(
      p.run(p.pool.confirm_forgot_password("alice", "1", &broken, &p.context, p.soon()))
          .error()
          .kind,
      ErrorKind::invalid_password);
  const auto previous = p.run(p.pool.change_password("a", &broken, &p.password, p.soon()));
  assert_int_equal(previous.error().kind, ErrorKind::not_authorized);
  assert_false(previous.error().password_sent);
  assert_int_equal(p.run(p.pool.change_password("a", &p.password, &broken, p.soon())).error().kind,
                   ErrorKind::invalid_password);
  assert_int_equal(p.run(p.pool.forgot_password("\xff", &p.context, p.soon())).error().kind,
                   ErrorKind::not_authorized);
  assert_int_equal(p.sent(), 0);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_operation_says_what_it_must_and_no_more),
      cmocka_unit_test(the_secret_s_hash_goes_with_a_user_name_and_with_nothing_else),
      cmocka_unit_test(each_operation_is_repeated_as_its_rule_allows),
      cmocka_unit_test(an_error_keeps_its_kind_and_text),
      cmocka_unit_test(a_secret_is_base32_and_bounded),
      cmocka_unit_test(only_success_is_a_verified_code),
      cmocka_unit_test(a_user_s_state_is_read),
      cmocka_unit_test(where_a_code_went),
      cmocka_unit_test(what_is_not_utf_8_stays_here),
  };
  return cmocka_run_group_tests_name("account_operations", tests, nullptr, nullptr);
}
