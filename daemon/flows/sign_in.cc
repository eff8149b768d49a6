#include "daemon/flows/sign_in.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "daemon/flows/code.h"
#include "daemon/flows/error_table.h"
#include "daemon/prompts/texts.h"

namespace pamcognito::flows {
namespace {

using cognito::AuthStep;
using cognito::Challenge;
using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::PoolError;
using policy::Method;
using runtime::Level;
using runtime::Task;

constexpr int kMaxChallenges = 20;
constexpr std::chrono::milliseconds kStep{7500};
// Cognito's session lives three minutes; a little less on our clock, which started it later.
constexpr std::chrono::seconds kSessionAge{170};

const char* code_parameter(Method method) {
  switch (method) {
    case Method::sms:
      return "SMS_MFA_CODE";
    case Method::email:
      return "EMAIL_OTP_CODE";
    case Method::totp:
      return "SOFTWARE_TOKEN_MFA_CODE";
  }
  return "";
}

bool sends_a_message(Method method) {
  return method != Method::totp;
}

std::unique_ptr<SignInResult> broken(std::string cause, Level level = Level::notice) {
  return std::make_unique<SignInResult>(Outcome::conversation_broken, std::move(cause), Notice(),
                                        level);
}

}  // namespace

PendingTokens::PendingTokens(cognito::Tokens tokens, std::function<void(std::string)> revoke_later)
    : tokens_(std::move(tokens)), revoke_later_(std::move(revoke_later)) {}

PendingTokens::PendingTokens(PendingTokens&& other) noexcept
    : tokens_(std::move(other.tokens_)), revoke_later_(std::exchange(other.revoke_later_, {})) {}

PendingTokens& PendingTokens::operator=(PendingTokens&& other) noexcept {
  if (this == &other) return *this;
  const PendingTokens replaced(std::move(*this));  // revokes what was here
  tokens_ = std::move(other.tokens_);
  revoke_later_ = std::exchange(other.revoke_later_, {});
  return *this;
}

PendingTokens::~PendingTokens() {
  if (revoke_later_ && !tokens_.refresh_token.empty())
    revoke_later_(std::move(tokens_.refresh_token));
}

SignIn::SignIn(SignInServices services, SignInRequest request, Conversation* conversation)
    : services_(std::move(services)),
      request_(std::move(request)),
      conversation_(conversation),
      rendering_(prompts::rendering_for(*services_.config, request_.service)),
      cognito_name_(policy::cognito_username(services_.config->access, request_.user)) {}

SignIn::Ended SignIn::ended(Outcome outcome, std::string cause, std::string text, Level level) {
  return std::make_unique<SignInResult>(outcome, std::move(cause), Notice::error(std::move(text)),
                                        level);
}

Task<SignInResult> SignIn::run() {
  services_.pool->prewarm();
  Ended no_password = co_await ask_password();
  if (no_password) co_return std::move(*no_password);

  Step step = co_await prove_password();
  for (int answered = 0;; ++answered) {
    if (!step) co_return std::move(*step.error());
    if (step->tokens) {
      Ended result = co_await accept(std::move(*step->tokens));
      co_return std::move(*result);
    }
    if (answered == kMaxChallenges) break;
    step = co_await answer(std::move(step->challenge));
  }
  Ended result =
      ended(Outcome::failed, "too-many-challenges", prompts::pool_failed(), Level::error);
  co_return std::move(*result);
}

Task<SignIn::Ended> SignIn::ask_password() {
  Prompt prompt = rendering_.one_prompt
                      ? Prompt(prompts::password_and_code(), Purpose::password_and_code, false)
                      : Prompt(prompts::password(), Purpose::password, false);
  std::expected<Secret, Ended> answer = co_await ask(std::move(prompt));
  if (!answer) co_return std::move(answer.error());
  if (!rendering_.one_prompt) {
    password_ = std::move(*answer);
    co_return nullptr;
  }

  const auto parts = split_password_and_code(answer->reveal());
  if (!parts) {
    Ended result = co_await refuse_like_the_pool("no-code-after-password");
    co_return result;
  }
  auto password = Secret::copy_of(parts->password);
  auto code = Secret::copy_of(parts->code);
  if (!password || !code)
    co_return ended(Outcome::unforeseen, "no-memory", prompts::pool_failed(), Level::error);
  password_ = std::move(*password);
  code_given_ahead_ = std::move(*code);
  co_return nullptr;
}

Task<SignIn::Step> SignIn::prove_password() {
  if (!can_be_a_password(password_.reveal())) {
    Ended result = co_await refuse_like_the_pool("not-a-password");
    co_return std::unexpected(std::move(result));
  }
  const limits::UserQueue::Turn turn = co_await services_.password_turns->turn(request_.user);

  // Cognito sends the code with its answer to the password, so this is the last moment to stop it.
  if (!services_.messages->permitted(request_.user, services_.clock->boot_time()))
    co_return std::unexpected(ended(Outcome::tries_exhausted, "message-budget",
                                    prompts::too_many_messages(), Level::warning));
  std::optional<limits::Attempt> attempt = services_.failures->take(
      request_.user, request_.user_uid, request_.origin, services_.clock->boot_time());
  if (!attempt)
    co_return std::unexpected(ended(Outcome::tries_exhausted, "failure-budget",
                                    prompts::too_many_tries(), Level::warning));

  const runtime::MonotonicTime started = services_.clock->now();
  cognito::PoolResult<AuthStep> result =
      co_await services_.pool->sign_in(cognito_name_, &password_, {}, step_deadline());
  if (!result) {
    if (!result.error().password_sent) attempt->give_back();
    if (result.error().kind == ErrorKind::not_authorized)
      *services_.refusal_time =
          std::chrono::duration_cast<std::chrono::milliseconds>(services_.clock->now() - started);
    co_return std::unexpected(from_error(result.error()));
  }
  attempt->give_back();
  password_accepted_ = true;
  count_message(*result);
  co_return std::move(*result);
}

// Not a coroutine: a frame less for every sign-in that waits for its code.
Task<SignIn::Step> SignIn::answer(std::unique_ptr<Challenge> challenge) {
  if (const auto method = cognito::factor_of(challenge->name))
    return answer_code(std::move(challenge), *method);
  if (challenge->name == ChallengeName::select_mfa_type) return choose_factor(std::move(challenge));
  if (challenge->name == ChallengeName::new_password_required && !rendering_.one_prompt)
    return set_new_password(std::move(challenge));
  return refuse_challenge(std::move(challenge));
}

Task<SignIn::Step> SignIn::refuse_challenge(std::unique_ptr<Challenge> challenge) {
  Ended result = ended(Outcome::failed, "challenge-not-supported", prompts::needs_other_step(),
                       Level::warning);
  result->detail = challenge->wire_name;
  result->request_id = challenge->request_id;
  co_return std::unexpected(std::move(result));
}

Task<SignIn::Step> SignIn::answer_code(std::unique_ptr<Challenge> challenge, Method method) {
  const ChallengeName asked = challenge->name;
  const bool given_ahead = rendering_.one_prompt;
  if (!accepts(method) || (given_ahead && method != Method::totp))
    co_return std::unexpected(
        ended(Outcome::not_permitted, "factor-not-accepted",
              prompts::factor_not_accepted(given_ahead ? std::vector{Method::totp}
                                                       : services_.config->mfa.methods)));

  const CodeForm form = method == Method::totp ? CodeForm::totp : CodeForm::message;
  Notice notice;
  Secret typed;  // kept over a repeated password step, which takes the same code
  bool have_code = false;
  for (int tries = 0; tries < kTries;) {
    if (!have_code) {
      if (given_ahead) {
        typed = std::move(code_given_ahead_);
      } else {
        std::expected<Secret, Ended> answer =
            co_await ask(Prompt(prompts::code(*challenge), Purpose::code, rendering_.echo_code,
                                std::exchange(notice, {})));
        if (!answer) co_return std::unexpected(std::move(answer.error()));
        typed = std::move(*answer);
      }
    }
    have_code = false;
    const bool send_again = sends_a_message(method) && !repeated_ && is_blank(typed.reveal());
    const auto code = code_in(typed.reveal(), form);
    if (!code && !send_again) {
      ++tries;
      notice = Notice::error(method == Method::totp ? prompts::not_a_totp_code()
                                                    : prompts::not_a_code());
      if (given_ahead) break;
      continue;
    }

    if (code) {
      // A wrong code counts at Cognito as a wrong password does, so it counts here.
      std::optional<limits::Attempt> attempt = services_.failures->take(
          request_.user, request_.user_uid, request_.origin, services_.clock->boot_time());
      if (!attempt)
        co_return std::unexpected(ended(Outcome::tries_exhausted, "failure-budget",
                                        prompts::too_many_tries(), Level::warning));
      cognito::StringMap responses{{code_parameter(method), std::string(*code)}};
      cognito::PoolResult<AuthStep> result =
          co_await services_.pool->respond(*challenge, std::move(responses), {}, step_deadline());
      if (result) {
        attempt->give_back();
        if (sends_a_message(method)) services_.messages->answered(request_.user);
        factor_given_ = method;
        co_return std::move(*result);
      }
      const PoolError& error = result.error();
      const bool expired = error.kind == ErrorKind::expired_code;
      const bool over = session_is_over(error, *challenge);
      if (error.kind == ErrorKind::not_connected || expired || over) attempt->give_back();
      if (error.kind == ErrorKind::code_mismatch ||
          (expired && (method == Method::totp || repeated_))) {
        ++tries;
        notice = Notice::error(!expired                 ? prompts::wrong_code()
                               : method == Method::totp ? prompts::code_already_used()
                                                        : prompts::code_expired());
        if (given_ahead) break;
        continue;
      }
      const bool repeat = !repeated_ && (expired || over);
      if (!repeat) co_return std::unexpected(from_error(error));
    }

    // The session ended while the person typed, or they asked for another message: the password
    // step once more. The same question again takes a TOTP code that was typed already; any other
    // question is a new one, and what was typed is dropped.
    repeated_ = true;
    Step again = co_await prove_password();
    if (!again || !again->challenge || again->challenge->name != asked) co_return again;
    challenge = std::move(again->challenge);
    if (method == Method::totp)
      have_code = true;
    else
      notice = Notice::info(prompts::new_code_sent());
  }
  co_return std::unexpected(ended(given_ahead ? Outcome::refused : Outcome::tries_exhausted,
                                  "wrong-code",
                                  given_ahead ? prompts::refused() : prompts::too_many_tries()));
}

Task<SignIn::Step> SignIn::choose_factor(std::unique_ptr<Challenge> challenge) {
  const std::vector<cognito::OfferedFactor> offered = cognito::factors_to_choose(*challenge);
  // In policy's order, each once; a caller that can ask only once has nothing but a TOTP code.
  std::vector<cognito::OfferedFactor> usable;
  for (const Method method : services_.config->mfa.methods) {
    if (rendering_.one_prompt && method != Method::totp) continue;
    const auto found = std::ranges::find(offered, method, &cognito::OfferedFactor::method);
    if (found != offered.end()) usable.push_back(*found);
  }
  if (usable.empty())
    co_return std::unexpected(ended(Outcome::not_permitted, "factor-not-accepted",
                                    prompts::factor_not_accepted(services_.config->mfa.methods)));

  std::size_t chosen = 0;
  if (services_.config->mfa.choose == policy::Choose::ask && usable.size() > 1) {
    std::vector<Method> methods;
    methods.reserve(usable.size());
    for (const auto& factor : usable) methods.push_back(factor.method);
    Notice notice;
    bool understood = false;
    for (int tries = 0; tries < kTries && !understood; ++tries) {
      std::expected<Secret, Ended> answer = co_await ask(
          Prompt(prompts::choice(methods), Purpose::choice, true, std::exchange(notice, {})));
      if (!answer) co_return std::unexpected(std::move(answer.error()));
      const std::string_view typed = answer->reveal();
      const bool one_digit = typed.size() == 1 && typed[0] >= '1' && typed[0] <= '9';
      chosen = one_digit ? static_cast<std::size_t>(typed[0] - '1') : usable.size();
      understood = chosen < usable.size();
      notice = Notice::error(prompts::not_in_list());
    }
    if (!understood)
      co_return std::unexpected(
          ended(Outcome::tries_exhausted, "no-choice", prompts::too_many_tries()));
  }

  cognito::StringMap responses{{"ANSWER", usable[chosen].wire_name}};
  const bool causes_a_message = sends_a_message(usable[chosen].method);
  // Asking for leave and counting must not be parted by another sign-in of the user.
  const limits::UserQueue::Turn turn = co_await services_.password_turns->turn(request_.user);
  if (causes_a_message &&
      !services_.messages->permitted(request_.user, services_.clock->boot_time()))
    co_return std::unexpected(ended(Outcome::tries_exhausted, "message-budget",
                                    prompts::too_many_messages(), Level::warning));
  // Counted before it is known to have gone out: an answer that is lost may have caused it.
  if (causes_a_message) services_.messages->caused(request_.user, services_.clock->boot_time());
  cognito::PoolResult<AuthStep> result = co_await services_.pool->respond(
      std::move(*challenge), std::move(responses), {}, step_deadline());
  if (!result) co_return std::unexpected(from_error(result.error()));
  co_return std::move(*result);
}

Task<SignIn::Ended> SignIn::accept(cognito::Tokens tokens) {
  PendingTokens pending(std::move(tokens), services_.revoke_later);
  cognito::PoolResult<cognito::VerifiedTokens> verified =
      co_await services_.pool->verify(&pending.get(), step_deadline());
  if (!verified) co_return from_error(verified.error());

  const policy::Config& config = *services_.config;
  const bool is_the_user =
      config.access.identity == policy::Identity::email
          ? verified->email_verified && !verified->email.empty() && verified->email == cognito_name_
          : verified->username == cognito_name_;
  if (!is_the_user) {
    Ended result =
        ended(Outcome::not_permitted, "identity", prompts::not_permitted(), Level::warning);
    result->detail = "the pool signed in " + verified->username + ", not " + cognito_name_;
    co_return result;
  }
  if (config.mfa.require && !factor_given_)
    co_return ended(Outcome::not_permitted, "no-second-factor", prompts::second_factor_needed());
  if (!policy::access_permitted(config, request_.user, request_.service, verified->groups))
    co_return ended(Outcome::not_permitted, "access", prompts::not_permitted());

  auto result =
      std::make_unique<SignInResult>(Outcome::success, "signed-in", Notice(), Level::info);
  result->request_id = pending.get().request_id;
  result->accepted =
      std::make_unique<SignInResult::Accepted>(std::move(pending), std::move(*verified));
  result->factor = factor_given_;
  co_return result;
}

Task<std::expected<Secret, SignIn::Ended>> SignIn::ask(Prompt prompt) {
  const Purpose purpose = prompt.purpose;
  std::expected<Secret, ConversationError> answer = co_await conversation_->ask(std::move(prompt));
  step_deadline_ = services_.clock->now() + kStep;
  if (answer) {
    // A caller that repeats itself: sshd with PasswordAuthentication, some screen lockers. Before
    // any trimming, so that the password as it was typed is what is compared.
    const bool no_password_belongs_here = purpose == Purpose::code || purpose == Purpose::choice;
    if (!no_password_belongs_here || !answer->equals(password_)) co_return std::move(*answer);
    co_return std::unexpected(broken("answer-is-the-password", Level::warning));
  }
  switch (answer.error()) {
    case ConversationError::gone:
      co_return std::unexpected(broken("caller-gone"));
    case ConversationError::aborted:
      break;
  }
  co_return std::unexpected(broken("caller-gave-up"));
}

Task<SignIn::Ended> SignIn::refuse_like_the_pool(std::string cause) {
  co_await services_.clock->sleep_until(services_.clock->now() + *services_.refusal_time);
  co_return ended(Outcome::refused, std::move(cause), prompts::refused());
}

void SignIn::count_message(const AuthStep& step) {
  if (!step.challenge) return;
  const auto method = cognito::factor_of(step.challenge->name);
  if (method && sends_a_message(*method))
    services_.messages->caused(request_.user, services_.clock->boot_time());
}

bool SignIn::session_is_over(const PoolError& error, const Challenge& challenge) const {
  return error.kind == ErrorKind::not_authorized &&
         (services_.clock->now() - challenge.received >= kSessionAge ||
          error.message.contains("session is expired"));
}

bool SignIn::accepts(Method method) const {
  return std::ranges::find(services_.config->mfa.methods, method) !=
         services_.config->mfa.methods.end();
}

SignIn::Ended SignIn::from_error(const PoolError& error) const {
  const ErrorRow& row = error_row(error.kind);
  // Once the password may have reached the pool, "cannot be reached" is no longer the whole truth.
  const bool still_at_password = !password_accepted_ && !error.password_sent;
  const Outcome at_password =
      row.at_password == Outcome::unavailable && !still_at_password ? row.later : row.at_password;
  auto result =
      std::make_unique<SignInResult>(password_accepted_ ? row.later : at_password,
                                     std::string(row.word), Notice::error(row.text()), row.level);
  result->detail = error.message;
  result->request_id = error.request_id;
  return result;
}

}  // namespace pamcognito::flows
