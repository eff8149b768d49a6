#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/fd.h"
#include "daemon/sessions/session.h"
#include "daemon/sessions/session_slot.h"
#include "daemon/sessions/slot_memory.h"

namespace pamcognito::sessions {

// The sessions, in one memfd of fixed slots (memfd_create(2)): sealed in size, locked with
// MLOCK_ONFAULT, kept by systemd's descriptor store while the daemon is away. No secret in it
// reaches a disk. An ordinary session fills one slot; one with many groups fills more. A change is
// written to free slots, with a checksum and a higher sequence number, before the old slots are
// wiped: if the daemon is killed at any moment, each session is there once, as it was before or
// after. An index on the heap finds the slots. Used from the loop's thread only.
class SessionStore {
 public:
  static constexpr std::size_t kSlotSize = 3840;
  static constexpr std::size_t kMaxSessions = 10000;
  // Slots of one session. The largest that a token within cognito/bounds.h can make fits.
  static constexpr std::size_t kMaxSlotsOfOne = 36;
  // A change is written beside the session that it replaces, so the slots of one are kept free.
  static constexpr std::size_t kSlots = kMaxSessions + kMaxSlotsOfOne;
  static constexpr std::size_t kMaxOfUser = 16;  // Cognito keeps 20 of a user's; the keeper counts

  // `kept`: the memfd of an earlier daemon, or empty: then a new one is made. Data that cannot be
  // trusted (seals, size, layout, boot id, checksums) is not used, and the log has the reason. The
  // error: no memory was available or it could not be locked; `lock_required`: a failed lock is an
  // error, else a warning.
  static std::expected<std::unique_ptr<SessionStore>, std::string> open(Fd kept,
                                                                        bool lock_required);

  SessionStore(const SessionStore&) = delete;
  SessionStore& operator=(const SessionStore&) = delete;
  ~SessionStore();

  // Adds the session, or replaces the one of the same id. False: there is no room for it, or no
  // memory.
  [[nodiscard]] bool put(const Session& session);
  // Is there room for it: now, after others went, or never?
  enum class Room : std::uint8_t { now, later, never };
  [[nodiscard]] Room room_for(const Session& session) const;
  // Wipes it. The caller must revoke the session's tokens.
  void erase(const SignInId& id);

  [[nodiscard]] std::optional<Session> find(const SignInId& id) const;
  // Newest sign-in first; of the same moment in the order of their ids.
  [[nodiscard]] std::vector<Session> sessions_of(std::string_view user) const;
  [[nodiscard]] std::vector<SignInId> all() const;
  [[nodiscard]] std::size_t size() const noexcept;
  // For the descriptor store; stays this object's.
  [[nodiscard]] int fd() const noexcept;
  // The session whose sign-in is the oldest; nullopt: there is none.
  [[nodiscard]] std::optional<SignInId> oldest() const;

 private:
  // User's name to session; entries stay where they are while others come and go.
  using ByUser = std::multimap<std::string, SignInId, std::less<>>;
  // The last 8 bytes of an id are random, so that they spread as well as a hash. The first 8 are
  // the log id, which another process chose.
  struct HashId {
    std::size_t operator()(const SignInId& id) const noexcept {
      std::size_t part = 0;
      static_assert(sizeof(part) <= kSignInIdSize / 2);
      std::memcpy(&part, id.data() + id.size() - sizeof(part), sizeof(part));
      return part;
    }
  };
  struct Entry {
    std::uint32_t slot;
    runtime::BootTime signed_in;
    ByUser::iterator by_user;
  };

  using ById = std::unordered_map<SignInId, Entry, HashId>;

  explicit SessionStore(SlotMemory memory);
  void read_slots();
  void set_index(const Session& session, const std::vector<std::uint32_t>& slots);
  [[nodiscard]] SessionSlots slots_of(ById::const_iterator session) const;
  [[nodiscard]] Room room_for(const PackedSession& packed, ById::const_iterator replaced) const;
  [[nodiscard]] std::vector<std::uint32_t> next_free(std::size_t count) const;
  void take(std::size_t count);
  void give_back(SessionSlots slots);

  SlotMemory memory_;
  std::uint64_t last_sequence_ = 0;
  ById by_id_;
  // The slots of those sessions that fill more than one, without the first.
  std::unordered_map<SignInId, std::vector<std::uint32_t>, HashId> further_slots_;
  ByUser by_user_;
  // The next session goes into the last of free_, which are all zeros, and after them into the
  // first of those that have no memory yet.
  std::vector<std::uint32_t> free_;
  std::uint32_t untouched_ = 0;
};

}  // namespace pamcognito::sessions
