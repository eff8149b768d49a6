#include "daemon/sign_in/sign_in_context.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "common/protocol_limits.h"
#include "daemon/cognito/error_table.h"
#include "daemon/policy/access.h"
#include "daemon/prompts/texts.h"
#include "daemon/runtime/host_name.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::sign_in {
namespace {

using cognito::ErrorKind;
using cognito::Method;
using cognito::PoolError;
using runtime::Level;
using runtime::Task;

constexpr std::chrono::milliseconds kStep = protocol::kRequestTime;
// Cognito's session lives three minutes or more; a little less on our clock, which started it
// later.
constexpr std::chrono::seconds kSessionAge{170};
// To find the phone, add the account, wait for the code and type it.
constexpr std::chrono::seconds kEnrolment{90};
// A question says how much time is left, if it is no more than this: an app shows a code for 30 s
// (RFC 6238).
constexpr std::chrono::seconds kLittleTime{30};
// The whole of a factor change: to find the phone, and to install an app.
constexpr std::chrono::seconds kFactorChange{300};

cognito::CallContext call_context(const policy::Config& config, const SignInRequest& request) {
  cognito::CallContext context;
  const policy::ClientMetadataConfig& metadata = config.client_metadata;
  context.client_metadata = metadata.pairs;
  if (metadata.host) context.client_metadata["host"] = runtime::host_name();
  if (metadata.service) context.client_metadata["service"] = request.service;
  if (metadata.remote_host && !request.remote_host.empty())
    context.client_metadata["remote-host"] = request.remote_host;
  if (config.pool.user_context) context.remote_address = request.remote_host;
  return context;
}

// How the program that asks can show things, and what is permitted to the service: a user's own
// process is not believed about the service.
policy::ServiceProfile profile_of(const policy::Config& config, const SignInRequest& request) {
  policy::ServiceProfile profile = policy::service_profile(&config, request.program);
  profile.begins_with_reset = policy::service_profile(&config, request.service).begins_with_reset;
  if (request.qr) profile.qr = *request.qr;
  if (request.goal == Goal::change_factors) profile.sign_in_timeout = kFactorChange;
  return profile;
}

SignInEnd broken(std::string cause, Level level = Level::notice) {
  return std::make_unique<SignInResult>(Outcome::conversation_broken, std::move(cause), Notice(),
                                        level);
}

}  // namespace

SignInEnd make_end(Outcome outcome, std::string cause, std::string text, Level level) {
  return std::make_unique<SignInResult>(outcome, std::move(cause), Notice::error(std::move(text)),
                                        level);
}

bool sends_a_message(Method method) {
  return method == Method::sms || method == Method::email;
}

SignInEnd no_attempt_left(const SignInContext& context) {
  const std::chrono::seconds wait = context.wait_for_attempt();
  return make_end(Outcome::tries_exhausted, "failure-budget",
                  context.proved.first_factor ? prompts::too_many_wrong_codes(wait)
                                              : prompts::too_many_failures(wait),
                  Level::warning);
}

SignInEnd no_first_factor() {
  return make_end(Outcome::not_permitted, "no-first-factor", prompts::pool_failed(), Level::error);
}

SignInContext::SignInContext(SignInServices services_, SignInRequest request_,
                             Conversation* conversation_)
    : services(std::move(services_)),
      request(std::move(request_)),
      conversation(conversation_),
      profile(profile_of(*services.config, request)),
      cognito_name(policy::cognito_username(services.config->access, request.user)),
      call(call_context(*services.config, request)),
      // A sign-in may begin with a call, before any answer.
      step_deadline_(services.clock->now() + kStep) {}

// Not a coroutine: no frame keeps the prompt while the person types.
Task<StepResult<Secret>> SignInContext::ask(Prompt prompt) {
  const Purpose purpose = prompt.purpose;
  if (prompt.notice.kind == Notice::Kind::none)
    prompt.notice = std::exchange(report.notice, Notice());
  if (profile.one_text && prompt.notice.kind != Notice::Kind::none) {
    prompt.text.insert(0, std::exchange(prompt.notice, Notice()).text + "\n");
  }
  if (purpose != Purpose::password && purpose != Purpose::password_and_code) {
    typed.more_than_password = true;
    tell_time_left(&prompt);
  }
  return take_answer(purpose, conversation->ask(std::move(prompt)));
}

// With the question, since OpenSSH shows a notice only after it. A program that wants the URI alone
// gets no more.
void SignInContext::tell_time_left(Prompt* prompt) const {
  const std::chrono::seconds left = time_left();
  if (left > kLittleTime || left <= std::chrono::seconds(0) || request.plain_uri) return;
  prompt->text.insert(0, prompts::seconds_left(left) + "\n");
}

Task<StepResult<Secret>> SignInContext::take_answer(
    Purpose purpose, Task<std::expected<Secret, ConversationError>> answering) {
  std::expected<Secret, ConversationError> answer = co_await std::move(answering);
  step_deadline_ = services.clock->now() + kStep;
  if (!answer) {
    const bool gone = answer.error() == ConversationError::gone;
    co_return std::unexpected(broken(gone ? "caller-gone" : "caller-gave-up"));
  }
  // Before any trimming, so that the password as it was typed is what is compared.
  const bool no_password_belongs_here = purpose == Purpose::code || purpose == Purpose::choice;
  if (no_password_belongs_here && !typed.password.empty() && answer->equals(typed.password))
    co_return std::unexpected(broken("answer-is-the-password", Level::warning));
  co_return std::move(*answer);
}

bool SignInContext::accepts(Method method) const {
  return std::ranges::find(config().mfa.methods, method) != config().mfa.methods.end();
}

void SignInContext::give_factor(Method method) {
  if (proved.first_factor && (!proved.factor || !accepts(*proved.factor))) proved.factor = method;
}

bool SignInContext::may_enrol_freely() const {
  if (profile.single_prompt || !accepts(Method::totp)) return false;
  // A user who asked for another change is not made to set something up.
  if (request.goal == Goal::change_factors && !is_to_set_up_totp()) return false;
  return may_add_first_factor();
}

bool SignInContext::may_add_first_factor() const {
  switch (config().mfa.enroll) {
    case policy::Enroll::never:
    case policy::Enroll::when_required:
      return false;
    case policy::Enroll::at_console:
      if (!request.caller_is_root) return request.place.kind == CallerPlace::Kind::seat;
      return profile.local_seat && request.program == request.service &&
             !request.origin.is_shared();
    case policy::Enroll::anywhere:
      return has_place();
  }
  return false;
}

bool SignInContext::has_place() const {
  return request.caller_is_root || request.place.kind != CallerPlace::Kind::unknown;
}

bool SignInContext::is_to_set_up_totp() const {
  return request.goal == Goal::change_factors && request.change &&
         std::holds_alternative<SetUpTotp>(*request.change);
}

std::chrono::seconds SignInContext::time_left() const {
  return std::chrono::floor<std::chrono::seconds>(conversation->ends_at() - services.clock->now());
}

bool SignInContext::has_time_to_enrol() const {
  return time_left() >= kEnrolment;
}

bool SignInContext::service_has_time_to_enrol() const {
  return profile.sign_in_timeout >= kEnrolment;
}

void SignInContext::password_was_changed(Secret new_password) {
  typed.password = std::move(new_password);
  proved.password_changed = true;
  services.sessions->forget_passwords(request.user);
}

bool SignInContext::may_ask_pool() {
  if (!request.is_first_login) return true;
  if (!pool_may_be_asked_) pool_may_be_asked_ = permits_first_login();
  return *pool_may_be_asked_;
}

bool SignInContext::permits_first_login() const {
  using Answer = limits::FirstLoginRates::Answer;
  if (services.first_logins == nullptr) return false;
  limits::FirstLoginRates& rates = *services.first_logins;
  const runtime::BootTime now = services.clock->boot_time();
  const Answer answer = rates.take(request.origin, now);
  if (answer == Answer::permitted) return services.failures->has_place(request.user, now);
  if (rates.is_to_be_logged(answer, now)) {
    const policy::LimitsConfig& limits = config().limits;
    const bool of_source = answer == Answer::beyond_source;
    runtime::log(
        Level::warning,
        "more than " +
            std::to_string(of_source ? limits.first_logins_per_source : limits.first_logins) +
            " first logins in a minute" +
            (of_source ? " from " + request.origin.network() : std::string()) +
            ": further ones are refused without asking the user pool");
  }
  return false;
}

Task<void> SignInContext::take_as_long_as_the_pool() const {
  co_await services.clock->sleep_until(services.clock->now() + *services.refusal_time);
}

std::optional<limits::Attempt> SignInContext::take_attempt() {
  if (!may_ask_pool()) return std::nullopt;
  std::optional<limits::Attempt> attempt = services.failures->take(
      request.user, request.user_uid, request.origin, services.clock->boot_time());
  attempts.taken = attempts.taken || attempt.has_value();
  return attempt;
}

unsigned SignInContext::attempts_left() const {
  return services.failures
      ->room(request.user, request.user_uid, request.origin, services.clock->boot_time())
      .left;
}

std::chrono::seconds SignInContext::wait_for_attempt() const {
  // As if the pool had been asked.
  if (pool_may_be_asked_ == false) return config().limits.failure_window;
  const limits::FailureBudgets::Room room = services.failures->room(
      request.user, request.user_uid, request.origin, services.clock->boot_time());
  const bool may_know = proved.first_factor ||
                        services.failures->knows(request.user, request.user_uid, request.origin);
  return room.left > 0 || may_know ? room.free_in : config().limits.failure_window;
}

StepResult<> SignInContext::charge_message() const {
  const runtime::BootTime now = services.clock->boot_time();
  if (!services.messages->permitted(request.user, now))
    return std::unexpected(make_end(Outcome::tries_exhausted, "message-budget",
                                    prompts::too_many_messages(), Level::warning));
  // Before it is known to have gone out: an answer that is lost may have caused it.
  services.messages->caused(request.user, now);
  return {};
}

bool SignInContext::charge_reset_message() const {
  const runtime::BootTime now = services.clock->boot_time();
  limits::MessageBudgets& by_user = *services.reset_messages;
  limits::MessageBudgets& by_origin = *services.reset_messages_by_origin;
  if (!by_user.permitted(request.user, now) || !by_origin.permitted(request.origin.key(), now))
    return false;
  by_user.caused(request.user, now);
  by_origin.caused(request.origin.key(), now);
  return true;
}

void SignInContext::reset_message_answered() const {
  services.reset_messages->answered(request.user);
  services.reset_messages_by_origin->answered(request.origin.key());
}

void SignInContext::count_message(const cognito::AuthStep& step) const {
  if (!step.challenge) return;
  const auto method = cognito::factor_of(step.challenge->name);
  const bool own_question =
      proved.first_factor && step.challenge->name == cognito::ChallengeName::custom_challenge;
  if (own_question || (method && sends_a_message(*method)))
    services.messages->caused(request.user, services.clock->boot_time());
}

SignInEnd SignInContext::from_error(const PoolError& error) const {
  const cognito::ErrorRow& row = cognito::error_row(error.kind);
  // Once the password may have reached the pool, or more than it was asked for, "cannot be reached"
  // is no longer the whole truth: a local password must not do instead.
  const bool still_at_password =
      !proved.first_factor && !error.password_sent && !typed.more_than_password;
  const bool later =
      proved.first_factor || (row.at_password == Outcome::unavailable && !still_at_password);
  std::string text = prompts::failure_text(row.text);
  // A user who is not known here is told the same as for a wrong password.
  if (error.kind == cognito::ErrorKind::attempts_exceeded &&
      (proved.first_factor ||
       services.failures->knows(request.user, request.user_uid, request.origin)))
    text = prompts::too_many_tries();
  if (error.kind == ErrorKind::user_lambda_validation && config().texts.show_trigger_message)
    text = prompts::trigger_refusal(error.message);
  auto result =
      std::make_unique<SignInResult>(later ? row.later : row.at_password, std::string(row.word),
                                     Notice::error(std::move(text)), row.level);
  result->detail = error.message;
  result->request_id = error.request_id;
  result->pool_error = error.kind;
  return result;
}

void SignInContext::keep_for_log(const PoolError& error) {
  report.log_only_error = std::string(cognito::error_row(error.kind).word) + ": " + error.message;
}

bool SignInContext::challenge_session_is_over(const PoolError& error,
                                              runtime::MonotonicTime received) const {
  return error.kind == ErrorKind::not_authorized &&
         (services.clock->now() - received >= kSessionAge ||
          error.message.contains("session is expired"));
}

}  // namespace pamcognito::sign_in
