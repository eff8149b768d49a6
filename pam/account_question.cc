#include "pam/account_question.h"

#include <poll.h>

#include "common/frame.h"

namespace pamcognito::pam {
namespace {

// No sign-in has this id, so that an outcome left over from one cannot be taken for the answer.
constexpr SignInId kNoSignIn{};

bool is_account_answer(const DaemonFrame& frame) noexcept {
  return frame.type == FrameType::outcome && frame.sign_in_id == kNoSignIn;
}

}  // namespace

std::optional<Ending> ask_account(int socket, Deadline deadline) {
  if (!send_signal(socket, FrameType::account)) return std::nullopt;
  while (true) {
    const auto frame = receive_from_daemon(socket);
    if (frame) {
      if (!is_account_answer(*frame)) return std::nullopt;
      return Ending{.outcome = frame->outcome, .cause = "outcome"};
    }
    if (frame.error() != FrameError::would_block) return std::nullopt;
    switch (wait_for(socket, POLLIN, deadline)) {
      case Wait::ready:
        break;
      case Wait::timed_out:
        return Ending{.outcome = Outcome::failed, .cause = "timeout"};
      case Wait::failed:
        return Ending{.outcome = Outcome::unforeseen, .cause = "local-fault"};
    }
  }
}

}  // namespace pamcognito::pam
