#include "cli/conversation.h"

#include <poll.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <utility>

#include "common/hexadecimal.h"
#include "common/protocol_limits.h"

namespace pamcognito::cli {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

Failure lost() {
  return {ExitCode::unreachable, "daemon-lost", "cognitod went away: see its log"};
}

std::string_view last_line(std::string_view text) {
  const std::size_t newline = text.rfind('\n');
  return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

Result<DaemonFrame> receive(int socket, SteadyClock::time_point deadline) {
  while (true) {
    auto frame = receive_from_daemon(socket);
    if (frame) return std::move(*frame);
    if (frame.error() == FrameError::malformed)
      return failure(ExitCode::failed, "malformed-frame",
                     "cognitod's words are not understood: is it of another version?");
    if (frame.error() != FrameError::would_block) return std::unexpected(lost());
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left <= 0ms)
      return failure(ExitCode::unreachable, "timeout", "cognitod did not answer within 10 s");
    pollfd poll{.fd = socket, .events = POLLIN, .revents = 0};
    if (::poll(&poll, 1, static_cast<int>(left.count())) < 0 && errno != EINTR)
      return std::unexpected(lost());
  }
}

Failure failure_of(Terminal::Error error) {
  if (error == Terminal::Error::too_long)
    return {ExitCode::failed, "answer-too-long", "the answer is longer than 511 bytes"};
  return {ExitCode::failed, "no-answer-given", "nothing more was typed: given up"};
}

class Run {
 public:
  Run(const Terminal& terminal, Conversing conversing, AfterSuccess after,
      const std::function<void(const AskedStep&)>& asked)
      : terminal_(terminal),
        socket_(std::move(conversing.socket)),
        deadline_(SteadyClock::now() + conversing.deadline),
        after_(after),
        asked_(asked) {}

  Result<Ended> to_the_end() {
    std::string notice;
    for (int i = 0; i < protocol::kMaxSteps;) {
      auto frame = receive(socket_.get(),
                           std::min(deadline_, SteadyClock::now() + protocol::kClientStepTime));
      if (!frame) return std::unexpected(std::move(frame.error()));
      if (frame->type == FrameType::info || frame->type == FrameType::error) {
        notice = std::move(frame->text);
        continue;
      }
      if (frame->type == FrameType::outcome) return end(*frame, std::move(notice));
      auto answered = answer(*frame, std::exchange(notice, {}));
      if (!answered) {
        (void)send_signal(socket_.get(), FrameType::abort);
        return std::unexpected(std::move(answered.error()));
      }
      ++i;
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
    ended_.steps.push_back(std::move(step));
    if (!typed && typed.error() == Terminal::Error::interrupted) {
      terminal_.show("\n");  // what the daemon said instead of waiting comes next
      return {};
    }
    if (!typed) return std::unexpected(failure_of(typed.error()));
    if (!send_answer(socket_.get(), purpose, *typed)) return std::unexpected(lost());
    return {};
  }

  Ended end(const DaemonFrame& frame, std::string notice) {
    if (frame.outcome == Outcome::success) commit();
    ended_.outcome = frame.outcome;
    ended_.notice = std::move(notice);
    return std::move(ended_);
  }

  void commit() {
    if (after_ == AfterSuccess::abort) {
      (void)send_signal(socket_.get(), FrameType::abort);
      return;
    }
    // A call on the bus may overtake the acknowledgement. The answer to the account question, or
    // the end of the socket where none is given, comes after it; what it says does not matter here.
    (void)send_signal(socket_.get(), FrameType::ack);
    (void)send_signal(socket_.get(), FrameType::account);
    (void)receive(socket_.get(), SteadyClock::now() + protocol::kClientStepTime);
  }

  const Terminal& terminal_;
  Fd socket_;
  SteadyClock::time_point deadline_;
  AfterSuccess after_;
  const std::function<void(const AskedStep&)>& asked_;
  Ended ended_;
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

Result<Ended> converse(const Terminal& terminal, Conversing conversing, AfterSuccess after,
                       const std::function<void(const AskedStep&)>& asked) {
  return Run(terminal, std::move(conversing), after, asked).to_the_end();
}

std::string new_log_id() {
  std::array<std::uint8_t, 8> bytes{};
  // Without randomness the id is only harder to find in the log.
  if (::getrandom(bytes.data(), bytes.size(), 0) < 0) bytes.fill(0);
  return hexadecimal(bytes);
}

}  // namespace pamcognito::cli
