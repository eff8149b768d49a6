#pragma once

#include <chrono>
#include <functional>
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
// host process is gone, commits a success once the module has acknowledged it, and writes its one
// line to the journal.
class OpenSignIn {
 public:
  // `facts` and what `services` points to outlive this object. `finished` is called once, from the
  // loop; it may destroy this object.
  OpenSignIn(runtime::EventLoop& loop, flows::SignInServices services, flows::SignInRequest request,
             limits::SignInPlace place, sessions::VerifiedFactsStore& facts, Fd socket,
             std::function<void()> finished);
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
  void cut_short(Outcome outcome, std::string cause, const std::string& text);
  void end(flows::SignInResult result);
  void log_end(const flows::SignInResult& result) const;
  void close();

  runtime::EventLoop& loop_;
  flows::SignInServices services_;
  flows::SignInRequest request_;
  limits::SignInPlace place_;
  sessions::VerifiedFactsStore& facts_;
  std::function<void()> finished_;
  prompts::Rendering rendering_;
  const runtime::MonotonicTime opened_;
  const std::string log_id_;  // ties the journal's lines together; no capability
  SignInId sign_in_id_;

  SocketConversation conversation_;
  flows::SignIn flow_;
  std::optional<flows::SignInResult> result_;
  runtime::EventLoop::Spawned running_;
  std::optional<runtime::Timer> deadline_;  // of the whole sign-in
  std::optional<runtime::Timer> hard_deadline_;
  std::optional<runtime::Timer> step_;
  enum class State : std::uint8_t { running, awaiting_ack, closed } state_ = State::running;
};

}  // namespace pamcognito::bus
