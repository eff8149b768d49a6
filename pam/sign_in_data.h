#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/fd.h"
#include "common/frame.h"
#include "pam/handle.h"

namespace pamcognito::pam {

// What authentication leaves for the account phase of the same PAM transaction, in PAM data.
struct SignInData {
  std::string user;
  std::string service;
  uid_t uid = 0;               // the user's
  std::optional<SignInId> id;  // nullopt: authentication answered PAM_AUTHINFO_UNAVAIL
  bool by_window = false;      // without an id: root had opened a window for local passwords
  std::chrono::seconds permitted_at{};  // without an id: when, of CLOCK_BOOTTIME
  bool local_password = false;  // without an id: pam_unix has accepted the local password since
  Fd socket;                    // the sign-in's, acknowledged; for one question about the account
  pid_t process = -1;           // that made it; nobody else may speak on the socket
};

// False: libpam refused. Replaces what is there.
[[nodiscard]] bool store_sign_in(const Handle& pam, SignInData data);
void forget_sign_in(const Handle& pam) noexcept;
// Null where authentication left nothing for this user. Valid until it is replaced.
const SignInData* find_sign_in(const Handle& pam, std::string_view user) noexcept;
// Notes that pam_unix has accepted the local password after authentication of this user answered
// PAM_AUTHINFO_UNAVAIL. False: it did not answer so.
[[nodiscard]] bool accept_local_password(const Handle& pam, std::string_view user) noexcept;
// Whether this transaction has signed this user in with the local password, in an emergency.
[[nodiscard]] bool is_emergency(const Handle& pam, std::string_view user) noexcept;
// The socket, once; empty where this user, service or process has none.
Fd take_account_socket(const Handle& pam, std::string_view user, std::string_view service) noexcept;
// Whether authentication left something, and for another user: PAM_USER has changed since.
[[nodiscard]] bool has_sign_in_of_another(const Handle& pam, std::string_view user) noexcept;

}  // namespace pamcognito::pam
