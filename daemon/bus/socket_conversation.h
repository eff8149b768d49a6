#pragma once

#include <expected>
#include <functional>

#include "common/fd.h"
#include "common/frame.h"
#include "daemon/flows/conversation.h"
#include "daemon/runtime/event_loop.h"

namespace pamcognito::bus {

// The daemon's end of a sign-in's private SEQPACKET pair.
class SocketConversation final : public flows::Conversation {
 public:
  struct Events {
    std::function<void()> asked;          // a question went out; the person has the time now
    std::function<void()> answered;       // an answer came; called before the flow sees it
    std::function<void()> acked;          // the module took the success over
    std::function<void()> declined;       // it does not want the success: nothing of it is to stay
    std::function<void()> account_asked;  // after acked, once: answered by answer_account()
    // The host process died, hung up, or sent what it must not: whoever listens ends the sign-in,
    // and with it an open question. May destroy this object only from the loop (EventLoop::post).
    std::function<void()> gone;
  };

  SocketConversation(runtime::EventLoop& loop, Fd socket, Events events);

  runtime::Task<std::expected<Secret, flows::ConversationError>> ask(flows::Prompt prompt) override;
  [[nodiscard]] runtime::MonotonicTime ends_at() const override { return ends_at_; }
  // Whoever keeps the deadline of the whole sign-in says what it is.
  void set_ends_at(runtime::MonotonicTime time) noexcept { ends_at_ = time; }

  // The last step. A success is then acknowledged by `acked`, or not at all: `declined`, `gone`.
  void finish(Outcome outcome, const SignInId& id, const flows::Notice& notice);
  void answer_account(Outcome outcome);

 private:
  void readable();
  bool send_notice(const flows::Notice& notice);

  Fd socket_;
  Events events_;
  // The open question; lives in the frame of ask().
  runtime::OneShot<std::expected<Secret, flows::ConversationError>>* question_ = nullptr;
  runtime::MonotonicTime ends_at_{};
  bool awaiting_ack_ = false;
  bool may_ask_account_ = false;
  bool gone_ = false;
  runtime::IoWatch watch_;
};

}  // namespace pamcognito::bus
