#pragma once

#include <cstdint>

namespace pamcognito::pool {

// Three clocks that a test can push forward one by one, so that no test has to sleep.
// All times are milliseconds. Not synchronised: the pool's lock guards it.
class PoolClock {
 public:
  // Ages what lives in the pool: sessions, codes, locks, refresh tokens. Its zero means nothing.
  [[nodiscard]] int64_t life_ms() const;
  // Unix time, for what a client compares with its own clock: SRP's TIMESTAMP and token times.
  [[nodiscard]] int64_t wall_ms() const;
  // Unix time of the pool's TOTP verifier: the wall clock with an offset of its own.
  [[nodiscard]] int64_t totp_ms() const;

  [[nodiscard]] int64_t wall_s() const { return wall_ms() / 1000; }

  void advance_life(int64_t ms) { life_offset_ += ms; }
  void advance_wall(int64_t ms) { wall_offset_ += ms; }
  void advance_totp(int64_t ms) { totp_offset_ += ms; }
  // Puts the three back to the machine's time.
  void reset() { *this = PoolClock{}; }

 private:
  int64_t life_offset_ = 0;
  int64_t wall_offset_ = 0;
  int64_t totp_offset_ = 0;
};

}  // namespace pamcognito::pool
