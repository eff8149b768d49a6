#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/fd.h"
#include "common/frame.h"
#include "daemon/bus/socket_conversation.h"
#include "daemon/limits/open_sign_ins.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/journal.h"
#include "daemon/sessions/recent_sign_ins.h"
#include "daemon/sign_in/sign_in.h"

namespace pamcognito::bus {

// One sign-in between OpenSignIn and its end: runs the flow, keeps its deadlines, ends it when the
// host process is gone, commits a success once the module has acknowledged it, writes its one line
// to the journal, and then answers the account question of the same PAM transaction, once.
class OpenSignIn final : private ConversationEvents {
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
    virtual runtime::Level level_of_line(const limits::Origin& origin, runtime::Level level) = 0;
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
  // Ends it at once, whatever state it is in: the daemon stops, or turns to another user pool. The
  // holder hears no more of it.
  void stop();
  // For the module, which starts a clock of its own with it.
  [[nodiscard]] std::chrono::seconds deadline_for_module() const;

 private:
  runtime::Task<void> run_flow();
  void flow_done(bool threw);
  void start_deadline();
  void asked() override;
  void answered() override;
  void acked() override;
  void declined() override;
  void account_asked() override;
  void gone() override;
  void tested();
  runtime::Task<void> answer_account();
  void commit();
  void cut_short(Outcome outcome, std::string cause, const std::string& text);
  void end(sign_in::Ended result);
  [[nodiscard]] runtime::Level level_of(const sign_in::SignInResult& result) const;
  void log_end(const sign_in::SignInResult& result) const;
  void close();

  runtime::EventLoop& loop_;
  std::optional<limits::SignInPlace> place_;  // given back once nobody is waited for
  Holder* holder_;                            // null: it was told that this is finished
  const std::uint64_t number_;
  const runtime::Clock& clock_;  // the flow's: its times are never compared with the loop's
  const runtime::MonotonicTime opened_;
  const SignInId sign_in_id_;

  SocketConversation conversation_;
  // Destroyed at ack, with what it holds of the sign-in: 2,000 may be open, so nothing stands
  // twice.
  std::unique_ptr<sign_in::SignIn> flow_;
  sign_in::Ended result_;
  runtime::Task<Outcome> account_;  // from the ack on
  runtime::EventLoop::Spawned running_;
  std::optional<runtime::Timer> deadline_;  // of the whole sign-in
  std::optional<runtime::Timer> hard_deadline_;
  std::optional<runtime::Timer> step_;
  enum class State : std::uint8_t { running, awaiting_ack, committed, closed };
  State state_ = State::running;
};

}  // namespace pamcognito::bus
