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

// One PAM transaction: the handle of libpam, and the data that the module keeps from one PAM call
// to the next. PAM data lives as long as the transaction and is found only by this module.
namespace pamcognito::pam {

// The handle of a transaction, with its items as values. It does not own the handle.
// pam_get_item(3) has the item numbers and codes.
class Handle {
 public:
  explicit Handle(pam_handle_t* pamh) noexcept : pamh_(pamh) {}

  [[nodiscard]] pam_handle_t* get() const noexcept { return pamh_; }

  // A text item; empty if it is not set.
  [[nodiscard]] std::string item(int number) const;
  // PAM_USER; libpam asks for it if the host has not set it. The error is the PAM code of the call:
  // PAM_CONV_ERR if the conversation failed, otherwise PAM_SERVICE_ERR.
  [[nodiscard]] std::expected<std::string, int> user() const;
  // Null if the host has set none.
  [[nodiscard]] const pam_conv* conversation() const noexcept;

  // PAM_AUTHTOK or PAM_OLDAUTHTOK, set by an earlier module; nullopt if it is not set. The error:
  // it is longer than any answer may be, or there is no memory.
  [[nodiscard]] std::expected<std::optional<Secret>, std::monostate> password(int number) const;
  // Sets PAM_AUTHTOK or PAM_OLDAUTHTOK. libpam keeps a copy and wipes it. Returns false if libpam
  // refuses.
  [[nodiscard]] bool set_password(int number, const Secret& password) const noexcept;

  // Writes one line to syslog through libpam, with the transaction's log id at its end. `line` must
  // contain nothing secret and nothing unprintable.
  void log(int priority, const std::string& line) const noexcept;
  // The same without the log id, for a line whose form another program expects.
  void log_bare(int priority, const std::string& line) const noexcept;

 private:
  pam_handle_t* pamh_;
};

// Access to PAM data. `name` has static storage and belongs to one type.

namespace internal {

// libpam calls this function when the data is replaced and at pam_end(). A forked child of the host
// may call pam_end() too, so no destructor of a stored value may send anything.
template <class T>
void delete_data(pam_handle_t* /*pamh*/, void* data, int /*status*/) noexcept {
  delete static_cast<T*>(data);
}

}  // namespace internal

// Replaces a stored value. Returns false if libpam refuses, and then destroys `value`.
template <class T>
[[nodiscard]] bool store_data(pam_handle_t* pamh, const char* name,
                              std::unique_ptr<T> value) noexcept {
  if (::pam_set_data(pamh, name, value.get(), &internal::delete_data<T>) != PAM_SUCCESS)
    return false;
  [[maybe_unused]] const auto* given_to_libpam = value.release();
  return true;
}

// Null if nothing is stored. Valid until the value is replaced or forgotten.
template <class T>
[[nodiscard]] T* find_data(pam_handle_t* pamh, const char* name) noexcept {
  const void* present = nullptr;
  if (::pam_get_data(pamh, name, &present) != PAM_SUCCESS) return nullptr;
  // store_data() has passed a pointer to a non-const object.
  return static_cast<T*>(const_cast<void*>(present));
}

template <class T>
void forget_data(pam_handle_t* pamh, const char* name) noexcept {
  // Without this test libpam would store an empty entry.
  if (find_data<T>(pamh, name) != nullptr) (void)::pam_set_data(pamh, name, nullptr, nullptr);
}

// The log id of this transaction, 16 hexadecimal digits, which connects the log lines of the module
// and of cognitod. It is made at the first call, kept in PAM data, and not secret. Empty if there
// is no memory or no randomness. Valid until adopt_log_id() or the end of the transaction.
[[nodiscard]] const char* log_id(pam_handle_t* pamh) noexcept;

// Adopts the log id of the process that has authenticated: sshd opens the session in another
// process. `digits` are exactly 16 bytes of 0-9a-f.
void adopt_log_id(pam_handle_t* pamh, const char* digits) noexcept;

// The data that authentication stores for the account phase of the same transaction.
struct SignInData {
  std::string user;
  std::string service;
  uid_t uid = 0;               // uid of the user
  std::optional<SignInId> id;  // nullopt: authentication answered PAM_AUTHINFO_UNAVAIL
  bool by_window = false;      // without an id: root has opened a window for local passwords
  std::chrono::seconds permitted_at{};  // without an id: the time, by CLOCK_BOOTTIME
  bool local_password = false;  // without an id: pam_unix has then accepted the local password
  Fd socket;                    // the acknowledged sign-in; for one account question
  pid_t process = -1;           // the process that has made it; only this one uses the socket
};

// Replaces stored data. Returns false if libpam refuses.
[[nodiscard]] bool store_sign_in(const Handle& pam, SignInData data);
void forget_sign_in(const Handle& pam) noexcept;
// Null if authentication has stored nothing for this user. Valid until it is replaced.
const SignInData* find_sign_in(const Handle& pam, std::string_view user) noexcept;
// Records that pam_unix has accepted the local password after PAM_AUTHINFO_UNAVAIL. Returns false
// if authentication did not return that code for this user.
[[nodiscard]] bool accept_local_password(const Handle& pam, std::string_view user) noexcept;
// Tells whether this transaction has signed this user in with the local password.
[[nodiscard]] bool is_emergency(const Handle& pam, std::string_view user) noexcept;
// Returns the socket once; empty if this user, service or process has none.
Fd take_account_socket(const Handle& pam, std::string_view user, std::string_view service) noexcept;
// Tells whether authentication has stored data for another user: PAM_USER has changed since.
[[nodiscard]] bool has_other_users_sign_in(const Handle& pam, std::string_view user) noexcept;

// The pool's demand for a new password, which the account phase stores. The host reacts with a
// change of an expired password: of the Cognito password if this demand is stored, else of the
// local one.

// Returns false if libpam refuses.
[[nodiscard]] bool store_reset_demand(const Handle& pam, std::string_view user);
void forget_reset_demand(const Handle& pam) noexcept;
[[nodiscard]] bool has_reset_demand(const Handle& pam, std::string_view user) noexcept;

// The ticket that authentication passes to open_session(). sshd calls that in another process,
// which PAM data does not reach but the PAM environment does. The ticket names the sign-in and the
// log id.
//
// The ticket is not secret. Only root can open a login on the bus, and cognitod compares the users
// of sign-in and login and accepts each sign-in once. A user who can set variables here (in some
// stacks pam_env reads a file of the user's) can only break the binding of that user's login. It is
// removed nevertheless before the host passes the environment to a shell. A host that never opens a
// session, such as a greeter that unlocks, never passes the environment to anybody.
struct Ticket {
  SignInId sign_in{};
  std::string log_id;
};

// Returns false if libpam refuses.
[[nodiscard]] bool leave_ticket(const Handle& pam, const SignInId& sign_in);
// Removes the ticket and returns it; nullopt if there was none or it is malformed.
std::optional<Ticket> take_ticket(const Handle& pam);

// Returns " name=value", a field of a log line. Text from outside cannot forge another field.
std::string log_field(std::string_view name, std::string_view value);

}  // namespace pamcognito::pam
