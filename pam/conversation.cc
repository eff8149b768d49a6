// Carries questions to the user and answers to cognitod. A question arrives as a step
// (common/conversation_client.h); HostConversation calls the host; EnteredPasswords keeps the
// answer if it is a password; send_answer() sends it. Every answer is a Secret from the host's
// buffer to the socket, and the texts of a step are wiped after it, because the set-up of an
// authenticator app shows its secret.

#include "pam/conversation.h"

#include <poll.h>
#include <syslog.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "common/password_and_code.h"
#include "common/protocol_limits.h"

namespace pamcognito::pam {
namespace {

int message_style(FrameType type) noexcept {
  switch (type) {
    case FrameType::info:
      return PAM_TEXT_INFO;
    case FrameType::error:
      return PAM_ERROR_MSG;
    case FrameType::ask_visible:
      return PAM_PROMPT_ECHO_ON;
    case FrameType::ask_hidden:
    case FrameType::outcome:
    case FrameType::answer:
    case FrameType::abort:
    case FrameType::ack:
    case FrameType::account:
      break;
  }
  return PAM_PROMPT_ECHO_OFF;
}

// The messages of one step. They are adjacent and have a pointer each, because hosts read the
// argument in two ways; see pam_conv(3).
class Messages {
 public:
  void add(const DaemonFrame& frame) noexcept {
    messages_[count_] = {.msg_style = message_style(frame.type), .msg = frame.text.c_str()};
    pointers_[count_] = &messages_[count_];
    ++count_;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const pam_message** pointers() noexcept { return pointers_.data(); }

 private:
  std::array<pam_message, 2> messages_{};
  std::array<const pam_message*, 2> pointers_{};
  std::size_t count_ = 0;
};

// The answer of the host: an array and strings that the host has allocated and the module frees.
class Responses {
 public:
  Responses() noexcept = default;
  Responses(const Responses&) = delete;
  Responses& operator=(const Responses&) = delete;
  ~Responses();

  // Returns false if the host has failed; it has then allocated nothing.
  bool fetch(const pam_conv& conversation, Messages& messages);
  // Null if there is no answer.
  [[nodiscard]] const char* last() const noexcept {
    return responses_ != nullptr ? responses_[count_ - 1].resp : nullptr;
  }

 private:
  pam_response* responses_ = nullptr;
  std::size_t count_ = 0;
};

bool Responses::fetch(const pam_conv& conversation, Messages& messages) {
  pam_response* responses = nullptr;
  const int code = conversation.conv(static_cast<int>(messages.count()), messages.pointers(),
                                     &responses, conversation.appdata_ptr);
  if (code != PAM_SUCCESS) return false;
  responses_ = responses;
  count_ = messages.count();
  return true;
}

Responses::~Responses() {
  if (responses_ == nullptr) return;
  for (pam_response& response : std::span(responses_, count_)) {
    if (response.resp == nullptr) continue;
    wipe({response.resp, std::strlen(response.resp)});
    std::free(response.resp);
  }
  std::free(responses_);
}

}  // namespace

std::expected<Secret, HostConversation::Error> HostConversation::ask(
    const DaemonFrame* notice, const DaemonFrame& question) const {
  if (conversation_ == nullptr) return std::unexpected(Error::cannot_answer);
  Messages messages;
  if (notice != nullptr && !silent_) messages.add(*notice);
  messages.add(question);
  Responses responses;
  if (!responses.fetch(*conversation_, messages) || responses.last() == nullptr)
    return std::unexpected(Error::cannot_answer);
  auto answer = Secret::copy_of(responses.last());
  if (!answer) return std::unexpected(Error::too_long);
  return std::move(*answer);
}

void HostConversation::tell(const DaemonFrame& notice) const {
  if (conversation_ == nullptr || silent_) return;
  Messages messages;
  messages.add(notice);
  Responses responses;
  (void)responses.fetch(*conversation_, messages);
}

void tell(const Handle& pam, bool silent, FrameType type, std::string text) {
  DaemonFrame notice;
  notice.type = type;
  notice.text = std::move(text);
  HostConversation(pam, silent).tell(notice);
}

std::optional<Secret> password_before_code(const Secret& answer) noexcept {
  const auto parts = split_password_and_code(answer.reveal());
  return parts ? answer.part(0, parts->password.size()) : std::nullopt;
}

bool EnteredPasswords::note(Purpose purpose, const Secret& answer) {
  switch (purpose) {
    case Purpose::password:
      password_ = Secret::copy_of(answer.reveal());
      return password_.has_value();
    case Purpose::password_and_code:
      password_ = password_before_code(answer);
      return true;
    case Purpose::new_password:
      new_password_ = Secret::copy_of(answer.reveal());
      return new_password_.has_value();
    case Purpose::other:
    case Purpose::new_password_again:
    case Purpose::code:
    case Purpose::choice:
      return true;
  }
  return false;
}

bool EnteredPasswords::is_password(const Secret& answer) const noexcept {
  return password_ && !password_->empty() && answer.equals(*password_);
}

bool EnteredPasswords::set_items(const Handle& pam) const noexcept {
  if (!new_password_) return !password_ || pam.set_password(PAM_AUTHTOK, *password_);
  return pam.set_password(PAM_AUTHTOK, *new_password_) && set_old_password_item(pam);
}

bool EnteredPasswords::set_old_password_item(const Handle& pam) const noexcept {
  // The old password is empty if it was reset without being known.
  return !password_ || password_->empty() || pam.set_password(PAM_OLDAUTHTOK, *password_);
}

namespace {

// cognitod has ended while the user sat at the prompt. That is never "unavailable", because a
// cognitod that ends can be started again; the next attempt finds out on the bus.
constexpr PhaseResult kDaemonLost = failed("daemon-lost");

bool asks_for_password(Purpose purpose) noexcept {
  return purpose == Purpose::password || purpose == Purpose::password_and_code;
}

constexpr PhaseResult kTooLong = {.outcome = Outcome::refused, .cause = "answer-too-long"};

// A timeout is no proof that cognitod is absent: a user who runs su can stop this process.
PhaseResult result_for(ReceiveError error) {
  switch (error) {
    case ReceiveError::closed:
      return kDaemonLost;
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
      host_(pam, silent),
      first_pass_(options.first_pass),
      debug_(options.debug),
      goal_(goal),
      socket_(std::move(opened.socket)),
      deadline_(Deadline::after(opened.deadline)) {}

PhaseResult Conversation::run() {
  return finish(run_to(&is_outcome));
}

std::expected<void, PhaseResult> Conversation::run_to_new_password() {
  auto step = run_to(&is_outcome_or_new_password);
  if (!step || step->is_outcome()) return std::unexpected(finish(step));
  pending_ = std::move(*step);
  return {};
}

PhaseResult Conversation::resume(bool silent) {
  // The host may have set another conversation function since.
  host_ = HostConversation(pam_, silent);
  if (!pending_) return finish(std::unexpected(unforeseen("nothing-to-resume")));
  ConversationStep question = std::move(*pending_);
  pending_.reset();
  ++steps_;
  // If cognitod has ended the conversation, it has sent the outcome, and the user need not enter a
  // new password for nothing.
  if (!has_more_from_daemon()) {
    const auto answered = answer_and_wipe(question);
    if (!answered) return finish(std::unexpected(answered.error()));
  }
  return finish(run_to(&is_outcome));
}

std::expected<ConversationStep, PhaseResult> Conversation::run_to(
    bool (*is_last)(const ConversationStep&) noexcept) {
  for (; steps_ < protocol::kMaxSteps; ++steps_) {
    auto step = receive_step(
        socket_.get(), Deadline::earlier(deadline_, Deadline::after(protocol::kClientStepTime)));
    if (!step) return std::unexpected(result_for(step.error()));
    if (is_last(*step)) return std::move(*step);
    const auto answered = answer_and_wipe(*step);
    if (!answered) return std::unexpected(answered.error());
  }
  return std::unexpected(unforeseen("too-many-steps"));
}

bool Conversation::has_more_from_daemon() const {
  return wait_for(socket_.get(), POLLIN, Deadline::now()) != Wait::timed_out;
}

PhaseResult Conversation::finish(const std::expected<ConversationStep, PhaseResult>& last) {
  const auto outcome =
      last ? conclude(*last) : std::expected<Outcome, PhaseResult>(std::unexpected(last.error()));
  PhaseResult result =
      outcome ? PhaseResult{.outcome = *outcome, .cause = "outcome"} : outcome.error();
  if (!outcome) abort();
  result.may_be_unavailable = !asked_more_than_first_password_;
  if (goal_ != Goal::sign_in || result.outcome != Outcome::success) socket_.reset();
  return result;
}

std::expected<void, PhaseResult> Conversation::answer_and_wipe(ConversationStep& step) {
  auto answered = answer(step);
  wipe_texts(step);
  return answered;
}

std::expected<void, PhaseResult> Conversation::answer(const ConversationStep& step) {
  const Purpose purpose = step.main.purpose;
  if (asked_ || !asks_for_password(purpose)) asked_more_than_first_password_ = true;
  asked_ = true;
  const auto answer = get_answer(step);
  if (!answer) return std::unexpected(answer.error());
  if (purpose == Purpose::code && passwords_.is_password(*answer))
    return std::unexpected(
        PhaseResult{.outcome = Outcome::conversation_broken, .cause = "password-as-code"});
  if (deadline_.passed()) return std::unexpected(failed("deadline"));
  if (!passwords_.note(purpose, *answer)) return std::unexpected(unforeseen("local-fault"));

  const auto sent = send_answer(socket_.get(), purpose, *answer);
  if (!sent && sent.error() == FrameError::closed) return std::unexpected(result_after_hang_up());
  if (!sent) return std::unexpected(unforeseen("local-fault"));
  answered_ = true;
  if (debug_) pam_.log(LOG_DEBUG, "debug: answered purpose=" + std::to_string(int(purpose)));
  return {};
}

std::expected<Secret, PhaseResult> Conversation::get_answer(const ConversationStep& step) {
  auto new_password = new_password_from_stack(step);
  if (!new_password) return std::unexpected(new_password.error());
  if (*new_password) return std::move(**new_password);
  if (asks_for_password(step.main.purpose) && first_pass_ != FirstPass::ignore) {
    auto password = pam_.password(goal_ == Goal::change_password ? PAM_OLDAUTHTOK : PAM_AUTHTOK);
    if (!password) return std::unexpected(kTooLong);
    // The password is used once: a refused one is not tried again, and use_first_pass never asks.
    const FirstPass rule = std::exchange(
        first_pass_, first_pass_ == FirstPass::may ? FirstPass::ignore : FirstPass::spent);
    if (*password && rule != FirstPass::spent) {
      if (step.notice) host_.tell(*step.notice);
      return std::move(**password);
    }
    if (rule != FirstPass::may)
      return std::unexpected(PhaseResult{.outcome = Outcome::refused, .cause = "no-first-pass"});
  }
  auto answer = host_.ask(step.notice ? &*step.notice : nullptr, step.main);
  if (answer) return std::move(*answer);
  if (answer.error() == HostConversation::Error::too_long) return std::unexpected(kTooLong);
  return std::unexpected(
      PhaseResult{.outcome = Outcome::conversation_broken, .cause = "caller-cannot-answer"});
}

// In the second call of a change, PAM_AUTHTOK is the new password that an earlier module such as
// pam_pwquality has asked for and checked: libpam wipes the item before, and programs cannot set
// it. It answers the first question for a new password and the repetition. If the pool refuses it,
// the user is asked for another.
std::expected<std::optional<Secret>, PhaseResult> Conversation::new_password_from_stack(
    const ConversationStep& step) {
  const Purpose purpose = step.main.purpose;
  if (purpose == Purpose::new_password) ++new_passwords_;
  const bool is_new = purpose == Purpose::new_password || purpose == Purpose::new_password_again;
  if (goal_ != Goal::change_password || !is_new || new_passwords_ != 1) return std::nullopt;
  auto password = pam_.password(PAM_AUTHTOK);
  if (!password) return std::unexpected(kTooLong);
  if (*password && step.notice) host_.tell(*step.notice);
  return std::move(*password);
}

std::expected<Outcome, PhaseResult> Conversation::conclude(const ConversationStep& last) {
  if (last.notice) host_.tell(*last.notice);
  if (last.main.outcome != Outcome::success) return last.main.outcome;
  if (!answered_ && needs_answer_) return std::unexpected(unforeseen("success-without-an-answer"));
  if (goal_ == Goal::change_password && !passwords_.has_new_password())
    return std::unexpected(unforeseen("success-without-a-new-password"));
  if (check_)
    if (const auto checked = check_(); !checked) return std::unexpected(checked.error());
  // cognitod commits the sign-in when it receives this. Without it, cognitod revokes the tokens.
  if (!send_signal(socket_.get(), FrameType::ack)) return std::unexpected(kDaemonLost);
  sign_in_id_ = last.main.sign_in_id;
  return Outcome::success;
}

// cognitod has closed the socket while the user was typing. An outcome that it had sent before
// counts, unless it is a success.
PhaseResult Conversation::result_after_hang_up() {
  while (auto frame = receive_from_daemon(socket_.get()))
    if (frame->type == FrameType::outcome && frame->outcome != Outcome::success)
      return {.outcome = frame->outcome, .cause = "outcome"};
  return kDaemonLost;
}

void Conversation::abort() const noexcept {
  // If cognitod has gone, it needs no abort.
  [[maybe_unused]] const auto sent = send_signal(socket_.get(), FrameType::abort);
}

namespace {

// No sign-in has this id, so the outcome of a sign-in cannot be mistaken for the account decision.
constexpr SignInId kNoSignIn{};

bool is_account_answer(const DaemonFrame& frame) noexcept {
  return frame.type == FrameType::outcome && frame.sign_in_id == kNoSignIn;
}

}  // namespace

std::optional<PhaseResult> ask_account(int socket, Deadline deadline) {
  if (!send_signal(socket, FrameType::account)) return std::nullopt;
  const auto frame = receive_frame(socket, deadline);
  if (frame) {
    if (!is_account_answer(*frame)) return std::nullopt;
    return PhaseResult{.outcome = frame->outcome, .cause = "outcome"};
  }
  switch (frame.error()) {
    case ReceiveError::timed_out:
      return PhaseResult{.outcome = Outcome::failed, .cause = "timeout"};
    case ReceiveError::wait_failed:
      return unforeseen("local-fault");
    case ReceiveError::closed:
    case ReceiveError::malformed:
    case ReceiveError::two_notices:
    case ReceiveError::receive_failed:
      break;
  }
  return std::nullopt;
}

}  // namespace pamcognito::pam
