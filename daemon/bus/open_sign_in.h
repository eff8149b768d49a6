#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/fd.h"
#include "common/frame.h"
#include "daemon/limits/open_sign_ins.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/stall_guard.h"
#include "daemon/sessions/recent_sign_ins.h"
#include "daemon/sign_in/conversation.h"
#include "daemon/sign_in/sign_in.h"

namespace pamcognito::bus {

// One sign-in between OpenSignIn and its end: the daemon's end of the private SEQPACKET pair, and
// the life of what happens on it.
//
//   running ──success──▶ awaiting_ack ──ack──▶ committed ──question──▶ deciding_account
//      └──any other end, a deadline, the host process is gone──▶ closed ◀──┘
//
// It runs the steps (sign_in::SignIn), which see a Conversation; keeps their deadlines; ends them
// when the host process is gone; commits a success once the module has acknowledged it; writes the
// one line to the journal; and then answers the account question of the same PAM transaction, once.
class OpenSignIn final : private sign_in::Conversation {
 public:
  // The owner of the open sign-ins; outlives them.
  class Holder {
   public:
    Holder() = default;
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    virtual ~Holder() = default;

    // The sign-ins by which account phases of their transactions decide.
    virtual sessions::RecentSignIns& recent_sign_ins() = 0;
    // May the account of this sign-in go on? Decided when the task is awaited.
    virtual runtime::Task<Outcome> decide_account(const sign_in::SignInRequest& request,
                                                  const SignInId& sign_in_id) = 0;
    // The level of a line about a sign-in from `origin` that tried nothing: lower where there are
    // too many of them.
    virtual runtime::Level level_of_line(const sign_in::SignInRequest& request,
                                         runtime::Level level) = 0;
    // Is there room for one more socket that only waits for the account question?
    virtual bool may_wait() = 0;
    // Called once for each, from the loop; may destroy the sign-in.
    virtual void finished(std::uint64_t number) = 0;
  };

  // `number`: what the holder knows it by.
  OpenSignIn(runtime::EventLoop& loop, sign_in::SignInServices services,
             sign_in::SignInRequest request, limits::SignInPlace place, Holder* holder,
             std::uint64_t number, Fd socket);
  OpenSignIn(const OpenSignIn&) = delete;
  OpenSignIn& operator=(const OpenSignIn&) = delete;
  ~OpenSignIn() override = default;

  void start();
  // Ends the sign-in at once in every state: the daemon stops, or turns to another user pool. The
  // holder is not told.
  void stop();
  // For the module, which starts a clock of its own with it.
  [[nodiscard]] std::chrono::seconds deadline_for_module() const;

 private:
  runtime::Task<void> run_flow();
  void flow_done(bool threw);
  void start_deadline();

  // The conversation. An open question ends with the sign-in.
  runtime::Task<std::expected<Secret, sign_in::ConversationError>> ask(
      sign_in::Prompt prompt) override;
  [[nodiscard]] runtime::MonotonicTime ends_at() const override { return ends_at_; }
  runtime::Task<std::expected<Secret, sign_in::ConversationError>> await_answer(bool sent);
  [[nodiscard]] std::expected<ModuleFrame, FrameError> receive() const;
  void readable();
  bool send_notice(const sign_in::Notice& notice);
  bool send_end(Outcome outcome, const SignInId& id, const sign_in::Notice& notice);
  void send_account(Outcome outcome);

  void answered();  // an answer came; the steps do not see it yet
  void acked();     // the module took the success over
  void declined();  // it does not want the success: nothing of it is to stay
  void account_asked();
  void gone();  // the host process died, hung up, or sent what it must not
  void tested();

  runtime::Task<void> answer_account();
  void commit();
  void cut_short(Outcome outcome, std::string cause, const std::string& text);
  void end(sign_in::SignInEnd result);
  [[nodiscard]] runtime::Level level_of(const sign_in::SignInResult& result) const;
  void log_end(const sign_in::SignInResult& result) const;
  void close();

  runtime::EventLoop& loop_;
  std::optional<limits::SignInPlace> place_;  // given back when the sign-in is over
  Holder* holder_;                            // null: it was told that this is finished
  const std::uint64_t number_;
  const runtime::Clock& clock_;  // the flow's: its times are never compared with the loop's
  const runtime::MonotonicTime opened_;
  SignInId sign_in_id_{};

  // Closing the socket closes the descriptors that the peer has sent and that were not received.
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
  // The open question; lives in the frame of await_answer().
  runtime::OneShot<std::expected<Secret, sign_in::ConversationError>>* question_ = nullptr;
  runtime::MonotonicTime ends_at_{};
  bool gone_ = false;
  runtime::IoWatch watch_;
  // Destroyed at the acknowledgement, to free what it holds of the sign-in: 2,000 sign-ins may be
  // open.
  std::unique_ptr<sign_in::SignIn> flow_;
  sign_in::SignInEnd result_;
  runtime::Task<Outcome> account_;  // from the ack on
  runtime::EventLoop::Spawned running_;
  std::optional<runtime::Timer> deadline_;  // of the whole sign-in
  std::optional<runtime::Timer> hard_deadline_;
  std::optional<runtime::Timer> step_;
  enum class State : std::uint8_t { running, awaiting_ack, committed, deciding_account, closed };
  State state_ = State::running;
};

}  // namespace pamcognito::bus
