// The client against cognito-pool over HTTPS, in this process: two programs that share no code must
// agree on what each operation says.
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "daemon/cognito/cognito_user_pool.h"
#include "daemon/cognito/factors.h"
#include "tests/cmocka_cpp.h"
#include "tests/pool/admin.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/server.h"
#include "tests/pool/totp.h"
#include "tests/unit/cognito/run_task.h"
#include "tests/unit/cognito/scripted_http.h"

namespace pamcognito::test {
namespace {

using cognito::AuthStep;
using cognito::Challenge;
using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::FactorPreference;
using cognito::MfaPreference;
using cognito::PoolResult;
using cognito::SetUpProof;
using cognito::StringMap;
using cognito::Tokens;
using policy::AuthFlow;

constexpr char kPassword[] = "Garden-Gnome-5";
constexpr char kSeed[] = R"({
  "pool": {"id": "eu-west-1_CogPool01", "mfa_configuration": "OPTIONAL"},
  "clients": [{"client_id": "2cognitopool3secret4id56", "client_secret": "a-client-secret",
    "explicit_auth_flows": ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH",
                            "ALLOW_REFRESH_TOKEN_AUTH"]}],
  "users": [
    {"username": "erin", "password": "Garden-Gnome-5",
     "attributes": {"email": "erin@example.com", "email_verified": "true"},
     "custom": {"rounds": [{"parameters": {"prompt": "Colour?"}, "answer": "blue"}],
                "on_wrong": "retry", "then": "tokens"}},
    {"username": "una", "password": "Garden-Gnome-5", "status": "UNCONFIRMED",
     "attributes": {"email": "una@example.com"}}]})";

template <class T>
T required(std::expected<T, std::string> result) {
  if (!result) fail_msg("%s", result.error().c_str());
  return std::move(*result);
}

// The state of every LocalPool, so that keys and certificates are made once.
struct Directory {
  std::string path;
  Directory() {
    char name[] = "/tmp/cognito-client-test-XXXXXX";
    assert_non_null(::mkdtemp(name));
    path = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path); }
};

const std::string& state_directory() {
  static const Directory directory;
  return directory.path;
}

// cognito-pool with two users, and a client that has a secret.
class LocalPool {
 public:
  explicit LocalPool(AuthFlow flow = AuthFlow::srp)
      : pool_(required(pool::TokenIssuer::open(state_directory()))) {
    const auto tls = required(pool::load_or_make_certificates(state_directory()));
    assert_true(pool_.load(*pool::parse_json(kSeed)).has_value());
    auto listener = required(pool::listen_on("127.0.0.1", 0));
    policy::PoolConfig config;
    config.region = "eu-west-1";
    config.user_pool_id = "eu-west-1_CogPool01";
    config.client_id = "2cognitopool3secret4id56";
    config.client_secret = std::make_shared<const Secret>(*Secret::copy_of("a-client-secret"));
    config.auth_flow = flow;
    config.endpoint = "https://127.0.0.1:" + std::to_string(listener.port);
    config.issuers = {config.endpoint + "/" + config.user_pool_id};
    config.jwks_uris = {config.issuers[0] + "/.well-known/jwks.json"};
    config.ca_file = state_directory() + "/ca.pem";
    pool_.tokens.set_issuer(config.issuers[0]);
    server_ = pool::Server::start(pool_, std::move(listener), tls, "");
    assert_non_null(server_.get());
    clock.wall = std::time(nullptr);
    context.client_metadata = {{"service", "sshd"}};
    context.remote_address = "192.0.2.7";
    client = required(cognito::make_user_pool(loop, clock, config));
  }

  template <class T>
  T run(runtime::Task<T> task) {
    return run_task(loop, std::move(task));
  }
  [[nodiscard]] runtime::MonotonicTime soon() const { return loop.now() + runtime::seconds(8); }

  PoolResult<AuthStep> sign_in(const std::string& username, const char* typed = kPassword) {
    const Secret password = *Secret::copy_of(typed);
    return run(client->sign_in(username, &password, &context, soon()));
  }
  PoolResult<AuthStep> respond(const Challenge& challenge, const StringMap& responses) {
    return run(client->respond(challenge, responses, &context, soon()));
  }
  Tokens tokens_of(const PoolResult<AuthStep>& step) {
    if (!step) fail_msg("%s", step.error().message.c_str());
    if (!step->tokens) fail_msg("%s and no tokens", step->challenge->wire_name.c_str());
    return *step->tokens;
  }
  Json::Value admin(const std::string& name, const std::string& request) {
    pool::HttpRequest call;
    call.method = "POST";
    call.path = pool::kAdminPath + name;
    call.body = request;
    const auto answer = pool::answer_admin(pool_, call);
    if (answer.status != 200) fail_msg("%s", answer.body.c_str());
    return *pool::parse_json(answer.body);
  }
  std::string message_code(const std::string& user) {
    return admin("inbox/next",
                 R"({"username":")" + user + R"(","wait_ms":5000})")["message"]["code"]
        .asString();
  }
  std::string totp_code(const std::string& secret_code) {
    const std::int64_t now = static_cast<std::int64_t>(std::time(nullptr)) * 1000;
    return pool::totp_code(*pool::base32_decode(secret_code), pool::totp_step(now));
  }

  runtime::EventLoop loop;
  TestClock clock{loop};
  cognito::CallContext context;

 private:
  pool::Pool pool_;
  std::unique_ptr<pool::Server> server_;

 public:
  std::unique_ptr<cognito::UserPool> client;
};

// Another code of the same length.
std::string wrong(std::string code) {
  code.back() = code.back() == '0' ? '1' : '0';
  return code;
}

void a_factor_that_the_pool_demands_is_set_up(void**) {
  for (const bool status_error : {false, true}) {
    LocalPool p;
    p.admin("settings/set", std::string(R"({"mfa_configuration":"ON","verify_answers_error":)") +
                                (status_error ? "true}" : "false}"));
    const auto step = p.sign_in("erin");
    assert_true(step.has_value());
    assert_int_equal(step->challenge->name, ChallengeName::mfa_setup);
    assert_false(cognito::factors_to_set_up(*step->challenge).empty());

    const auto token = p.run(p.client->associate_software_token(
        SetUpProof::by_session(step->challenge->session), p.soon()));
    assert_true(token.has_value());
    const SetUpProof proof = SetUpProof::by_session(token->session);
    const std::string code = p.totp_code(token->secret_code);
    const auto refused =
        p.run(p.client->verify_software_token(proof, wrong(code), "laptop", p.soon()));
    assert_int_equal(refused.has_value(), status_error);
    if (refused) assert_false(refused->verified);
    if (!refused) {
      assert_int_equal(refused.error().kind, ErrorKind::enable_software_token_mfa);
    }
    const auto check = p.run(p.client->verify_software_token(proof, code, "laptop", p.soon()));
    assert_true(check.has_value());
    assert_true(check->verified);
    Challenge last = *step->challenge;
    last.session = check->session;
    const Tokens tokens = p.tokens_of(p.respond(last, {}));
    const auto verified = p.run(p.client->verify(&tokens, p.soon()));
    assert_text(verified->username, "erin");

    const auto again = p.sign_in("erin");
    assert_int_equal(again->challenge->name, ChallengeName::software_token_mfa);
    assert_text(again->challenge->parameters.at("FRIENDLY_DEVICE_NAME"), "laptop");
  }
}

void a_signed_in_person_sets_up_and_prefers_a_factor(void**) {
  LocalPool p;
  const std::string access = p.tokens_of(p.sign_in("erin")).access_token;
  const auto before = p.run(p.client->get_user(access, p.soon()));
  assert_text(before->username, "erin");
  assert_text(before->attributes.at("email"), "erin@example.com");
  assert_true(before->enabled_factors.empty());

  const SetUpProof proof = SetUpProof::by_access_token(access);
  const auto token = p.run(p.client->associate_software_token(proof, p.soon()));
  assert_true(token.has_value());
  const auto check =
      p.run(p.client->verify_software_token(proof, p.totp_code(token->secret_code), "", p.soon()));
  assert_true(check.has_value());
  assert_true(check->verified);
  MfaPreference preference;
  preference.totp = FactorPreference{true, true};
  assert_true(p.run(p.client->set_mfa_preference(access, preference, p.soon())).has_value());

  const auto after = p.run(p.client->get_user(access, p.soon()));
  assert_int_equal(after->enabled_factors.size(), 1);
  assert_text(after->enabled_factors[0], "SOFTWARE_TOKEN_MFA");
  assert_text(after->preferred_factor, "SOFTWARE_TOKEN_MFA");
  assert_int_equal(p.sign_in("erin")->challenge->name, ChallengeName::software_token_mfa);

  const auto bad = p.run(p.client->get_user(access + "x", p.soon()));
  assert_int_equal(bad.error().kind, ErrorKind::not_authorized);
}

void a_forgotten_password_is_replaced(void**) {
  LocalPool p;
  const auto delivery = p.run(p.client->forgot_password("erin", &p.context, p.soon()));
  assert_true(delivery.has_value());
  assert_text(delivery->medium, "EMAIL");
  assert_true(delivery->destination.contains("***"));
  const std::string code = p.message_code("erin");
  const Secret fresh = *Secret::copy_of("N\xc3\xa4w-\"Gnome\"-6");
  const Secret weak = *Secret::copy_of("weak");
  const auto confirm = [&](const std::string& typed, const Secret& password) {
    return p.run(p.client->confirm_forgot_password("erin", typed, &password, &p.context, p.soon()));
  };
  assert_int_equal(confirm(wrong(code), fresh).error().kind, ErrorKind::code_mismatch);
  assert_int_equal(confirm(code, weak).error().kind, ErrorKind::invalid_password);
  assert_true(confirm(code, fresh).has_value());
  assert_int_equal(p.sign_in("erin").error().kind, ErrorKind::not_authorized);
  (void)p.tokens_of(p.sign_in("erin", "N\xc3\xa4w-\"Gnome\"-6"));
}

void a_password_is_changed(void**) {
  LocalPool p;
  const std::string access = p.tokens_of(p.sign_in("erin")).access_token;
  const Secret old = *Secret::copy_of(kPassword);
  const Secret fresh = *Secret::copy_of("New-Gnome-6");
  const auto refused = p.run(p.client->change_password(access, &fresh, &fresh, p.soon()));
  assert_int_equal(refused.error().kind, ErrorKind::not_authorized);
  assert_true(refused.error().password_sent);
  assert_true(p.run(p.client->change_password(access, &old, &fresh, p.soon())).has_value());
  (void)p.tokens_of(p.sign_in("erin", "New-Gnome-6"));
}

void a_sign_up_is_confirmed(void**) {
  LocalPool p;
  assert_int_equal(p.sign_in("una").error().kind, ErrorKind::user_not_confirmed);
  const auto delivery = p.run(p.client->resend_confirmation_code("una", &p.context, p.soon()));
  assert_true(delivery.has_value());
  const std::string code = p.message_code("una");
  const auto confirm = [&](const std::string& typed) {
    return p.run(p.client->confirm_sign_up("una", typed, &p.context, p.soon()));
  };
  assert_int_equal(confirm(wrong(code)).error().kind, ErrorKind::code_mismatch);
  assert_true(confirm(code).has_value());
  (void)p.tokens_of(p.sign_in("una"));
}

void custom_challenges_with_and_without_srp(void**) {
  for (const AuthFlow flow : {AuthFlow::custom_srp, AuthFlow::custom}) {
    LocalPool p(flow);
    const bool srp = flow == AuthFlow::custom_srp;
    const auto wrong_password = p.sign_in("erin", "not it");
    assert_int_equal(wrong_password.has_value(), !srp);
    auto step = p.sign_in("erin");
    assert_true(step.has_value());
    assert_int_equal(step->challenge->name, ChallengeName::custom_challenge);
    assert_text(step->challenge->parameters.at("prompt"), "Colour?");
    step = p.respond(*step->challenge, {{"ANSWER", "red"}});
    assert_true(step.has_value());
    assert_int_equal(step->challenge->name, ChallengeName::custom_challenge);
    const Tokens tokens = p.tokens_of(p.respond(*step->challenge, {{"ANSWER", "blue"}}));
    assert_text(p.run(p.client->verify(&tokens, p.soon()))->username, "erin");
  }
}

void the_pool_sees_the_origin_and_the_metadata(void**) {
  LocalPool p;
  (void)p.tokens_of(p.sign_in("erin"));
  const Json::Value log = p.admin("log/list", "{}")["requests"];
  assert_int_equal(log.size(), 2);
  for (const Json::Value& request : log) {
    assert_text(request["ip"].asString(), "192.0.2.7");
    assert_text(request["metadata"]["service"].asString(), "sshd");
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_factor_that_the_pool_demands_is_set_up),
      cmocka_unit_test(a_signed_in_person_sets_up_and_prefers_a_factor),
      cmocka_unit_test(a_forgotten_password_is_replaced),
      cmocka_unit_test(a_password_is_changed),
      cmocka_unit_test(a_sign_up_is_confirmed),
      cmocka_unit_test(custom_challenges_with_and_without_srp),
      cmocka_unit_test(the_pool_sees_the_origin_and_the_metadata),
  };
  return cmocka_run_group_tests_name("local_pool", tests, nullptr, nullptr);
}
