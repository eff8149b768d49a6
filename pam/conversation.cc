#include "pam/conversation.h"

#include <poll.h>
#include <syslog.h>

#include <string>
#include <utility>

#include "common/protocol_limits.h"

namespace pamcognito::pam {
namespace {

constexpr Ending unforeseen(const char* cause) {
  return {.outcome = Outcome::unforeseen, .cause = cause};
}
constexpr Ending failed(const char* cause) {
  return {.outcome = Outcome::failed, .cause = cause};
}

// Never "unavailable": a daemon that ends or is ended while somebody sits at the prompt is no proof
// that there is none now. The next try finds that out on the bus.
constexpr Ending kLost = failed("daemon-lost");

bool is_for_a_password(Purpose purpose) noexcept {
  return purpose == Purpose::password || purpose == Purpose::password_and_code;
}

constexpr Ending kTooLong = {.outcome = Outcome::refused, .cause = "answer-too-long"};

// A timeout is no proof that the daemon is away: whoever runs su may have stopped this very
// process.
Ending ending_of(ReceiveError error) {
  switch (error) {
    case ReceiveError::closed:
      return kLost;
    case ReceiveError::malformed:
      return unforeseen("malformed-frame");
    case ReceiveError::two_notices:
      return unforeseen("two-notices-in-a-step");
    case ReceiveError::timed_out:
      return failed("timeout");
    case ReceiveError::receive_failed:
    case ReceiveError::wait_failed:
      break;
  }
  return unforeseen("local-fault");
}

bool is_outcome(const ConversationStep& step) noexcept {
  return step.is_outcome();
}

bool is_outcome_or_new_password(const ConversationStep& step) noexcept {
  return step.is_outcome() || step.main.purpose == Purpose::new_password;
}

}  // namespace

Conversation::Conversation(Handle pam, const Options& options, bool silent, Goal goal,
                           OpenedSignIn opened)
    : pam_(pam),
      caller_(pam, silent),
      first_pass_(options.first_pass),
      debug_(options.debug),
      goal_(goal),
      socket_(std::move(opened.socket)),
      deadline_(Deadline::after(opened.deadline)) {}

Ending Conversation::run() {
  return end_with(run_to(&is_outcome));
}

std::optional<Ending> Conversation::run_to_new_password() {
  auto step = run_to(&is_outcome_or_new_password);
  if (!step || step->is_outcome()) return end_with(step);
  pending_ = std::move(*step);
  return std::nullopt;
}

Ending Conversation::resume(bool silent) {
  // A new one, as the host may have set another conversation function since.
  caller_ = Caller(pam_, silent);
  if (!pending_) return end_with(std::unexpected(unforeseen("nothing-to-resume")));
  ConversationStep question = std::move(*pending_);
  pending_.reset();
  ++steps_;
  // A daemon that has given up says so; then nobody needs to type a new password for it.
  if (!has_more_from_daemon()) {
    const auto answered = answer_and_wipe(question);
    if (!answered) return end_with(std::unexpected(answered.error()));
  }
  return end_with(run_to(&is_outcome));
}

std::expected<ConversationStep, Ending> Conversation::run_to(
    bool (*is_last)(const ConversationStep&) noexcept) {
  for (; steps_ < protocol::kMaxSteps; ++steps_) {
    auto step = receive_step(
        socket_.get(), Deadline::earlier(deadline_, Deadline::after(protocol::kClientStepTime)));
    if (!step) return std::unexpected(ending_of(step.error()));
    if (is_last(*step)) return std::move(*step);
    const auto answered = answer_and_wipe(*step);
    if (!answered) return std::unexpected(answered.error());
  }
  return std::unexpected(unforeseen("too-many-steps"));
}

bool Conversation::has_more_from_daemon() const {
  return wait_for(socket_.get(), POLLIN, Deadline::now()) != Wait::timed_out;
}

Ending Conversation::end_with(const std::expected<ConversationStep, Ending>& last) {
  const auto outcome =
      last ? conclude(*last) : std::expected<Outcome, Ending>(std::unexpected(last.error()));
  Ending ending = outcome ? Ending{.outcome = *outcome, .cause = "outcome"} : outcome.error();
  if (!outcome) abort();
  ending.may_be_unavailable = !asked_more_than_first_password_;
  if (goal_ != Goal::sign_in || ending.outcome != Outcome::success) socket_.reset();
  return ending;
}

std::expected<void, Ending> Conversation::answer_and_wipe(ConversationStep& step) {
  auto answered = answer(step);
  wipe_texts(step);
  return answered;
}

std::expected<void, Ending> Conversation::answer(const ConversationStep& step) {
  const Purpose purpose = step.main.purpose;
  if (asked_ || !is_for_a_password(purpose)) asked_more_than_first_password_ = true;
  asked_ = true;
  const auto answer = get_answer(step);
  if (!answer) return std::unexpected(answer.error());
  if (purpose == Purpose::code && typed_.is_the_password(*answer))
    return std::unexpected(
        Ending{.outcome = Outcome::conversation_broken, .cause = "password-as-code"});
  if (deadline_.passed()) return std::unexpected(failed("deadline"));
  if (!typed_.remember(purpose, *answer)) return std::unexpected(unforeseen("local-fault"));

  const auto sent = send_answer(socket_.get(), purpose, *answer);
  if (!sent && sent.error() == FrameError::closed) return std::unexpected(lost_while_asking());
  if (!sent) return std::unexpected(unforeseen("local-fault"));
  answered_ = true;
  if (debug_) pam_.log(LOG_DEBUG, "debug: answered purpose=" + std::to_string(int(purpose)));
  return {};
}

std::expected<Secret, Ending> Conversation::get_answer(const ConversationStep& step) {
  auto new_password = new_password_of_stack(step);
  if (!new_password) return std::unexpected(new_password.error());
  if (*new_password) return std::move(**new_password);
  if (is_for_a_password(step.main.purpose) && first_pass_ != FirstPass::ignore) {
    auto password = pam_.password(goal_ == Goal::change_password ? PAM_OLDAUTHTOK : PAM_AUTHTOK);
    if (!password) return std::unexpected(kTooLong);
    // Once: a password that was refused is not tried again, and use_first_pass never asks.
    const FirstPass rule = std::exchange(
        first_pass_, first_pass_ == FirstPass::may ? FirstPass::ignore : FirstPass::spent);
    if (*password && rule != FirstPass::spent) {
      if (step.notice) caller_.tell(*step.notice);
      return std::move(**password);
    }
    if (rule != FirstPass::may)
      return std::unexpected(Ending{.outcome = Outcome::refused, .cause = "no-first-pass"});
  }
  auto answer = caller_.ask(step.notice ? &*step.notice : nullptr, step.main);
  if (answer) return std::move(*answer);
  if (answer.error() == Caller::Error::too_long) return std::unexpected(kTooLong);
  return std::unexpected(
      Ending{.outcome = Outcome::conversation_broken, .cause = "caller-cannot-answer"});
}

// In the second pass of a change PAM_AUTHTOK is the new password that an earlier module, such as
// pam_pwquality, has asked for and checked: libpam wipes it before the change, and programs cannot
// set it. It answers the daemon's first question and the repetition; if the pool refuses it, the
// user is asked for another.
std::expected<std::optional<Secret>, Ending> Conversation::new_password_of_stack(
    const ConversationStep& step) {
  const Purpose purpose = step.main.purpose;
  if (purpose == Purpose::new_password) ++new_passwords_;
  const bool is_new = purpose == Purpose::new_password || purpose == Purpose::new_password_again;
  if (goal_ != Goal::change_password || !is_new || new_passwords_ != 1) return std::nullopt;
  auto password = pam_.password(PAM_AUTHTOK);
  if (!password) return std::unexpected(kTooLong);
  if (*password && step.notice) caller_.tell(*step.notice);
  return std::move(*password);
}

std::expected<Outcome, Ending> Conversation::conclude(const ConversationStep& last) {
  if (last.notice) caller_.tell(*last.notice);
  if (last.main.outcome != Outcome::success) return last.main.outcome;
  if (!answered_ && needs_answer_) return std::unexpected(unforeseen("success-without-an-answer"));
  if (goal_ == Goal::change_password && !typed_.has_new_password())
    return std::unexpected(unforeseen("success-without-a-new-password"));
  // The daemon commits on this; if it cannot be told, it revokes the tokens.
  if (!send_signal(socket_.get(), FrameType::ack)) return std::unexpected(kLost);
  sign_in_id_ = last.main.sign_in_id;
  return Outcome::success;
}

// The daemon hung up while the person typed. What it said before counts, unless it is a success.
Ending Conversation::lost_while_asking() {
  while (auto frame = receive_from_daemon(socket_.get()))
    if (frame->type == FrameType::outcome && frame->outcome != Outcome::success)
      return {.outcome = frame->outcome, .cause = "outcome"};
  return kLost;
}

void Conversation::abort() const noexcept {
  // Whoever is gone needs no telling.
  [[maybe_unused]] const auto sent = send_signal(socket_.get(), FrameType::abort);
}

}  // namespace pamcognito::pam
