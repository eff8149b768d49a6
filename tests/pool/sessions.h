#pragma once

#include <json/value.h>

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
  // What a SELECT_MFA_TYPE challenge offered.
  std::vector<std::string> offered;
  int64_t born_ms = 0;
  bool used = false;
};

// An SRP exchange between InitiateAuth and PASSWORD_VERIFIER; its name on the wire is SECRET_BLOCK.
struct SrpAttempt {
  // Absent for a simulated user: nobody can finish that one.
  std::optional<std::string> username;
  std::string typed_name;
  std::string user_id;
  std::string client_id;
  BigNumber client_public;
  SrpExchange exchange;
  int64_t born_ms = 0;
};

// Opaque handles for what is under way. Old entries are dropped in passing.
class SessionStore {
 public:
  // The handle: random text as long as Cognito's.
  std::string open(Session session);
  // Known, used and expired ones alike; null for a handle that never was.
  [[nodiscard]] Session* find(const std::string& handle);

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
