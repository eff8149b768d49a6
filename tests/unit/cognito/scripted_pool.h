#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/secret.h"
#include "daemon/cognito/cognito_user_pool.h"
#include "tests/unit/cognito/run_task.h"
#include "tests/unit/cognito/scripted_http.h"
#include "tests/unit/cognito/token_factory.h"

namespace pamcognito::test {

inline constexpr char kVerifier[] =
    R"({"ChallengeName":"PASSWORD_VERIFIER","ChallengeParameters":{"SALT":"f1ed0c41","SRP_B":)"
    R"("475ec8178b90184a","SECRET_BLOCK":"HH3IY+LV","USER_ID_FOR_SRP":"alice-id","USERNAME":"alice"}})";
inline constexpr char kTotp[] =
    R"({"ChallengeName":"SOFTWARE_TOKEN_MFA","Session":"session-1",)"
    R"("ChallengeParameters":{"USER_ID_FOR_SRP":"alice-id","FRIENDLY_DEVICE_NAME":"phone"}})";
inline constexpr char kTokens[] =
    R"({"AuthenticationResult":{"AccessToken":"a.b.c","IdToken":"d.e.f","RefreshToken":"r",)"
    R"("ExpiresIn":3600,"TokenType":"Bearer","NewDeviceMetadata":{"DeviceKey":"k",)"
    R"("DeviceGroupKey":"g"}},"ChallengeParameters":{}})";

inline cognito::PoolConfig make_config(cognito::AuthFlow flow = cognito::AuthFlow::srp) {
  cognito::PoolConfig config;
  config.region = "eu-west-1";
  config.user_pool_id = "eu-west-1_Example";
  config.client_id = kClient;
  config.auth_flow = flow;
  config.endpoint = "https://cognito-idp.eu-west-1.amazonaws.com";
  config.issuers = {kIssuer};
  config.jwks_uris = {std::string(kIssuer) + "/.well-known/jwks.json"};
  return config;
}

// A CognitoUserPool whose answers come one by one; beyond the last one nobody answers.
struct ScriptedPool {
  runtime::EventLoop loop;
  TestClock clock{loop};
  std::vector<cognito::HttpResult> answers;
  ScriptedHttp* http;
  cognito::CognitoUserPool pool;
  Secret password = *Secret::copy_of("Correct-Horse-7");
  cognito::CallContext context;

  explicit ScriptedPool(std::vector<cognito::HttpResult> script,
                        const cognito::PoolConfig& config = make_config())
      : answers(std::move(script)),
        http(new ScriptedHttp(loop, [this](const auto&) { return next(); })),
        pool(loop, clock, std::unique_ptr<cognito::Http>(http), config) {
    context.client_metadata = {{"service", "sshd"}};
  }

  cognito::HttpResult next() {
    const std::size_t index = http->requests.size() - 1;
    return index < answers.size() ? answers[index] : failed(cognito::HttpFailure::internal);
  }
  [[nodiscard]] runtime::MonotonicTime soon() const { return loop.now() + runtime::seconds(8); }
  template <class T>
  T run(runtime::Task<T> task) {
    return run_task(loop, std::move(task));
  }
  cognito::PoolResult<cognito::AuthStep> sign_in(const std::string& username = "alice") {
    return run(pool.sign_in(username, &password, &context, soon()));
  }
  cognito::PoolResult<cognito::AuthStep> respond(const cognito::Challenge& challenge,
                                                 const cognito::StringMap& responses) {
    return run(pool.respond(challenge, responses, &context, soon()));
  }
  Json::Value body(std::size_t index) const {
    return cognito::parse_json_object(http->requests[index].body)->root();
  }
  const std::string& wire(std::size_t index) const { return http->requests[index].body; }
  std::string target(std::size_t index) const { return http->requests[index].headers[1]; }
  std::size_t sent() const { return http->requests.size(); }
};

inline cognito::PoolConfig with_secret(cognito::PoolConfig config) {
  config.client_secret = std::make_shared<const Secret>(*Secret::copy_of("client-secret"));
  return config;
}

}  // namespace pamcognito::test
