#include "common/conversation_client.h"

#include <poll.h>

#include <utility>

#include "common/secret.h"

namespace pamcognito {
namespace {

bool is_notice(FrameType type) noexcept {
  return type == FrameType::info || type == FrameType::error;
}

void wipe_text(DaemonFrame& frame) noexcept {
  wipe({frame.text.data(), frame.text.size()});
}

}  // namespace

std::expected<DaemonFrame, ReceiveError> receive_frame(int socket, Deadline deadline) {
  while (true) {
    auto frame = receive_from_daemon(socket);
    if (frame) return std::move(*frame);
    switch (frame.error()) {
      case FrameError::would_block:
        break;
      case FrameError::closed:
        return std::unexpected(ReceiveError::closed);
      case FrameError::malformed:
        return std::unexpected(ReceiveError::malformed);
      case FrameError::system:
        return std::unexpected(ReceiveError::receive_failed);
    }
    switch (wait_for(socket, POLLIN, deadline)) {
      case Wait::ready:
        break;
      case Wait::timed_out:
        return std::unexpected(ReceiveError::timed_out);
      case Wait::failed:
        return std::unexpected(ReceiveError::wait_failed);
    }
  }
}

std::expected<ConversationStep, ReceiveError> receive_step(int socket, Deadline deadline) {
  auto frame = receive_frame(socket, deadline);
  if (!frame) return std::unexpected(frame.error());
  ConversationStep step;
  if (is_notice(frame->type)) {
    step.notice = std::move(*frame);
    frame = receive_frame(socket, deadline);
    if (!frame) return std::unexpected(frame.error());
    if (is_notice(frame->type)) return std::unexpected(ReceiveError::two_notices);
  }
  step.main = std::move(*frame);
  return step;
}

void wipe_texts(ConversationStep& step) noexcept {
  wipe_text(step.main);
  if (step.notice) wipe_text(*step.notice);
}

}  // namespace pamcognito
