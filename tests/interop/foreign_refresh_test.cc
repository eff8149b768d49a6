// The client against a user pool that this project did not write and that does not know
// GetTokensFromRefreshToken: cognito-local (npm).
#include <curl/curl.h>
#include <json/json.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "daemon/cognito/cognito_user_pool.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/certificates.h"
#include "tests/unit/cognito/run_task.h"
#include "tests/unit/cognito/scripted_http.h"

namespace pamcognito::test {
namespace {

using cognito::Call;
using cognito::CallTrace;
using cognito::ErrorKind;
using cognito::RefreshProof;
using cognito::Tokens;

Json::Value fixture;
std::string fixture_directory;
pid_t fixture_process = -1;

struct Foreign {
  runtime::EventLoop loop;
  TestClock clock{loop};
  TemporaryFile authority{make_authority("nobody").pem()};  // cognito-local speaks plain HTTP
  cognito::CallContext context;
  std::unique_ptr<cognito::UserPool> client;

  Foreign() {
    cognito::PoolConfig config;
    config.region = "local";
    config.user_pool_id = fixture["user_pool_id"].asString();
    config.client_id = fixture["client_id"].asString();
    config.auth_flow = cognito::AuthFlow::password;
    config.endpoint = fixture["endpoint"].asString();
    config.endpoint.pop_back();  // the / at its end
    config.issuers = {fixture["issuer"].asString()};
    config.jwks_uris = {fixture["jwks_uri"].asString()};
    config.ca_file = authority.path();
    clock.wall = std::time(nullptr);
    client = std::move(*cognito::make_user_pool(loop, clock, config));
  }
  [[nodiscard]] Call soon(CallTrace* trace = nullptr) const {
    return Call(loop.now() + runtime::seconds(30), trace);
  }
};

void a_refresh_by_the_other_way(void**) {
  Foreign f;
  const Secret password = *Secret::copy_of(fixture["password"].asString());
  const std::string name = fixture["plain_username"].asString();
  const auto step = run_task(f.loop, f.client->sign_in(name, &password, &f.context, f.soon()));
  if (!step || !step->tokens) fail_msg("%s", step ? "a challenge" : step.error().message.c_str());
  RefreshProof proof;
  proof.refresh_token = step->tokens->refresh_token;
  proof.username = name;
  for (const bool first : {true, false}) {
    CallTrace trace;
    const auto tokens = run_task(f.loop, f.client->refresh(proof, f.soon(&trace)));
    if (!tokens) fail_msg("%s", tokens.error().message.c_str());
    assert_text(tokens->refresh_token, "");
    const auto verified = run_task(f.loop, f.client->verify(&*tokens, f.soon()));
    if (!verified) fail_msg("%s", verified.error().message.c_str());
    assert_text(verified->username, name);
    assert_text(verified->groups.at(0), fixture["group"].asString());
    assert_int_equal(trace.text().starts_with("GetTokensFromRefreshToken unknown-operation "),
                     first);
    assert_true(trace.text().contains("InitiateAuth ok "));
  }
  proof.refresh_token += "x";
  const auto refused = run_task(f.loop, f.client->refresh(proof, f.soon()));
  assert_int_equal(refused.error().kind, ErrorKind::not_authorized);
}

int stop_fixture(void**) {
  if (fixture_process > 0) {
    (void)::kill(fixture_process, SIGTERM);
    (void)::waitpid(fixture_process, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(fixture_directory, ignored);
  return 0;
}

int start_fixture(void**) {
  char name[] = "/tmp/foreign-refresh-XXXXXX";
  assert_non_null(::mkdtemp(name));
  fixture_directory = name;
  fixture_process = ::fork();
  assert_true(fixture_process >= 0);
  if (fixture_process == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);  // which ends cognito-local too
    ::execlp("node", "node", PAM_COGNITO_TEST_FIXTURE, fixture_directory.c_str(), nullptr);
    ::_exit(127);
  }
  const std::string ready = fixture_directory + "/ready.json";
  constexpr int tries = 6000;
  for (int i = 0; i < tries && ::access(ready.c_str(), R_OK) != 0; ++i) (void)::usleep(10'000);
  if (::access(ready.c_str(), R_OK) != 0) {
    (void)stop_fixture(nullptr);
    fail_msg("waited in vain for cognito-local");
  }
  std::ifstream(ready) >> fixture;
  return 0;
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  const CMUnitTest tests[] = {cmocka_unit_test(a_refresh_by_the_other_way)};
  return cmocka_run_group_tests_name("foreign_refresh", tests, start_fixture, stop_fixture);
}
