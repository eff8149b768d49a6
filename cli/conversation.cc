#include "cli/conversation.h"

#include <sys/random.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <utility>

#include "common/conversation_client.h"
#include "common/deadline.h"
#include "common/hexadecimal.h"
#include "common/protocol_limits.h"

namespace pamcognito::cli {
namespace {

Failure lost() {
  return {ExitCode::unreachable, "daemon-lost", "cognitod went away: see its log"};
}

std::string_view last_line(std::string_view text) {
  const std::size_t newline = text.rfind('\n');
  return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

Failure to_failure(ReceiveError error) {
  switch (error) {
    case ReceiveError::malformed:
    case ReceiveError::two_notices:
      return {ExitCode::failed, "malformed-frame",
              "cognitod's frame is not understood: is it of another version?"};
    case ReceiveError::timed_out:
      return {ExitCode::unreachable, "timeout", "cognitod did not answer within 10 s"};
    case ReceiveError::closed:
    case ReceiveError::receive_failed:
    case ReceiveError::wait_failed:
      break;
  }
  return lost();
}

Failure to_failure(Terminal::Error error) {
  if (error == Terminal::Error::too_long)
    return {ExitCode::failed, "answer-too-long", "the answer is longer than 511 bytes"};
  return {ExitCode::failed, "no-answer-given", "nothing more was typed: canceled"};
}

class TerminalConversation {
 public:
  TerminalConversation(const Terminal& terminal, Conversing conversing, AfterSuccess after,
                       const std::function<void(const AskedStep&)>& asked)
      : terminal_(terminal),
        socket_(std::move(conversing.socket)),
        deadline_(Deadline::after(conversing.deadline)),
        after_(after),
        asked_(asked) {}

  Result<ConversationResult> run() {
    for (int i = 0; i < protocol::kMaxSteps; ++i) {
      auto step = receive_step(socket_.get(), step_deadline());
      if (!step) return std::unexpected(to_failure(step.error()));
      std::string notice = step->notice ? std::move(step->notice->text) : std::string();
      if (step->is_outcome()) return end(step->main, std::move(notice));
      auto answered = answer(step->main, std::move(notice));
      if (!answered) {
        (void)send_signal(socket_.get(), FrameType::abort);
        return std::unexpected(std::move(answered.error()));
      }
    }
    return failure(ExitCode::failed, "too-many-steps", "cognitod asked more than 64 questions");
  }

 private:
  Result<void> answer(DaemonFrame& frame, std::string notice) {
    AskedStep step{frame.purpose, frame.type == FrameType::ask_hidden, std::move(notice),
                   std::string(last_line(frame.text))};
    if (asked_) asked_(step);
    if (!step.notice.empty()) terminal_.show(step.notice + "\n");
    auto typed = terminal_.ask(frame.text, !step.hidden, socket_.get());
    wipe({frame.text.data(), frame.text.size()});
    const Purpose purpose = step.purpose;
    result_.steps.push_back(std::move(step));
    if (!typed && typed.error() == Terminal::Error::interrupted) {
      terminal_.show("\n");  // the daemon's frame follows
      return {};
    }
    if (!typed) return std::unexpected(to_failure(typed.error()));
    if (!send_answer(socket_.get(), purpose, *typed)) return std::unexpected(lost());
    return {};
  }

  ConversationResult end(const DaemonFrame& frame, std::string notice) {
    if (frame.outcome == Outcome::success) commit();
    result_.outcome = frame.outcome;
    result_.notice = std::move(notice);
    return std::move(result_);
  }

  void commit() {
    if (after_ == AfterSuccess::abort) {
      (void)send_signal(socket_.get(), FrameType::abort);
      return;
    }
    // A call on the bus may overtake the acknowledgement. The answer to the account question, or
    // the end of the socket if there is none, comes after it; its content does not matter here.
    (void)send_signal(socket_.get(), FrameType::ack);
    (void)send_signal(socket_.get(), FrameType::account);
    (void)receive_frame(socket_.get(), Deadline::after(protocol::kClientStepTime));
  }

  [[nodiscard]] Deadline step_deadline() const {
    return Deadline::earlier(deadline_, Deadline::after(protocol::kClientStepTime));
  }

  const Terminal& terminal_;
  Fd socket_;
  Deadline deadline_;
  AfterSuccess after_;
  const std::function<void(const AskedStep&)>& asked_;
  ConversationResult result_;
};

}  // namespace

std::string_view to_string(Purpose purpose) {
  switch (purpose) {
    case Purpose::other:
      return "other";
    case Purpose::password:
      return "password";
    case Purpose::new_password:
      return "new-password";
    case Purpose::new_password_again:
      return "new-password-again";
    case Purpose::code:
      return "code";
    case Purpose::choice:
      return "choice";
    case Purpose::password_and_code:
      return "password-and-code";
  }
  return "other";
}

Result<ConversationResult> converse(const Terminal& terminal, Conversing conversing,
                                    AfterSuccess after,
                                    const std::function<void(const AskedStep&)>& asked) {
  return TerminalConversation(terminal, std::move(conversing), after, asked).run();
}

std::string new_log_id() {
  std::array<std::uint8_t, 8> bytes{};
  // Without randomness the id is only harder to find in the log.
  if (::getrandom(bytes.data(), bytes.size(), 0) < 0) bytes.fill(0);
  return hexadecimal(bytes);
}

}  // namespace pamcognito::cli
