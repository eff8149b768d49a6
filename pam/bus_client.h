#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>

#include "common/deadline.h"
#include "common/fd.h"
#include "common/frame.h"
#include "pam/bus_connection.h"
#include "pam/facts.h"
#include "pam/result.h"

namespace pamcognito::pam {

struct Request {
  std::string user;  // within the grammar
  std::string service;
  Facts facts;
};

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
std::expected<Connecting, Ending> connect();
std::expected<OpenedSignIn, Ending> open_sign_in(Connecting connecting, const Request& request);
std::expected<OpenedSignIn, Ending> open_password_change(const Request& request);
std::expected<Outcome, Ending> check_account(const Request& request,
                                             const std::optional<SignInId>& id, Deadline deadline);
std::expected<void, Ending> open_login(const Request& request, const SignInId& sign_in);
std::expected<void, Ending> close_login(const Request& request);

}  // namespace pamcognito::pam
