// Decides whether a session replaces the sign-in, before the first prompt. policy::decide_reauth()
// makes the decision from facts alone; this step collects the facts, asks for the password if the
// service wants it, and asks the pool if the session is stale. The decision is made twice: before
// the prompt, to know what to ask for, and after it, because the session may have ended meanwhile.

#include <algorithm>
#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/password_and_code.h"
#include "daemon/policy/reauth.h"
#include "daemon/prompts/texts.h"
#include "daemon/runtime/metrics.h"
#include "daemon/sessions/decisions.h"
#include "daemon/sign_in/code.h"
#include "daemon/sign_in/steps.h"

namespace pamcognito::sign_in {
namespace {

using cognito::AccountVerdict;
using policy::Reauth;
using policy::ReauthQuestion;
using policy::ReauthVerdict;
using runtime::Task;
using sessions::Session;

// A pool that hangs must not eat the person's time: what is left of the step is for a full sign-in.
constexpr std::chrono::seconds kPoolTime{3};

class Reauthentication {
 public:
  Reauthentication(SignInContext* context, policy::ReauthRule rule)
      : context_(context), rule_(rule) {}

  Task<StepResult<>> run() {
    const ReauthVerdict first = choose();
    if (first.kind == Reauth::full) {
      count(Reauth::full, first.reason);
      co_return StepResult<>();
    }
    if (first.ask_pool) context_->services.pool->prewarm();
    if (first.kind == Reauth::password) {
      StepResult<> checked = co_await check_password();
      if (!checked || !password_is_right_) co_return checked;
    }
    // Anew, because a prompt may have been open for an hour.
    const ReauthVerdict last = co_await decide();
    if (last.kind != first.kind || last.ask_pool) {
      StepResult<> instead = co_await sign_in_instead(last.reason);
      co_return instead;
    }
    count(last.kind, last.reason);
    co_return std::unexpected(success(last.kind));
  }

 private:
  [[nodiscard]] std::vector<Session> sessions() const {
    return context_->services.sessions->sessions_of(context_->request.user);
  }

  // The session with the youngest factor that will do; else what speaks against the newest one.
  ReauthVerdict choose() {
    ReauthVerdict best{Reauth::full, false, "no-session"};
    bool is_first = true;
    for (const Session& session : sessions()) {
      const ReauthVerdict verdict = judge(session, std::nullopt);
      if (verdict.kind != Reauth::full) {
        id_ = session.id;
        factor_ = session.factor;
        return verdict;
      }
      if (std::exchange(is_first, false)) best = verdict;
    }
    return best;
  }

  [[nodiscard]] ReauthVerdict judge(const Session& session,
                                    std::optional<AccountVerdict> pool) const {
    const SignInRequest& request = context_->request;
    ReauthQuestion question = sessions::reauth_question(
        context_->config(), rule_, *context_->services.sessions, session, request.service,
        request.remote_address(), context_->services.clock->boot_time());
    question.caller_is_root = request.caller_is_root;
    question.same_login = session.binding.is_same_login(request.binding);
    question.alive = true;  // sessions_of() gives no others
    question.pool = pool;
    return policy::decide_reauth(question);
  }

  [[nodiscard]] ReauthVerdict judge_again(std::optional<AccountVerdict> pool) const {
    const std::optional<Session> session = context_->services.sessions->find(id_);
    if (session) return judge(*session, pool);
    const bool pool_said_no = pool == AccountVerdict::session_over ||
                              pool == AccountVerdict::disabled ||
                              pool == AccountVerdict::reset_required;
    return {Reauth::full, false, pool_said_no ? "pool-said-no" : "session-over"};
  }

  // The pool is asked if that is needed.
  Task<ReauthVerdict> decide() {
    const ReauthVerdict verdict = judge_again(std::nullopt);
    if (!verdict.ask_pool) co_return verdict;
    cognito::Call call = context_->step_deadline();
    call.deadline = std::min(call.deadline, context_->services.clock->now() + kPoolTime);
    const AccountVerdict verdict_of_pool =
        co_await context_->services.sessions->revalidate(id_, call);
    co_return judge_again(verdict_of_pool);
  }

  // If it goes on and password_is_right_ is false, the password could not be checked here, and the
  // pool judges it.
  Task<StepResult<>> check_password() {
    StepResult<Secret> typed = co_await context_->ask(password_prompt(*context_));
    if (!typed) co_return std::unexpected(std::move(typed.error()));
    context_->typed.password_asked = true;
    if (!is_typed_text(typed->reveal())) {
      count(Reauth::full, "not-a-password");
      StepResult<> taken = co_await take_password(context_, std::move(*typed));
      co_return taken;
    }
    // A password may itself end like a code. So the text as typed is tried first; a code counts as
    // one only where that is not the password.
    const bool may_have_code =
        context_->profile.single_prompt && split_password_and_code(typed->reveal());
    context_->typed.password = std::move(*typed);
    // A guess is a guess, wherever it is checked. Taken first, so that guesses at the same time do
    // not pass the budget together.
    std::optional<limits::Attempt> attempt = context_->take_attempt();
    if (!attempt) co_return std::unexpected(no_attempt_left(*context_));
    const std::optional<bool> right =
        co_await context_->services.sessions->check_password(id_, &context_->typed.password);
    if (may_have_code && !right.value_or(false)) {
      // The pool's step takes an attempt of its own.
      attempt->give_back();
      count(Reauth::full, "code-given");
      StepResult<> taken = co_await take_password(context_, std::move(context_->typed.password));
      co_return taken;
    }
    if (right && !*right) {
      count(Reauth::password, "wrong-password");
      co_return std::unexpected(
          make_end(Outcome::refused, "session-wrong-password", prompts::refused()));
    }
    attempt->give_back();
    password_is_right_ = right.has_value();
    if (right) co_return StepResult<>();
    StepResult<> instead = co_await sign_in_instead("cannot-check-password");
    co_return instead;
  }

  // With the password that was typed, if there is one. A caller with one prompt has given no code
  // with it and cannot be asked for one: it is refused before the pool sends any. So is one whose
  // password only looks as if a code followed it.
  Task<StepResult<>> sign_in_instead(std::string_view reason) {
    count(Reauth::full, reason);
    if (context_->profile.single_prompt && password_is_right_)
      co_return std::unexpected(
          make_end(Outcome::refused, "no-code-after-password", prompts::refused()));
    StepResult<> taken;
    if (context_->profile.single_prompt && context_->typed.password_asked)
      taken = co_await take_password(context_, std::move(context_->typed.password));
    co_return taken;
  }

  static void count(Reauth kind, std::string_view reason) {
    runtime::metrics().count("pam_cognito_reauthentications_total",
                             {{"kind", policy::to_string(kind)}, {"reason", reason}});
  }

  SignInEnd success(Reauth kind) const {
    auto end = std::make_unique<SignInResult>(
        Outcome::success, kind == Reauth::password ? "session-password" : "session", Notice(),
        runtime::Level::info);
    end->reused = id_;
    end->factor = factor_;
    return end;
  }

  SignInContext* context_;
  const policy::ReauthRule rule_;
  SignInId id_{};
  std::optional<cognito::Method> factor_;
  bool password_is_right_ = false;
};

}  // namespace

Task<StepResult<>> reauthenticate(SignInContext* context) {
  const policy::ReauthRule rule = policy::reauth_rule(context->config(), context->request.service);
  // A service for resets is not for signing in. Only a full sign-in makes an account.
  if (rule.mode == Reauth::full || context->request.is_first_login ||
      context->request.goal != Goal::sign_in || begins_with_a_reset(*context))
    co_return StepResult<>();
  Reauthentication reauthentication(context, rule);
  StepResult<> result = co_await reauthentication.run();
  co_return result;
}

}  // namespace pamcognito::sign_in
