#include "pam/account_question.h"

#include "common/conversation_client.h"
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
  const auto frame = receive_frame(socket, deadline);
  if (frame) {
    if (!is_account_answer(*frame)) return std::nullopt;
    return Ending{.outcome = frame->outcome, .cause = "outcome"};
  }
  switch (frame.error()) {
    case ReceiveError::timed_out:
      return Ending{.outcome = Outcome::failed, .cause = "timeout"};
    case ReceiveError::wait_failed:
      return Ending{.outcome = Outcome::unforeseen, .cause = "local-fault"};
    case ReceiveError::closed:
    case ReceiveError::malformed:
    case ReceiveError::two_notices:
    case ReceiveError::receive_failed:
      break;
  }
  return std::nullopt;
}

}  // namespace pamcognito::pam
