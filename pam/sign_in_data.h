#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/frame.h"
#include "pam/handle.h"

namespace pamcognito::pam {

// What authentication leaves for the account phase of the same PAM transaction, in PAM data.
struct SignInData {
  std::string user;
  std::optional<SignInId> id;  // nullopt: authentication answered PAM_AUTHINFO_UNAVAIL
};

// False: libpam refused. Replaces what is there.
[[nodiscard]] bool store_sign_in(const Handle& pam, SignInData data);
void forget_sign_in(const Handle& pam) noexcept;
// Null where authentication left nothing for this user. Valid until it is replaced.
const SignInData* find_sign_in(const Handle& pam, std::string_view user) noexcept;

}  // namespace pamcognito::pam
