#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
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
// MLOCK_ONFAULT, kept by systemd's descriptor store while the daemon is away. No secret of it meets
// a disk. A change is written to a free slot, with a checksum and a higher sequence number, before
// the old slot is wiped: whenever the daemon is killed, each session stands there once, as it was
// before or after. Lookup is by an index on the heap. Of the loop's thread.
class SessionStore {
 public:
  static constexpr std::size_t kSlotSize = 3840;
  static constexpr std::size_t kMaxSessions = 10000;
  static constexpr std::size_t kMaxOfUser = 16;  // Cognito keeps 20 of a user's; the keeper counts

  // `kept`: the memfd of a daemon before this one, or empty: then a new one is made. What cannot be
  // trusted (seals, size, layout, boot id, checksums) is not used, and said in the log. The error:
  // no memory could be had or locked; `lock_required`: a failed lock is an error, else a warning.
  static std::expected<std::unique_ptr<SessionStore>, std::string> open(Fd kept,
                                                                        bool lock_required);

  SessionStore(const SessionStore&) = delete;
  SessionStore& operator=(const SessionStore&) = delete;
  ~SessionStore();

  // Adds the session, or replaces the one of the same id. False: it does not fit into a slot, or
  // the store is full.
  [[nodiscard]] bool put(const Session& session);
  // Wipes it. Whoever erases a session has its tokens revoked.
  void erase(const SignInId& id);

  [[nodiscard]] std::optional<Session> find(const SignInId& id) const;
  // Newest sign-in first; of the same moment in the order of their ids.
  [[nodiscard]] std::vector<Session> of_user(std::string_view user) const;
  [[nodiscard]] std::vector<SignInId> all() const;
  [[nodiscard]] std::size_t size() const noexcept;
  // For the descriptor store; stays this object's.
  [[nodiscard]] int fd() const noexcept;
  // Whose sign-in is the oldest; nullopt: there is none.
  [[nodiscard]] std::optional<SignInId> oldest() const;

 private:
  // User's name to session; entries stay where they are while others come and go.
  using ByUser = std::multimap<std::string, SignInId, std::less<>>;
  // Ids are random, so that any part of one spreads as well as a hash.
  struct HashId {
    std::size_t operator()(const SignInId& id) const noexcept {
      std::size_t part = 0;
      static_assert(sizeof(part) <= sizeof(id));
      std::memcpy(&part, id.data(), sizeof(part));
      return part;
    }
  };
  struct Entry {
    std::uint32_t slot;
    runtime::BootTime signed_in;
    ByUser::iterator by_user;
  };

  explicit SessionStore(SlotMemory memory);
  void read_slots();
  void set_index(const Session& session, std::uint32_t slot);
  [[nodiscard]] SessionSlot slot(std::uint32_t number) const noexcept;

  SlotMemory memory_;
  std::uint64_t last_sequence_ = 0;
  std::unordered_map<SignInId, Entry, HashId> by_id_;
  ByUser by_user_;
  // Where the next session goes: the last of free_, which are all zeros; else the first of those
  // that have no memory yet.
  std::vector<std::uint32_t> free_;
  std::uint32_t untouched_ = 0;
};

}  // namespace pamcognito::sessions
