#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "daemon/bus/facts.h"
#include "daemon/bus/open_sign_in.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/flows/revocations.h"
#include "daemon/limits/failure_budgets.h"
#include "daemon/limits/message_budgets.h"
#include "daemon/limits/open_sign_ins.h"
#include "daemon/limits/user_queue.h"
#include "daemon/policy/config.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/worker.h"
#include "daemon/sessions/verified_facts.h"

namespace pamcognito::bus {

// org.pamcognito.Auth1 on the system bus: who calls, what they may, and the sign-ins that are open.
class AuthService {
 public:
  // All outlive this. `config` and `pool` are both null in an unconfigured daemon, which answers
  // account questions from what it knows and OpenSignIn with Error.Unconfigured.
  // `max_sign_ins`: what the process's descriptors suffice for.
  AuthService(runtime::EventLoop& loop, runtime::Clock& clock, runtime::Worker& worker,
              std::shared_ptr<const policy::Config> config, cognito::UserPool* pool,
              std::size_t max_sign_ins);
  AuthService(const AuthService&) = delete;
  AuthService& operator=(const AuthService&) = delete;
  ~AuthService();

  // Connects to the system bus, takes the name, serves. A negative errno if that cannot be done.
  int start();
  // Ends every sign-in, gives the name back, and calls `stopped` once their tokens are revoked.
  void stop(std::function<void()> stopped);

 private:
  class MessageRef;
  static const sd_bus_vtable kVtable[];

  static int on_open_sign_in(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_open_password_change(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_check_account(sd_bus_message* message, void* self, sd_bus_error* error);
  static int get_version(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                         void* self, sd_bus_error*);
  static int get_configured(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                            void* self, sd_bus_error*);

  // Runs a call's coroutine; at most kMaxCalls at once, kMaxCallsOfOne of one connection, and none
  // that wants no reply.
  int accept(sd_bus_message* message, runtime::Task<void> (AuthService::*handle)(MessageRef));
  runtime::Task<void> open_sign_in(MessageRef message);
  runtime::Task<void> open_password_change(MessageRef message);
  runtime::Task<void> check_account(MessageRef message);

  // Who asks, for whom, as what: established from the bus daemon's word, and for callers that are
  // not root from NSS instead of theirs. `refused` names the bus error.
  struct Caller;
  // The two methods that answer with a conversation's socket.
  runtime::Task<void> open(MessageRef message, flows::Goal goal);
  runtime::Task<std::string> name_of(uid_t uid);
  // `name_time`: how long NSS may take to say who a caller's real uid is.
  runtime::Task<Caller> establish_caller(MessageRef message, std::string user, std::string service,
                                         Facts facts, std::chrono::milliseconds name_time);
  void reply_with_socket(sd_bus_message* message, flows::SignInRequest request);
  [[nodiscard]] flows::SignInServices services();

  runtime::EventLoop& loop_;
  runtime::Clock& clock_;
  runtime::Worker& worker_;
  std::shared_ptr<const policy::Config> config_;
  cognito::UserPool* pool_;

  limits::OpenSignIns open_;
  limits::FailureBudgets failures_;
  limits::MessageBudgets messages_;
  // Apart, so that a stranger who asks for resets cannot use up a user's sign-in codes.
  limits::MessageBudgets reset_messages_;
  limits::MessageBudgets reset_messages_by_origin_;
  limits::UserQueue password_turns_;
  std::chrono::milliseconds refusal_time_{250};
  sessions::VerifiedFactsStore facts_;
  flows::Revocations revocations_;

  sd_bus* bus_ = nullptr;
  sd_bus_slot* vtable_slot_ = nullptr;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, runtime::EventLoop::Spawned> calls_;
  std::map<std::string, std::size_t> calls_by_sender_;
  std::map<std::uint64_t, std::unique_ptr<OpenSignIn>> sign_ins_;
};

}  // namespace pamcognito::bus
