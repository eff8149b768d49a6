#include "pam/conversation.h"

#include <syslog.h>

#include <string>
#include <utility>

namespace pamcognito::pam {
namespace {

using namespace std::chrono_literals;

// The daemon's clock for the whole sign-in started a moment before ours. If it hangs up this close
// to the end, that was the deadline: were it "lost", being slow on purpose would open the way to a
// local password.
constexpr auto kDeadlineSlack = 2s;

constexpr Ending unforeseen(const char* cause) {
  return {.outcome = Outcome::unforeseen, .cause = cause};
}
constexpr Ending failed(const char* cause) {
  return {.outcome = Outcome::failed, .cause = cause};
}

bool is_notice(FrameType type) noexcept {
  return type == FrameType::info || type == FrameType::error;
}

bool is_for_a_password(Purpose purpose) noexcept {
  return purpose == Purpose::password || purpose == Purpose::password_and_code;
}

// An enrolment's text holds the TOTP secret.
void wipe_text(DaemonFrame& frame) noexcept {
  wipe({frame.text.data(), frame.text.size()});
}

}  // namespace

Conversation::Conversation(Handle pam, const Options& options, bool silent, Fd socket,
                           std::chrono::seconds deadline)
    : pam_(pam),
      caller_(pam, silent),
      first_pass_(options.first_pass),
      debug_(options.debug),
      socket_(std::move(socket)),
      deadline_(Deadline::after(deadline)) {}

Ending Conversation::run() {
  const auto outcome = run_steps();
  Ending ending = outcome ? Ending{.outcome = *outcome, .cause = "outcome"} : outcome.error();
  if (!outcome) abort();
  ending.may_be_unavailable = !asked_more_than_first_password_;
  socket_.reset();
  return ending;
}

std::expected<Outcome, Ending> Conversation::run_steps() {
  for (int i = 0; i < kMaxSteps; ++i) {
    auto step = receive_step();
    if (!step) return std::unexpected(step.error());
    if (step->main.type == FrameType::outcome) {
      if (step->notice) caller_.tell(*step->notice);
      return conclude(step->main);
    }
    auto answered = answer(*step);
    wipe_text(step->main);
    if (step->notice) wipe_text(*step->notice);
    if (!answered) return std::unexpected(answered.error());
  }
  return std::unexpected(unforeseen("too-many-steps"));
}

std::expected<Conversation::Step, Ending> Conversation::receive_step() {
  const Deadline deadline = Deadline::earlier(deadline_, Deadline::after(kStepTime));
  auto frame = receive_frame(deadline);
  if (!frame) return std::unexpected(frame.error());
  Step step;
  if (is_notice(frame->type)) {
    step.notice = std::move(*frame);
    frame = receive_frame(deadline);
    if (!frame) return std::unexpected(frame.error());
    if (is_notice(frame->type)) return std::unexpected(unforeseen("two-notices-in-a-step"));
  }
  step.main = std::move(*frame);
  return step;
}

std::expected<DaemonFrame, Ending> Conversation::receive_frame(Deadline deadline) {
  while (true) {
    auto frame = receive_from_daemon(socket_.get());
    if (frame) return std::move(*frame);
    switch (frame.error()) {
      case FrameError::would_block:
        break;
      case FrameError::closed:
        return std::unexpected(lost("daemon-lost"));
      case FrameError::malformed:
        return std::unexpected(unforeseen("malformed-frame"));
      case FrameError::system:
        return std::unexpected(unforeseen("local-fault"));
    }
    switch (wait_for(socket_.get(), POLLIN, deadline)) {
      case Wait::ready:
        break;
      case Wait::timed_out:
        // No proof that the daemon is away: whoever runs su may have stopped this very process.
        return std::unexpected(failed("timeout"));
      case Wait::failed:
        return std::unexpected(unforeseen("local-fault"));
    }
  }
}

std::expected<void, Ending> Conversation::answer(const Step& step) {
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

std::expected<Secret, Ending> Conversation::get_answer(const Step& step) {
  const Ending too_long = {.outcome = Outcome::refused, .cause = "answer-too-long"};
  if (is_for_a_password(step.main.purpose) && first_pass_ != FirstPass::ignore) {
    auto password = pam_.password();
    if (!password) return std::unexpected(too_long);
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
  if (answer.error() == Caller::Error::too_long) return std::unexpected(too_long);
  return std::unexpected(
      Ending{.outcome = Outcome::conversation_broken, .cause = "caller-cannot-answer"});
}

std::expected<Outcome, Ending> Conversation::conclude(const DaemonFrame& frame) {
  if (frame.outcome != Outcome::success) return frame.outcome;
  if (!answered_) return std::unexpected(unforeseen("success-without-an-answer"));
  // The daemon commits on this; if it cannot be told, it revokes the tokens.
  if (!send_signal(socket_.get(), FrameType::ack)) return std::unexpected(failed("daemon-lost"));
  sign_in_id_ = frame.sign_in_id;
  return Outcome::success;
}

// "Unavailable" is for a daemon that died before it had an answer, and not for one that ran out of
// time because nobody typed.
Ending Conversation::lost(const char* cause) const {
  if (answered_) return failed(cause);
  if (deadline_.passes_within(kDeadlineSlack)) return failed("deadline");
  return {.outcome = Outcome::unavailable, .cause = cause};
}

// The daemon hung up while the person typed. What it said before counts, unless it is a success.
Ending Conversation::lost_while_asking() {
  while (auto frame = receive_from_daemon(socket_.get()))
    if (frame->type == FrameType::outcome && frame->outcome != Outcome::success)
      return {.outcome = frame->outcome, .cause = "outcome"};
  return lost("daemon-lost");
}

void Conversation::abort() const noexcept {
  // Whoever is gone needs no telling.
  [[maybe_unused]] const auto sent = send_signal(socket_.get(), FrameType::abort);
}

}  // namespace pamcognito::pam
