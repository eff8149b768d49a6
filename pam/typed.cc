#include "pam/typed.h"

#include "common/password_and_code.h"

namespace pamcognito::pam {

std::optional<Secret> without_code(const Secret& answer) noexcept {
  const auto parts = split_password_and_code(answer.reveal());
  return parts ? answer.part(0, parts->password.size()) : std::nullopt;
}

bool Typed::remember(Purpose purpose, const Secret& answer) {
  switch (purpose) {
    case Purpose::password:
      password_ = Secret::copy_of(answer.reveal());
      return password_.has_value();
    case Purpose::password_and_code:
      password_ = without_code(answer);
      return true;
    case Purpose::new_password:
      new_password_ = Secret::copy_of(answer.reveal());
      return new_password_.has_value();
    case Purpose::other:
    case Purpose::new_password_again:
    case Purpose::code:
    case Purpose::choice:
      return true;
  }
  return false;
}

bool Typed::is_the_password(const Secret& answer) const noexcept {
  return password_ && !password_->empty() && answer.equals(*password_);
}

bool Typed::hand_over(const Handle& pam) const noexcept {
  if (!new_password_) return !password_ || pam.set_password(PAM_AUTHTOK, *password_);
  return pam.set_password(PAM_AUTHTOK, *new_password_) && hand_over_old(pam);
}

bool Typed::hand_over_old(const Handle& pam) const noexcept {
  // Empty: the old one was forgotten.
  return !password_ || password_->empty() || pam.set_password(PAM_OLDAUTHTOK, *password_);
}

}  // namespace pamcognito::pam
