#pragma once

#include <security/pam_modules.h>

#include <expected>
#include <optional>
#include <string>
#include <variant>

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

}  // namespace pamcognito::pam
