#pragma once

#include <security/pam_modules.h>
#include <sys/types.h>

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/fd.h"
#include "common/frame.h"
#include "common/secret.h"

namespace pamcognito::pam {

// libpam's handle of one transaction, with its items as values. Does not own it. Item numbers and
// codes are those of pam_get_item(3).
class Handle {
 public:
  explicit Handle(pam_handle_t* pamh) noexcept : pamh_(pamh) {}

  [[nodiscard]] pam_handle_t* get() const noexcept { return pamh_; }

  // A text item; empty if it is not set.
  [[nodiscard]] std::string item(int number) const;
  // PAM_USER, asked for by libpam where the host has not set it; or libpam's code for why not.
  [[nodiscard]] std::expected<std::string, int> user() const;
  // Null where the host set none.
  [[nodiscard]] const pam_conv* conversation() const noexcept;

  // What an earlier module left in PAM_AUTHTOK or PAM_OLDAUTHTOK. nullopt: nothing.
  // The error case: longer than any answer may be, or no memory.
  [[nodiscard]] std::expected<std::optional<Secret>, std::monostate> password(int number) const;
  // Sets PAM_AUTHTOK or PAM_OLDAUTHTOK; libpam keeps a copy and wipes it. False: libpam refused.
  [[nodiscard]] bool set_password(int number, const Secret& password) const noexcept;

  // One line to syslog, through libpam, with the transaction's id at its end. `line` holds nothing
  // secret and nothing unprintable.
  void log(int priority, const std::string& line) const noexcept;

 private:
  pam_handle_t* pamh_;
};

// Values of ours in PAM data: they live as long as the transaction, and nobody but this module
// finds them. `name` has static storage and stands for one type.

namespace internal {

// libpam calls this with C linkage when the data is replaced and at pam_end(), which a forked child
// of the host may call too: what is stored must not speak to anybody when it is destroyed.
template <class T>
void delete_data(pam_handle_t* /*pamh*/, void* data, int /*status*/) noexcept {
  delete static_cast<T*>(data);
}

}  // namespace internal

// Replaces what is there. False: libpam refused; then `value` is destroyed.
template <class T>
[[nodiscard]] bool store_data(pam_handle_t* pamh, const char* name,
                              std::unique_ptr<T> value) noexcept {
  if (::pam_set_data(pamh, name, value.get(), &internal::delete_data<T>) != PAM_SUCCESS)
    return false;
  [[maybe_unused]] const auto* given_to_libpam = value.release();
  return true;
}

// Null: nothing is stored. Valid until it is replaced or forgotten.
template <class T>
[[nodiscard]] T* find_data(pam_handle_t* pamh, const char* name) noexcept {
  const void* present = nullptr;
  if (::pam_get_data(pamh, name, &present) != PAM_SUCCESS) return nullptr;
  // It was ours, and not const, when libpam got it.
  return static_cast<T*>(const_cast<void*>(present));
}

template <class T>
void forget_data(pam_handle_t* pamh, const char* name) noexcept {
  // Not set where there is nothing to forget: libpam would keep an entry for it.
  if (find_data<T>(pamh, name) != nullptr) (void)::pam_set_data(pamh, name, nullptr, nullptr);
}

// The id of this PAM transaction, 16 hexadecimal digits: it ties the module's lines to the
// daemon's. Made when it is first asked for, and kept in PAM data. No secret. Empty where there is
// no memory or no randomness; valid until adopt_log_id() or the transaction's end.
[[nodiscard]] const char* log_id(pam_handle_t* pamh) noexcept;

// Takes over the id of the process that authenticated (sshd opens the session in another one).
// `digits`: exactly 16 bytes of 0-9a-f.
void adopt_log_id(pam_handle_t* pamh, const char* digits) noexcept;

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
[[nodiscard]] bool has_other_users_sign_in(const Handle& pam, std::string_view user) noexcept;

// That this transaction's account phase said the pool wants a new password, in PAM data: the host
// answers with a change of an expired password, which is ours then, and otherwise a local one's.

// False: libpam refused.
[[nodiscard]] bool store_reset_demand(const Handle& pam, std::string_view user);
void forget_reset_demand(const Handle& pam) noexcept;
[[nodiscard]] bool has_reset_demand(const Handle& pam, std::string_view user) noexcept;

// What authentication leaves for open_session, which sshd calls in another process: PAM data does
// not cross, the PAM environment does. It names the sign-in, and the transaction's id for the log.
//
// It is no secret to keep from the person: nobody but root may open a login on the bus, and the
// daemon compares the sign-in's user with the login's, and takes each sign-in once. So whoever can
// set variables here (pam_env reads a file of the user's in some stacks) can at most lose their own
// login's binding. It is removed all the same before the host hands the environment to a shell.
// A host that never opens a session (a greeter's unlock) never hands the environment to anybody.
struct Ticket {
  SignInId sign_in{};
  std::string log_id;
};

// False: libpam refused.
[[nodiscard]] bool leave_ticket(const Handle& pam, const SignInId& sign_in);
// Removes it, whatever it holds. nullopt: there was none, or it is malformed.
std::optional<Ticket> take_ticket(const Handle& pam);

// " name=value": a field of a log line. What is foreign in it forges no other field.
std::string log_field(std::string_view name, std::string_view value);

}  // namespace pamcognito::pam
