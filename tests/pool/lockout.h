#pragma once

#include <cstdint>

namespace pamcognito::pool {

// Cognito's lock after failed attempts: the fifth failure locks for one second, each further one
// doubles it, up to 15 minutes. Attempts during a lock are refused and do not lengthen it.
// A success, or 15 minutes without any attempt, forgets the failures.
// (Developer guide, "Lockout behavior for failed sign-in attempts".)
class Lockout {
 public:
  // Records an attempt; false while locked. Call before each attempt.
  [[nodiscard]] bool attempt(int64_t now_ms);
  void failed(int64_t now_ms);
  void succeeded() { *this = Lockout{}; }

  [[nodiscard]] int failures() const { return failures_; }
  // 0 when not locked.
  [[nodiscard]] int64_t locked_for_ms(int64_t now_ms) const;

 private:
  int failures_ = 0;
  int64_t locked_until_ms_ = 0;
  int64_t last_attempt_ms_ = 0;
};

}  // namespace pamcognito::pool
