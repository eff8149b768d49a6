#pragma once

#include <optional>

#include "common/frame.h"
#include "common/secret.h"
#include "pam/handle.h"

namespace pamcognito::pam {

// What was typed in this sign-in that later modules may have: passwords, never a code.
class Typed {
 public:
  // False: no memory.
  bool remember(Purpose purpose, const Secret& answer);
  // Whether this is the password of this sign-in; a caller that answers every prompt alike.
  [[nodiscard]] bool is_the_password(const Secret& answer) const noexcept;
  [[nodiscard]] bool has_new_password() const noexcept { return new_password_.has_value(); }
  // Sets PAM_AUTHTOK, and PAM_OLDAUTHTOK after a change. Only after a success. False: libpam
  // refused.
  [[nodiscard]] bool hand_over(const Handle& pam) const noexcept;
  // Sets PAM_OLDAUTHTOK alone, for a change that is still to come. False: libpam refused.
  [[nodiscard]] bool hand_over_old(const Handle& pam) const noexcept;

 private:
  std::optional<Secret> password_;
  std::optional<Secret> new_password_;
};

// The password in an answer of the form password+dddddd; nullopt: another form, or no memory.
std::optional<Secret> without_code(const Secret& answer) noexcept;

}  // namespace pamcognito::pam
