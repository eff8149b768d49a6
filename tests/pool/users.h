#pragma once

#include <json/value.h>

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/pool/custom_script.h"
#include "tests/pool/lockout.h"
#include "tests/pool/settings.h"
#include "tests/pool/srp.h"
#include "tests/pool/totp.h"

namespace pamcognito::pool {

// A code that was sent for a reset or a confirmation.
struct SentCode {
  std::string code;
  // The attribute that it proves: email or phone_number.
  std::string attribute;
  int64_t born_ms = 0;
  int64_t wrong_answers = 0;
};

// A device that the pool made a key for. It counts from its confirmation on.
struct Device {
  std::string name;
  // As ConfirmDevice sent them, base64; no sign-in uses them here.
  std::string verifier;
  std::string salt;
  bool confirmed = false;
  bool remembered = false;
  int64_t created_s = 0;
  int64_t modified_s = 0;
};

struct User {
  std::string username;
  std::string sub;
  // Kept as typed, because a test asks what it was; SRP never looks at it but through verifier().
  std::string password;
  // When it was set, on the life clock; a temporary one ages from then.
  int64_t password_born_ms = 0;
  // Passwords from before, the latest first.
  std::vector<std::string> old_passwords;
  std::string status = "CONFIRMED";
  bool enabled = true;
  // Unix time of the wall clock; Pool::touch() sets both.
  int64_t created_ms = 0;
  int64_t modified_ms = 0;
  std::map<std::string, std::string> attributes;
  std::vector<std::string> groups;

  std::vector<std::string> mfa_enabled;
  std::optional<std::string> mfa_preferred;
  std::optional<Authenticator> authenticator;
  // Handed out by AssociateSoftwareToken and not verified yet.
  std::optional<std::string> pending_secret;
  std::string device_name;
  // By DeviceKey.
  std::map<std::string, Device> devices;

  std::optional<SentCode> reset_code;
  std::optional<SentCode> sign_up_code;
  // Codes that prove changed attributes, by the attribute.
  std::map<std::string, SentCode> attribute_codes;
  std::optional<CustomScript> custom;
  // The refusal of the PreAuthentication trigger for this user; "" if it accepts the user.
  std::string pre_authentication_refusal;
  // Threat protection treats this user's sign-ins as an attacker's.
  bool blocked_by_risk = false;
  // Came by a CSV file, and has not chosen a password yet.
  bool imported = false;
  // The role ARNs of the user's groups.
  std::vector<std::string> roles;

  Lockout password_lock;
  Lockout code_lock;

  [[nodiscard]] std::string attribute(const std::string& name) const;
  [[nodiscard]] bool has_true(const std::string& attribute_name) const;
  // A changed address counts as unproved, and a code for the old one proves nothing.
  void set_attribute(const std::string& name, const std::string& value);
  void set_password(std::string new_password, int64_t now_ms);
  // Made at first use: a pool of ten thousand users must start at once.
  [[nodiscard]] const SrpVerifier& verifier(const std::string& pool_name);
  // Whether a code of this factor could reach the user now.
  [[nodiscard]] bool can_receive(const std::string& factor) const;

 private:
  std::optional<SrpVerifier> verifier_;
};

// All users of the pool, by their real user name.
class UserStore {
 public:
  // A new user (`create`) or changes to one, in the seed's form; tells what is wrong.
  std::expected<User*, std::string> put(const Json::Value& from, bool create, int64_t now_ms);
  // The same by the pool's rule for upper and lower case.
  std::expected<User*, std::string> put(const Json::Value& from, bool create, int64_t now_ms,
                                        const PoolSettings& settings);
  bool remove(const std::string& username);
  void clear() { users_.clear(); }

  // By the real user name only.
  [[nodiscard]] User* find(const std::string& username);
  [[nodiscard]] User* by_username(const std::string& name, bool case_sensitive);
  // By what a person types at sign-in: the user name, or an alias that the pool knows.
  [[nodiscard]] User* resolve(const std::string& name, const PoolSettings& settings);
  [[nodiscard]] std::map<std::string, User>& all() { return users_; }

 private:
  [[nodiscard]] User* by_alias(const std::string& name, const PoolSettings& settings);

  std::map<std::string, User> users_;
};

// The form in which the pool keeps an attribute's value, or the user name (""): a pool that ignores
// case may keep it in lower case.
[[nodiscard]] std::string stored_value(const std::string& attribute, std::string value,
                                       const PoolSettings& settings);

// In the seed's form, with the state of the locks.
[[nodiscard]] Json::Value to_json(const User& user, int64_t life_ms);

}  // namespace pamcognito::pool
