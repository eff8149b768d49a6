#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace pamcognito::pool {

// RFC 4648 base32, without padding; decoding takes either case and optional padding.
[[nodiscard]] std::string base32_encode(std::string_view bytes);
[[nodiscard]] std::optional<std::string> base32_decode(std::string_view text);

// RFC 6238 as Cognito uses it: SHA-1, six digits, steps of 30 seconds.
[[nodiscard]] int64_t totp_step(int64_t unix_ms);
[[nodiscard]] std::string totp_code(std::string_view secret, int64_t step);
// RFC 4226's truncation with as many digits as asked for (RFC 6238's vectors have eight).
[[nodiscard]] std::string hotp_code(std::string_view secret, int64_t counter, int digits);

enum class TotpVerdict { right, wrong, used };

// One authenticator: its secret and the steps whose codes were already accepted.
class Authenticator {
 public:
  explicit Authenticator(std::string secret) : secret_(std::move(secret)) {}

  // Accepts the codes of one step before to one step after `now_ms`, each once (`single_use`).
  [[nodiscard]] TotpVerdict check(std::string_view code, int64_t now_ms, bool single_use);
  [[nodiscard]] const std::string& secret() const { return secret_; }
  void forget_used() { used_steps_.clear(); }

 private:
  std::string secret_;
  std::set<int64_t> used_steps_;
};

}  // namespace pamcognito::pool
