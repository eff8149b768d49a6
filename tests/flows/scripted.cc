#include "tests/flows/scripted.h"

#include <cstdlib>

namespace pamcognito::test {

using cognito::AuthStep;
using cognito::Challenge;
using cognito::ChallengeName;
using runtime::Task;

namespace {

std::string wire_name_of(ChallengeName name) {
  switch (name) {
    case ChallengeName::sms_mfa:
      return "SMS_MFA";
    case ChallengeName::email_otp:
      return "EMAIL_OTP";
    case ChallengeName::software_token_mfa:
      return "SOFTWARE_TOKEN_MFA";
    case ChallengeName::select_mfa_type:
      return "SELECT_MFA_TYPE";
    case ChallengeName::mfa_setup:
      return "MFA_SETUP";
    case ChallengeName::new_password_required:
      return "NEW_PASSWORD_REQUIRED";
    case ChallengeName::custom_challenge:
      return "CUSTOM_CHALLENGE";
    case ChallengeName::other:
      return "OTHER";
  }
  return {};
}

}  // namespace

Task<std::expected<Secret, flows::ConversationError>> ScriptedPerson::ask(flows::Prompt prompt) {
  prompts.push_back(prompt.text);
  notices.push_back(prompt.notice.text);
  purposes.push_back(prompt.purpose);
  echoes.push_back(prompt.echo);
  if (before_answer) before_answer();
  if (never_answers) co_await std::suspend_always();
  if (answers.empty()) co_return std::unexpected(flows::ConversationError::gone);
  std::optional<Secret> answer = Secret::copy_of(answers.front());
  answers.pop_front();
  if (!answer) std::abort();
  co_return std::move(*answer);
}

ScriptedPool::Reply ScriptedPool::next(const runtime::MonotonicTime& deadline) {
  if (deadline <= clock_.now())
    return std::unexpected(cognito::PoolError(cognito::ErrorKind::timed_out, "no time was left"));
  if (replies.empty())
    return std::unexpected(cognito::PoolError(cognito::ErrorKind::internal, "script at its end"));
  Reply reply = std::move(replies.front());
  replies.pop_front();
  if (reply && reply->challenge) reply->challenge->received = clock_.now();
  return reply;
}

Task<ScriptedPool::Reply> ScriptedPool::sign_in(std::string username, const Secret* password,
                                                cognito::StringMap,
                                                runtime::MonotonicTime deadline) {
  calls.push_back({"sign_in", std::move(username), std::string(password->reveal()), {}});
  co_return next(deadline);
}

Task<ScriptedPool::Reply> ScriptedPool::respond(Challenge challenge, cognito::StringMap responses,
                                                cognito::StringMap,
                                                runtime::MonotonicTime deadline) {
  calls.push_back({"respond " + challenge.wire_name, challenge.username, {}, std::move(responses)});
  co_return next(deadline);
}

Task<cognito::PoolResult<cognito::VerifiedTokens>> ScriptedPool::verify(const cognito::Tokens*,
                                                                        runtime::MonotonicTime) {
  calls.push_back({"verify", {}, {}, {}});
  co_return verified;
}

Task<cognito::PoolResult<void>> ScriptedPool::revoke(std::string, runtime::MonotonicTime) {
  calls.push_back({"revoke", {}, {}, {}});
  co_return cognito::PoolResult<void>{};
}

void ScriptedPool::reply_challenge(ChallengeName name, cognito::StringMap parameters) {
  Challenge challenge;
  challenge.name = name;
  challenge.wire_name = wire_name_of(name);
  challenge.session = "session";
  challenge.username = "alice";
  challenge.parameters = std::move(parameters);
  replies.emplace_back(AuthStep(std::move(challenge)));
}

void ScriptedPool::reply_tokens() {
  cognito::Tokens tokens;
  tokens.access_token = "access";
  tokens.id_token = "id";
  tokens.refresh_token = "refresh";
  replies.emplace_back(AuthStep(std::move(tokens)));
}

void ScriptedPool::reply_error(cognito::ErrorKind kind, std::string message, bool password_sent) {
  cognito::PoolError error(kind, std::move(message));
  error.password_sent = password_sent;
  replies.emplace_back(std::unexpected(std::move(error)));
}

World::World() {
  config->access.allow_groups = {"linux-users"};
  pool.verified.emplace();
  pool.verified->sub = "5e7b1c2a-0000-4000-8000-000000000001";
  pool.verified->username = "alice";
  pool.verified->groups = {"linux-users"};
  person->answers = {"right password"};
}

flows::SignInServices World::services() {
  flows::SignInServices services;
  services.config = config;
  services.pool = &pool;
  services.clock = &clock;
  services.failures = &failures;
  services.messages = &messages;
  services.password_turns = &turns;
  services.refusal_time = &refusal_time;
  services.revoke_later = [this](std::string token) { revoked.push_back(std::move(token)); };
  return services;
}

flows::SignInRequest World::request() {
  return {"alice", service, 1001, origin};
}

flows::SignInResult World::run() {
  flows::SignIn sign_in(services(), request(), person.get());
  runtime::Task<flows::SignInResult> task = sign_in.run();
  std::optional<flows::SignInResult> result = run_now(task);
  if (!result) std::abort();
  return std::move(*result);
}

std::string World::operations() const {
  std::string all;
  for (const PoolCall& call : pool.calls) all += (all.empty() ? "" : ", ") + call.operation;
  return all;
}

void World::next_sign_in() {
  person = std::make_unique<ScriptedPerson>();
  person->answers = {"right password"};
  pool.calls.clear();
  pool.replies.clear();
  revoked.clear();
}

}  // namespace pamcognito::test
