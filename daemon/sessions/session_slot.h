#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "daemon/sessions/session.h"

namespace pamcognito::sessions {

// One slot of the session store's memory: 8 bytes sequence number (0: free), 16 bytes checksum, the
// session packed behind them, zeros to the end. What stands there may be torn or damaged, so every
// read is bounded. A slot is written in this order, which SIGKILL may stop anywhere:
//
//   pack() fills everything but the sequence number; commit() makes it count;
//   clear() makes it count no more, and then overwrites it.
//
// A change of the format is a change of SlotMemory::kLayout.
class SessionSlot {
 public:
  // `bytes`: the slot, aligned to 8. They outlive this.
  explicit SessionSlot(std::span<std::uint8_t> bytes) noexcept : bytes_(bytes) {}

  // Into a slot that is free and all zeros. `sequence`: what commit() will set. False: it does not
  // fit, or OpenSSL has no memory; then the slot is all zeros again.
  [[nodiscard]] bool pack(const Session& session, std::uint64_t sequence);
  void commit(std::uint64_t sequence) noexcept;
  void clear() noexcept;

  [[nodiscard]] std::uint64_t sequence() const noexcept;
  // The checksum is right. For slots that another process may have left.
  [[nodiscard]] bool is_whole() const;
  // nullopt: not a session.
  [[nodiscard]] std::optional<Session> unpack() const;

 private:
  [[nodiscard]] std::span<std::uint8_t> checksum() const noexcept;
  [[nodiscard]] std::span<std::uint8_t> payload() const noexcept;
  void set_sequence(std::uint64_t sequence) noexcept;

  std::span<std::uint8_t> bytes_;
};

}  // namespace pamcognito::sessions
