#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "daemon/sessions/session.h"
#include "daemon/sessions/slot_memory.h"

namespace pamcognito::sessions {

// Bytes of a session on their way to its slots. They are wiped when this goes.
class PackedSession {
 public:
  // nullopt: a text of it is longer than 64 KiB.
  static std::optional<PackedSession> of(const Session& session);

  PackedSession(PackedSession&& other) noexcept : bytes_(std::move(other.bytes_)) {}
  PackedSession& operator=(PackedSession&&) = delete;
  PackedSession(const PackedSession&) = delete;
  PackedSession& operator=(const PackedSession&) = delete;
  ~PackedSession();

  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return bytes_; }
  // How many slots it fills.
  [[nodiscard]] std::size_t slots(std::size_t slot_size) const noexcept;

 private:
  PackedSession() = default;

  std::vector<std::uint8_t> bytes_;
};

// The slots of one session in the store's memory. An ordinary session fills one; one with many
// groups or a long token continues in more slots, which may be any of the store's.
//
//   first slot: 8 bytes sequence number (0: no session begins here), 16 bytes checksum, 2 bytes
//               number of the other slots, 2 zeros, 4 bytes for the number of each, the packed
//               session, zeros to the end
//   further slots: 8 zeros, so that no session begins there, and the packed session goes on
//
// The checksum is over all of it. The bytes may be torn or damaged, so every read is bounded. They
// are written in this order, which SIGKILL may stop anywhere:
//
//   fill() writes everything but the sequence number; commit() makes the session count;
//   clear() makes it count no more, and then overwrites all its slots.
//
// A slot that belongs to no session that counts is wiped when the memory is adopted. A change of
// the format is a change of SlotMemory::kLayout.
class SessionSlots {
 public:
  // `numbers`: the first slot, then the further ones in their order. The memory outlives this.
  SessionSlots(const SlotMemory& memory, std::vector<std::uint32_t> numbers) noexcept
      : memory_(&memory), numbers_(std::move(numbers)) {}
  // Those of the session that begins in slot `first`, which another process may have left. nullopt:
  // none does, or the numbers cannot be right.
  static std::optional<SessionSlots> read(const SlotMemory& memory, std::uint32_t first);

  [[nodiscard]] const std::vector<std::uint32_t>& numbers() const noexcept { return numbers_; }

  // Into slots that are free and all zeros, as many as it needs. `sequence`: the number that
  // commit() will set. False: OpenSSL has no memory; then the slots are all zeros again.
  [[nodiscard]] bool fill(const PackedSession& session, std::uint64_t sequence);
  void commit(std::uint64_t sequence) noexcept;
  void clear() noexcept;

  [[nodiscard]] std::uint64_t sequence() const noexcept;
  // The checksum is right. For slots that another process may have left.
  [[nodiscard]] bool is_whole() const;
  // nullopt: not a session.
  [[nodiscard]] std::optional<Session> unpack() const;

 private:
  using Sum = std::array<std::uint8_t, 16>;

  [[nodiscard]] std::optional<Sum> checksum(std::uint64_t sequence) const;
  [[nodiscard]] std::span<std::uint8_t> first() const noexcept { return slot(numbers_.front()); }
  [[nodiscard]] std::span<std::uint8_t> slot(std::uint32_t number) const noexcept;
  void set_sequence(std::uint64_t sequence) noexcept;

  const SlotMemory* memory_;
  std::vector<std::uint32_t> numbers_;
};

}  // namespace pamcognito::sessions
