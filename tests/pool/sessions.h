#pragma once

#include <json/value.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/pool/srp.h"

namespace pamcognito::pool {

// A sign-in between two challenges; its name on the wire is `Session`.
struct Session {
  std::string username;
  std::string client_id;
  std::string challenge;
  // The code that was sent, for SMS_MFA and EMAIL_OTP.
  std::string code;
  // The factors that a SELECT_MFA_TYPE or MFA_SETUP challenge offered.
  std::vector<std::string> offered;
  // For MFA_SETUP: the secret that was handed out, and whether a code has proved it.
  std::string pending_secret;
  bool verified = false;
  // For EMAIL_OTP that sets the factor up: the address.
  std::string new_email;
  // Part of CUSTOM_AUTH: the script's rounds are still to come, or one of them is asked.
  bool custom = false;
  size_t round = 0;
  int64_t wrong_answers = 0;
  int64_t born_ms = 0;
  bool used = false;
};

// An SRP exchange between InitiateAuth and PASSWORD_VERIFIER; its name on the wire is SECRET_BLOCK.
struct SrpAttempt {
  // Absent for a simulated user, whose session never succeeds.
  std::optional<std::string> username;
  std::string typed_name;
  std::string user_id;
  std::string client_id;
  BigNumber client_public;
  SrpExchange exchange;
  int64_t born_ms = 0;
  // The first step of CUSTOM_AUTH.
  bool custom = false;
  // Its answer must carry the session that came along.
  bool with_session = false;
};

// Opaque handles for what is under way. Old entries are dropped in passing.
class SessionStore {
 public:
  // The handle: random text of that many characters.
  std::string open(Session session, int64_t characters);
  // Known, used and expired ones alike; null for a handle that never was.
  [[nodiscard]] Session* find(const std::string& handle);
  // As if it had never been.
  void forget(const std::string& handle) { sessions_.erase(handle); }

  std::string begin_srp(SrpAttempt attempt);
  // Each SECRET_BLOCK is good for one answer.
  [[nodiscard]] std::optional<SrpAttempt> take_srp(const std::string& secret_block);

  void clear();

 private:
  void drop_older_than(int64_t life_ms);

  std::map<std::string, Session> sessions_;
  std::map<std::string, SrpAttempt> attempts_;
  int64_t next_sweep_ms_ = 0;
};

}  // namespace pamcognito::pool
