#pragma once

#include <expected>
#include <utility>

#include "common/fd.h"
#include "common/frame.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/stall_guard.h"
#include "daemon/sign_in/conversation.h"

namespace pamcognito::bus {

// What a conversation tells whoever runs it.
class ConversationEvents {
 public:
  ConversationEvents() = default;
  ConversationEvents(const ConversationEvents&) = delete;
  ConversationEvents& operator=(const ConversationEvents&) = delete;
  virtual ~ConversationEvents() = default;

  virtual void asked() = 0;          // a question went out; the person has the time now
  virtual void answered() = 0;       // an answer came; called before the flow sees it
  virtual void acked() = 0;          // the module took the success over
  virtual void declined() = 0;       // it does not want the success: nothing of it is to stay
  virtual void account_asked() = 0;  // after acked, once: answered by answer_account()
  // The host process died, hung up, or sent what it must not: whoever listens ends the sign-in, and
  // with it an open question. May destroy the conversation only from the loop (EventLoop::post).
  virtual void gone() = 0;
};

// The daemon's end of a sign-in's private SEQPACKET pair.
class SocketConversation final : public sign_in::Conversation {
 public:
  // `events` outlives this.
  SocketConversation(runtime::EventLoop& loop, Fd socket, ConversationEvents* events);

  runtime::Task<std::expected<Secret, sign_in::ConversationError>> ask(
      sign_in::Prompt prompt) override;
  [[nodiscard]] runtime::MonotonicTime ends_at() const override { return ends_at_; }
  // Whoever keeps the deadline of the whole sign-in says what it is.
  void set_ends_at(runtime::MonotonicTime time) noexcept { ends_at_ = time; }

  // The last step. A success is then acknowledged by `acked`, or not at all: `declined`, `gone`.
  void finish(Outcome outcome, const SignInId& id, const sign_in::Notice& notice);
  void answer_account(Outcome outcome);

 private:
  runtime::Task<std::expected<Secret, sign_in::ConversationError>> await_answer(bool sent);
  [[nodiscard]] std::expected<ModuleFrame, FrameError> receive() const;
  void readable();
  bool send_notice(const sign_in::Notice& notice);

  // Descriptors that the peer has sent, and that nobody has received, are closed with it.
  class Socket {
   public:
    explicit Socket(Fd fd) : fd_(std::move(fd)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() {
      const runtime::StallGuard guard;
      fd_.reset();
    }
    [[nodiscard]] int get() const noexcept { return fd_.get(); }

   private:
    Fd fd_;
  };

  Socket socket_;
  ConversationEvents* const events_;
  // The open question; lives in the frame of await_answer().
  runtime::OneShot<std::expected<Secret, sign_in::ConversationError>>* question_ = nullptr;
  runtime::MonotonicTime ends_at_{};
  bool awaiting_ack_ = false;
  bool may_ask_account_ = false;
  bool gone_ = false;
  runtime::IoWatch watch_;
};

}  // namespace pamcognito::bus
