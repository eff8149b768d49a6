#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "common/deadline.h"
#include "common/frame.h"

// The client's end of a conversation with cognitod, for pam_cognito and cognitoctl.
//
// cognitod leads a conversation. It sends steps: at most one notice (an info or an error), then a
// question or the outcome. The client answers each question with one frame, and acknowledges a
// success. This file receives steps and frames within a deadline; frame.h describes their form.
// Each client decides by itself what the user sees, and what a failure here means to its caller.
namespace pamcognito {

enum class ReceiveError : std::uint8_t {
  closed,          // cognitod has ended, or has closed the socket
  malformed,       // a frame that frame.h does not allow
  two_notices,     // frames that are no step
  timed_out,       // the deadline has passed
  receive_failed,  // recvmsg() failed: no memory
  wait_failed,     // ppoll() failed: no memory
};

struct ConversationStep {
  std::optional<DaemonFrame> notice;
  DaemonFrame main;  // a question or the outcome

  [[nodiscard]] bool is_outcome() const noexcept { return main.type == FrameType::outcome; }
};

// Waits for one frame.
std::expected<DaemonFrame, ReceiveError> receive_frame(int socket, Deadline deadline);

// Waits for one step; `deadline` is for all its frames.
std::expected<ConversationStep, ReceiveError> receive_step(int socket, Deadline deadline);

// Wipes the texts: the set-up of an authenticator app contains its secret.
void wipe_texts(ConversationStep& step) noexcept;

}  // namespace pamcognito
