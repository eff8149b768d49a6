#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/frame.h"
#include "daemon/policy/config.h"
#include "daemon/runtime/clock.h"
#include "daemon/sessions/binding.h"

namespace pamcognito::sessions {

// scrypt (RFC 7914), N = 2^15, r = 8, p = 1, of the password that the pool last accepted.
struct PasswordVerifier {
  static constexpr unsigned kMaxFailures = 5;  // then it is dropped

  std::array<std::uint8_t, 16> salt{};
  std::array<std::uint8_t, 32> hash{};
  std::uint8_t failures = 0;
};

// One accepted sign-in, and what it is still good for. Its id is the sign-in's, which the module
// was told: the log id, then 64 random bits. A copy holds the refresh token: keep none.
struct Session {
  SignInId id{};
  std::string user;          // the Linux name
  std::string sub;           // the pool's own id of the account
  std::string cognito_name;  // `username` of the tokens
  std::vector<std::string> groups;
  std::string service;
  std::string origin;                     // limits::Origin::key()
  std::optional<cognito::Method> factor;  // the second factor that was given
  runtime::BootTime signed_in{};          // when the sign-in was accepted, its factor given
  runtime::BootTime verified{};           // when the pool last confirmed the account
  Binding binding;
  bool login_open = false;  // between open_session and close_session of a login
  std::uint64_t pool = 0;   // fingerprint of the user pool and app client: pool_fingerprint()
  std::string refresh_token;
  std::string device_key;  // of a confirmed device; may be empty
  // The literal remote address that the sign-in came from, if logins from there may go by this
  // session (policy/reauth_origin.h); else empty.
  std::string address;
  std::optional<PasswordVerifier> verifier;

  Session() = default;
};

// Tells sessions of one user pool and app client from those of another.
std::uint64_t pool_fingerprint(const cognito::PoolConfig& pool);

}  // namespace pamcognito::sessions
