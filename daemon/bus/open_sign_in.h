#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/fd.h"
#include "common/frame.h"
#include "daemon/bus/socket_conversation.h"
#include "daemon/flows/sign_in.h"
#include "daemon/limits/open_sign_ins.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/sessions/verified_facts.h"

namespace pamcognito::bus {

// One sign-in between OpenSignIn and its end: runs the flow, keeps its deadlines, ends it when the
// host process is gone, commits a success once the module has acknowledged it, writes its one line
// to the journal, and then answers the account question of the same PAM transaction, once.
class OpenSignIn {
 public:
  // What is around it; all of it outlives the sign-in.
  struct Surroundings {
    sessions::VerifiedFactsStore* facts = nullptr;
    // May the account of this sign-in go on? Empty: the module asks elsewhere.
    std::function<runtime::Task<Outcome>(SignInId)> decide_account;
    // Is there room for one more socket that only waits for the account question?
    std::function<bool()> may_wait;
    // Called once, from the loop; may destroy the sign-in.
    std::function<void()> finished;

    Surroundings() = default;
  };

  OpenSignIn(runtime::EventLoop& loop, flows::SignInServices services, flows::SignInRequest request,
             limits::SignInPlace place, Surroundings around, Fd socket);
  OpenSignIn(const OpenSignIn&) = delete;
  OpenSignIn& operator=(const OpenSignIn&) = delete;

  void start();
  // For the module, which starts a clock of its own with it.
  [[nodiscard]] std::chrono::seconds deadline_for_module() const;

 private:
  runtime::Task<void> run_flow();
  void flow_done(bool threw);
  void start_deadline();
  void asked();
  void answered();
  void acked();
  void declined();
  void account_asked();
  runtime::Task<void> answer_account();
  void commit();
  void cut_short(Outcome outcome, std::string cause, const std::string& text);
  void end(flows::SignInResult result);
  void log_end(const flows::SignInResult& result) const;
  void close();

  runtime::EventLoop& loop_;
  flows::SignInServices services_;
  flows::SignInRequest request_;
  std::optional<limits::SignInPlace> place_;  // given back once nobody is waited for
  Surroundings around_;
  prompts::Rendering rendering_;
  const runtime::MonotonicTime opened_;
  const SignInId sign_in_id_;

  SocketConversation conversation_;
  // Destroyed at ack, with what it holds of the sign-in.
  std::unique_ptr<flows::SignIn> flow_;
  std::optional<flows::SignInResult> result_;
  runtime::EventLoop::Spawned running_;
  std::optional<runtime::Timer> deadline_;  // of the whole sign-in
  std::optional<runtime::Timer> hard_deadline_;
  std::optional<runtime::Timer> step_;
  enum class State : std::uint8_t { running, awaiting_ack, committed, closed };
  State state_ = State::running;
};

}  // namespace pamcognito::bus
