#include "daemon/bus/socket_conversation.h"

#include <sys/epoll.h>

#include <cstdint>
#include <utility>

namespace pamcognito::bus {

using sign_in::ConversationError;
using sign_in::Notice;

SocketConversation::SocketConversation(runtime::EventLoop& loop, Fd socket,
                                       ConversationEvents* events)
    : socket_(std::move(socket)),
      events_(events),
      watch_(loop, socket_.get(), static_cast<std::uint32_t>(EPOLLIN),
             [this](std::uint32_t) { readable(); }) {}

// Not a coroutine: a set-up's text holds a secret, and no frame is to keep it while the person
// types.
runtime::Task<std::expected<Secret, ConversationError>> SocketConversation::ask(
    sign_in::Prompt prompt) {
  const FrameType type = prompt.echo ? FrameType::ask_visible : FrameType::ask_hidden;
  const bool sent =
      !gone_ && send_notice(prompt.notice) &&
      send_text(socket_.get(), type, prompt.purpose, printable(prompt.text, kMaxText)).has_value();
  return await_answer(sent);
}

runtime::Task<std::expected<Secret, ConversationError>> SocketConversation::await_answer(
    bool sent) {
  if (!sent) co_return std::unexpected(ConversationError::gone);
  // A flow that is cancelled takes its question with it.
  struct OpenQuestion {
    explicit OpenQuestion(SocketConversation& conversation) : owner(conversation) {
      owner.question_ = &answer;
    }
    OpenQuestion(const OpenQuestion&) = delete;
    OpenQuestion& operator=(const OpenQuestion&) = delete;
    ~OpenQuestion() { owner.question_ = nullptr; }
    SocketConversation& owner;
    runtime::OneShot<std::expected<Secret, ConversationError>> answer;
  };
  OpenQuestion question(*this);
  events_->asked();
  std::expected<Secret, ConversationError> answer = co_await question.answer;
  co_return answer;
}

void SocketConversation::finish(Outcome outcome, const SignInId& id, const Notice& notice) {
  awaiting_ack_ = outcome == Outcome::success;
  const bool sent =
      !gone_ && send_notice(notice) && send_outcome(socket_.get(), outcome, id).has_value();
  if (!sent && awaiting_ack_) {
    awaiting_ack_ = false;
    events_->gone();
  }
}

void SocketConversation::answer_account(Outcome outcome) {
  // The decision is no sign-in, and has no id.
  if (!gone_) (void)send_outcome(socket_.get(), outcome, SignInId{});
}

bool SocketConversation::send_notice(const Notice& notice) {
  if (notice.kind == Notice::Kind::none) return true;
  const FrameType type = notice.kind == Notice::Kind::error ? FrameType::error : FrameType::info;
  return send_text(socket_.get(), type, Purpose::other, printable(notice.text, kMaxText))
      .has_value();
}

std::expected<ModuleFrame, FrameError> SocketConversation::receive() const {
  const runtime::StallGuard guard;
  return receive_from_module(socket_.get());
}

void SocketConversation::readable() {
  std::expected<ModuleFrame, FrameError> frame = receive();
  if (!frame && frame.error() == FrameError::would_block) return;

  const auto take_question = [this] { return std::exchange(question_, nullptr); };
  if (frame && frame->type == FrameType::answer && question_ != nullptr) {
    events_->answered();
    take_question()->report(std::move(frame->answer));
    return;
  }
  if (frame && frame->type == FrameType::abort && question_ != nullptr) {
    events_->answered();
    take_question()->report(std::unexpected(ConversationError::aborted));
    return;
  }
  if (frame && frame->type == FrameType::ack && awaiting_ack_) {
    awaiting_ack_ = false;
    may_ask_account_ = true;
    events_->acked();
    return;
  }
  if (frame && frame->type == FrameType::abort && awaiting_ack_) {
    awaiting_ack_ = false;
    events_->declined();
    return;
  }
  if (frame && frame->type == FrameType::account && may_ask_account_) {
    may_ask_account_ = false;
    events_->account_asked();
    return;
  }

  // Nothing that can follow makes this end well, and a socket at its end is readable for ever.
  gone_ = true;
  watch_.set_events(0);
  events_->gone();
}

}  // namespace pamcognito::bus
