#pragma once

#include <stdlib.h>

#include <cstdint>
#include <ctime>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "daemon/cognito/cognito_user_pool.h"
#include "tests/cmocka_cpp.h"
#include "tests/pool/admin.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/server.h"
#include "tests/pool/totp.h"
#include "tests/unit/cognito/run_task.h"
#include "tests/unit/cognito/scripted_http.h"

// The client and cognito-pool over HTTPS, in one process.
namespace pamcognito::test {

inline constexpr char kPassword[] = "Garden-Gnome-5";
inline constexpr char kSeed[] = R"({
  "pool": {"id": "eu-west-1_CogPool01", "mfa_configuration": "OPTIONAL", "srp_answer_s": 300},
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

inline const std::string& state_directory() {
  static const Directory directory;
  return directory.path;
}

// cognito-pool with two users, and a client that has a secret.
class LocalPool {
 public:
  explicit LocalPool(cognito::AuthFlow flow = cognito::AuthFlow::srp, const char* seed = kSeed)
      : pool_(required(pool::TokenIssuer::open(state_directory()))) {
    const auto tls = required(pool::load_or_make_certificates(state_directory()));
    assert_true(pool_.load(*pool::parse_json(seed)).has_value());
    auto listener = required(pool::listen_on("127.0.0.1", 0));
    cognito::PoolConfig config;
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
  // Spent only in vain.
  [[nodiscard]] runtime::MonotonicTime soon() const { return loop.now() + runtime::seconds(60); }

  cognito::PoolResult<cognito::AuthStep> sign_in(const std::string& username,
                                                 const char* typed = kPassword) {
    const Secret password = *Secret::copy_of(typed);
    return run(client->sign_in(username, &password, &context, soon()));
  }
  cognito::PoolResult<cognito::AuthStep> respond(const cognito::Challenge& challenge,
                                                 const cognito::StringMap& responses) {
    return run(client->respond(challenge, responses, &context, soon()));
  }
  cognito::Tokens tokens_of(const cognito::PoolResult<cognito::AuthStep>& step) {
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

}  // namespace pamcognito::test
