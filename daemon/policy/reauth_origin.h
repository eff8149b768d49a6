#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "daemon/runtime/address_kind.h"

// One code for many logins: may a session that began from the same remote address replace a
// sign-in? An address is no proof of a person. An attacker who has the password and sends from the
// user's address gets in without a code, so every address that several people use is left out:
// those of this machine, of its containers, and those from which more than two users signed in.
//
// This is not limits::Origin, which folds addresses together so that limits hold for all of them.
namespace pamcognito::policy {

// From more users than these an address is shared.
inline constexpr std::size_t kMaxUsersOfAddress = 2;

struct OriginQuestion {
  std::string_view address;          // of the request, a literal one; empty: a name, or not known
  std::string_view session_address;  // from which the session's sign-in came; may be empty
  runtime::AddressKind kind = runtime::AddressKind::unknown;  // of `address`
  bool same_service = false;
  bool login_open = false;  // the login that began with the session's sign-in
  // The users who signed in in full from the address within mfa_max_age; nullopt: not known.
  std::optional<std::size_t> users;
};

// A pure function. Empty: none. A stable word otherwise: no-address, local-address,
// container-address, other-address, other-service, login-closed, shared-address.
std::string_view origin_objection(const OriginQuestion& question);

// Whether sign-ins from the address may count at all: a literal address that can be a single
// remote machine's. Not what this machine's interfaces say of it.
bool may_be_one_machine(std::string_view address);

}  // namespace pamcognito::policy
