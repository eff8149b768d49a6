#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace pamcognito::pool {

// The result of one sign-in: the family of all tokens that descend from it.
struct Grant {
  std::string username;
  std::string client_id;
  std::string origin_jti;
  std::string event_id;
  int64_t auth_time_s = 0;
  // "" where the pool tracks no devices.
  std::string device_key;
  // Counts the sign-ins.
  int64_t number = 0;
  bool revoked = false;
};

// An opaque token that refers to a grant.
struct RefreshToken {
  std::shared_ptr<Grant> grant;
  int64_t expires_life_ms = 0;
  // When a newer one replaced it.
  std::optional<int64_t> rotated_life_ms;
};

class GrantStore {
 public:
  // The new token's text, in five parts and about as long as Cognito's.
  std::string issue(std::shared_ptr<Grant> grant, int64_t expires_life_ms);
  [[nodiscard]] int64_t next_number() { return ++last_number_; }
  [[nodiscard]] RefreshToken* find(const std::string& text);
  // The user whose token it is, "" if it is no one's.
  [[nodiscard]] std::string owner(const std::string& text) const;

  void revoke(Grant& grant);
  void revoke_user(const std::string& username);
  // Revokes the user's oldest grants, so that at most `most` are left.
  void keep_newest(const std::string& username, int64_t most);
  // Whether access tokens with this origin_jti were revoked.
  [[nodiscard]] bool is_revoked(const std::string& origin_jti) const;
  void clear();

 private:
  std::map<std::string, RefreshToken> tokens_;
  std::set<std::string> revoked_;
  int64_t last_number_ = 0;
};

}  // namespace pamcognito::pool
