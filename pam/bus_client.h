#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "common/deadline.h"
#include "common/fd.h"
#include "common/frame.h"
#include "pam/bus_connection.h"
#include "pam/result.h"
#include "pam/transaction.h"

namespace pamcognito::pam {

// What the module tells the daemon of where a sign-in comes from. The daemon believes it only of
// callers whose effective uid is 0. Texts are printable and short.
struct CallerContext {
  uid_t real_uid = 0;
  uid_t user_uid = 0;                      // of PAM_USER
  std::optional<std::uint32_t> login_uid;  // proc_pid_loginuid(5); 4294967295: not set
  // proc_pid_sessionid(5); the same. Not said by what runs under the user's service manager.
  std::optional<std::uint32_t> audit_session;
  std::string tty;
  std::string remote_host;
  std::string remote_user;
  std::uint32_t flags = 0;  // as PAM gave them
  std::string log_id;       // log_id.h

  // Whether this process belongs to a login of PAM_USER.
  [[nodiscard]] bool runs_in_users_login() const noexcept;
  // Whether it is PAM_USER who has started it there: sudo, su to oneself.
  [[nodiscard]] bool is_user_in_own_login() const noexcept {
    return real_uid == user_uid && runs_in_users_login();
  }
};

struct Request {
  std::string user;  // within the grammar
  std::string service;
  CallerContext caller;
};

// `uid`: the user's.
Request make_request(const Handle& pam, const std::string& user, uid_t uid, int flags);

struct OpenedSignIn {
  Fd socket;                      // above 2, close-on-exec
  std::chrono::seconds deadline;  // for the whole sign-in; at most 900 s
};

// A connection that is being made, and how long the call by it may take.
struct Connecting {
  BusConnection bus;
  Deadline deadline;
};

// The calls of the daemon, by the interface for hosts where this one is root. Each opens a
// connection of its own to the system bus and closes it before it returns: a connection held while
// a person types would count against the limit that root shares. Bounded by 2 s, CheckAccount by
// `deadline` (2 s of it to be connected); where they pass in vain, systemd is asked for 1 s more
// at most. The error says what the failure means; its may_be_unavailable is the caller's to set.
// OpenSignIn's is begun before: the bus does its part while the request is put together.
std::expected<Connecting, PhaseResult> connect();
std::expected<OpenedSignIn, PhaseResult> open_sign_in(Connecting connecting,
                                                      const Request& request);
std::expected<OpenedSignIn, PhaseResult> open_password_change(const Request& request);
std::expected<Outcome, PhaseResult> check_account(const Request& request,
                                                  const std::optional<SignInId>& id,
                                                  Deadline deadline);
std::expected<void, PhaseResult> open_login(const Request& request, const SignInId& sign_in);
std::expected<void, PhaseResult> close_login(const Request& request);

}  // namespace pamcognito::pam
