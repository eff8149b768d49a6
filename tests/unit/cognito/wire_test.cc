// Every operation over libcurl against a server that reads a request on a kept-alive connection and
// then cuts: it must see each request exactly once, unless the operation's rule allows a second
// one.
#include <curl/curl.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cognito/cognito_user_pool.h"
#include "daemon/cognito/curl_http.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/run_task.h"
#include "tests/unit/cognito/scripted_http.h"
#include "tests/unit/cognito/scripted_server.h"
#include "tests/unit/cognito/token_factory.h"

namespace pamcognito::test {
namespace {

using cognito::AuthFlow;
using cognito::CallContext;
using cognito::Challenge;
using cognito::CognitoUserPool;
using cognito::CurlHttp;
using cognito::ErrorKind;
using cognito::PoolResult;
using cognito::SetUpProof;
using cognito::Tokens;
using runtime::EventLoop;
using runtime::seconds;

constexpr char kVerifier[] =
    R"({"ChallengeName":"PASSWORD_VERIFIER","ChallengeParameters":{"SALT":"f1ed0c41","SRP_B":)"
    R"("475ec8178b90184a","SECRET_BLOCK":"HH3IY+LV","USER_ID_FOR_SRP":"alice"}})";
constexpr char kTokens[] = R"({"AuthenticationResult":{"AccessToken":"a","IdToken":"b"}})";

std::string answer_to(const std::string& request) {
  if (request.starts_with("GET")) return key_set();
  if (request.find("USER_SRP_AUTH") != std::string::npos) return kVerifier;
  if (request.find("RevokeToken") != std::string::npos) return "{}";
  return kTokens;
}

// Answers every request except those that hold `victim`: those it reads, counts and cuts.
class CuttingPool {
 public:
  explicit CuttingPool(std::string victim)
      : victim_(std::move(victim)), server_([this](Peer& peer, int) { serve(peer); }) {}

  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] int cuts() const { return cuts_; }
  [[nodiscard]] int others() const { return others_; }

 private:
  void serve(Peer& peer) {
    while (const auto request = peer.read_request()) {
      if (request->find(victim_) != std::string::npos) {
        ++cuts_;
        return;
      }
      ++others_;
      (void)peer.write(http_answer(200, answer_to(*request)));
    }
  }

  std::string victim_;
  std::atomic<int> cuts_ = 0;
  std::atomic<int> others_ = 0;
  ScriptedServer server_;
};

struct Client {
  EventLoop loop;
  TestClock clock{loop};
  TemporaryFile authority{make_authority("unused").pem()};
  std::unique_ptr<CognitoUserPool> pool;
  Secret password = *Secret::copy_of("Correct-Horse-7");
  CallContext context;

  explicit Client(const std::string& url, AuthFlow flow) {
    cognito::PoolConfig config;
    config.user_pool_id = "eu-west-1_Example";
    config.client_id = kClient;
    config.auth_flow = flow;
    config.endpoint = url;
    config.issuers = {kIssuer};
    config.jwks_uris = {url + "/keys"};
    CurlHttp::Settings settings;
    settings.ca_file = authority.path();
    pool = std::make_unique<CognitoUserPool>(loop, clock,
                                             std::move(*CurlHttp::create(loop, settings)), config);
    // The connection that will be cut must be one that is kept alive.
    assert_true(run_task(loop, pool->revoke("first", soon())).has_value());
  }
  [[nodiscard]] runtime::MonotonicTime soon() const { return loop.now() + seconds(8); }

  ErrorKind sign_in() {
    return run_task(loop, pool->sign_in("alice", &password, &context, soon())).error().kind;
  }
  ErrorKind respond(const char* name) {
    Challenge challenge;
    challenge.wire_name = name;
    challenge.challenge_session = "s";
    challenge.username = "alice";
    return run_task(loop, pool->respond(challenge, {{"ANSWER", "x"}}, &context, soon()))
        .error()
        .kind;
  }
};

void initiate_auth_by_srp_goes_out_twice(void**) {
  CuttingPool server("USER_SRP_AUTH");
  Client client(server.url(), AuthFlow::srp);
  assert_int_equal(client.sign_in(), ErrorKind::connection_cut);
  assert_int_equal(server.cuts(), 2);
}

void a_password_proof_goes_out_once(void**) {
  CuttingPool server("PASSWORD_CLAIM_SIGNATURE");
  Client client(server.url(), AuthFlow::srp);
  assert_int_equal(client.sign_in(), ErrorKind::connection_cut);
  assert_int_equal(server.cuts(), 1);
}

void a_password_goes_out_once(void**) {
  CuttingPool server("USER_PASSWORD_AUTH");
  Client client(server.url(), AuthFlow::password);
  assert_int_equal(client.sign_in(), ErrorKind::connection_cut);
  assert_int_equal(server.cuts(), 1);
}

void every_answer_to_a_challenge_goes_out_once(void**) {
  for (const char* name : {"SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE"}) {
    CuttingPool server("RespondToAuthChallenge");
    Client client(server.url(), AuthFlow::srp);
    assert_int_equal(client.respond(name), ErrorKind::connection_cut);
    assert_int_equal(server.cuts(), 1);
  }
}

void a_lambda_s_challenges_are_begun_once(void**) {
  CuttingPool server("CUSTOM_AUTH");
  Client client(server.url(), AuthFlow::custom);
  assert_int_equal(client.sign_in(), ErrorKind::connection_cut);
  assert_int_equal(server.cuts(), 1);
  CuttingPool with_srp("CUSTOM_AUTH");
  Client srp_client(with_srp.url(), AuthFlow::custom_srp);
  assert_int_equal(srp_client.sign_in(), ErrorKind::connection_cut);
  assert_int_equal(with_srp.cuts(), 2);
}

template <class T>
int cuts_of(const char* operation, runtime::Task<PoolResult<T>> (*call)(Client&)) {
  CuttingPool server(operation);
  Client client(server.url(), AuthFlow::srp);
  const auto result = run_task(client.loop, call(client));
  assert_int_equal(result.error().kind, ErrorKind::connection_cut);
  return server.cuts();
}

void what_spends_a_code_or_causes_a_message_goes_out_once(void**) {
  const auto session = +[](Client& c) {
    return c.pool->associate_software_token(SetUpProof::by_challenge_session("s"), c.soon());
  };
  const auto token = +[](Client& c) {
    return c.pool->associate_software_token(SetUpProof::by_access_token("a"), c.soon());
  };
  const auto check = +[](Client& c) {
    return c.pool->verify_software_token(SetUpProof::by_access_token("a"), "123456", "", c.soon());
  };
  const auto forgot =
      +[](Client& c) { return c.pool->forgot_password("alice", &c.context, c.soon()); };
  const auto resend =
      +[](Client& c) { return c.pool->resend_confirmation_code("alice", &c.context, c.soon()); };
  const auto reset = +[](Client& c) {
    return c.pool->confirm_forgot_password("alice", "1", &c.password, &c.context, c.soon());
  };
  const auto change =
      +[](Client& c) { return c.pool->change_password("a", &c.password, &c.password, c.soon()); };
  assert_int_equal(cuts_of("AssociateSoftwareToken", session), 1);
  assert_int_equal(cuts_of("AssociateSoftwareToken", token), 2);
  assert_int_equal(cuts_of("VerifySoftwareToken", check), 1);
  assert_int_equal(cuts_of("ForgotPassword", forgot), 1);
  assert_int_equal(cuts_of("ResendConfirmationCode", resend), 1);
  assert_int_equal(cuts_of("ConfirmForgotPassword", reset), 1);
  assert_int_equal(cuts_of("ChangePassword", change), 1);
}

void a_revocation_goes_out_twice(void**) {
  CuttingPool server("second");
  Client client(server.url(), AuthFlow::srp);
  const auto result = run_task(client.loop, client.pool->revoke("second", client.soon()));
  assert_int_equal(result.error().kind, ErrorKind::connection_cut);
  assert_int_equal(server.cuts(), 2);
}

void the_keys_are_asked_for_twice(void**) {
  CuttingPool server("GET /keys");
  Client client(server.url(), AuthFlow::srp);
  Tokens tokens;
  tokens.access_token = make_token(access_claims(client.clock.wall), access_key());
  const auto result = run_task(client.loop, client.pool->verify(&tokens, client.soon()));
  assert_int_equal(result.error().kind, ErrorKind::connection_cut);
  assert_int_equal(server.cuts(), 2);
}

void nothing_is_cut_and_nothing_is_sent_twice(void**) {
  CuttingPool server("nothing of the kind");
  Client client(server.url(), AuthFlow::srp);
  const auto step = run_task(
      client.loop, client.pool->sign_in("alice", &client.password, &client.context, client.soon()));
  assert_true(step.has_value());
  assert_int_equal(server.others(), 3);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  const CMUnitTest tests[] = {
      cmocka_unit_test(initiate_auth_by_srp_goes_out_twice),
      cmocka_unit_test(a_password_proof_goes_out_once),
      cmocka_unit_test(a_password_goes_out_once),
      cmocka_unit_test(every_answer_to_a_challenge_goes_out_once),
      cmocka_unit_test(a_lambda_s_challenges_are_begun_once),
      cmocka_unit_test(what_spends_a_code_or_causes_a_message_goes_out_once),
      cmocka_unit_test(a_revocation_goes_out_twice),
      cmocka_unit_test(the_keys_are_asked_for_twice),
      cmocka_unit_test(nothing_is_cut_and_nothing_is_sent_twice),
  };
  return cmocka_run_group_tests_name("wire", tests, nullptr, nullptr);
}
