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

// The caller context: where a sign-in comes from. cognitod believes it only from callers whose
// effective uid is 0. Texts are printable and at most kMaxFactText bytes long.
struct CallerContext {
  uid_t real_uid = 0;
  uid_t user_uid = 0;                      // uid of PAM_USER
  std::optional<std::uint32_t> login_uid;  // proc_pid_loginuid(5); 4294967295 if not set
  // proc_pid_sessionid(5); 4294967295 if not set. Left out for processes under the user's service
  // manager.
  std::optional<std::uint32_t> audit_session;
  std::string tty;
  std::string remote_host;
  std::string remote_user;
  std::uint32_t flags = 0;  // from libpam
  std::string log_id;

  // Tells whether this process belongs to a login of PAM_USER.
  [[nodiscard]] bool runs_in_users_login() const noexcept;
  // Tells whether PAM_USER has started the host in such a login: sudo, or su to the same user.
  [[nodiscard]] bool is_user_in_own_login() const noexcept {
    return real_uid == user_uid && runs_in_users_login();
  }
};

struct Request {
  std::string user;  // matches is_valid_user_name()
  std::string service;
  CallerContext caller;
};

// `uid` is the user's.
Request make_request(const Handle& pam, const std::string& user, uid_t uid, int flags);

struct OpenedSignIn {
  Fd socket;                      // above 2, close-on-exec
  std::chrono::seconds deadline;  // for the whole conversation; at most kMaxConversationTime
};

// A connection that is being established, and the deadline of the call on it.
struct Connecting {
  BusConnection bus;
  Deadline deadline;
};

// The calls of cognitod. A host that runs as root uses the interface for hosts. Each call opens its
// own connection to the system bus and closes it before it returns, because a connection that stays
// open while the user types would count against root's limit. A call takes at most kModuleCallTime;
// CheckAccount may take that time to connect and then lasts until `deadline`. After a call that was
// not answered in time, the module asks systemd for at most kUnitQuestionTime. The error is the
// result of the phase; its may_be_unavailable is for the caller to set.
//
// connect() is separate for OpenSignIn: the bus accepts the connection while the module prepares
// the request.
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
