#include "daemon/sessions/session_store.h"

#include <algorithm>
#include <string>
#include <utility>

#include "daemon/runtime/journal.h"

namespace pamcognito::sessions {
namespace {

using runtime::Level;

// One more than there may be sessions: a change is written beside what it replaces.
constexpr std::uint32_t kSlots = SessionStore::kMaxSessions + 1;

}  // namespace

std::expected<std::unique_ptr<SessionStore>, std::string> SessionStore::open(Fd kept,
                                                                             bool lock_required) {
  if (kept) {
    auto adopted = SlotMemory::adopt(std::move(kept), kSlots, kSlotSize, lock_required);
    if (adopted) return std::unique_ptr<SessionStore>(new SessionStore(std::move(*adopted)));
    runtime::log(Level::warning, "the kept sessions are not used: " + adopted.error());
  }
  auto created = SlotMemory::create(kSlots, kSlotSize, lock_required);
  if (!created) return std::unexpected(std::move(created).error());
  return std::unique_ptr<SessionStore>(new SessionStore(std::move(*created)));
}

SessionStore::SessionStore(SlotMemory memory) : memory_(std::move(memory)) {
  read_slots();
}

SessionStore::~SessionStore() = default;

// What a daemon before this one left, which was stopped anywhere: of two slots of one session the
// newer counts. The rest is wiped, as the other one may have been in the middle of that.
void SessionStore::read_slots() {
  const std::vector<std::uint32_t> touched = memory_.touched_slots();
  untouched_ = touched.empty() ? 0 : touched.back() + 1;
  std::vector<bool> taken(untouched_);
  std::size_t damaged = 0;
  for (const std::uint32_t number : touched) {
    SessionSlot here = slot(number);
    const std::uint64_t sequence = here.sequence();
    auto session = sequence != 0 && here.is_whole() ? here.unpack() : std::nullopt;
    if (!session) {
      if (sequence != 0) ++damaged;
      here.clear();
      continue;
    }
    const auto other = by_id_.find(session->id);
    if (other != by_id_.end() && slot(other->second.slot).sequence() > sequence) {
      here.clear();
      continue;
    }
    if (other != by_id_.end()) {
      slot(other->second.slot).clear();
      taken[other->second.slot] = false;
    }
    taken[number] = true;
    set_index(*session, number);
    last_sequence_ = std::max(last_sequence_, sequence);
  }
  for (std::uint32_t number = untouched_; number > 0; --number) {
    if (!taken[number - 1]) free_.push_back(number - 1);
  }
  if (damaged != 0) {
    runtime::log(Level::warning,
                 "kept sessions that are damaged and not used: " + std::to_string(damaged));
  }
  if (size() != 0) runtime::log(Level::info, "sessions of before go on: " + std::to_string(size()));
}

SessionSlot SessionStore::slot(std::uint32_t number) const noexcept {
  return SessionSlot(memory_.slot(number));
}

void SessionStore::set_index(const Session& session, std::uint32_t slot) {
  const auto found = by_id_.find(session.id);
  if (found != by_id_.end()) by_user_.erase(found->second.by_user);
  const auto by_user = by_user_.emplace(session.user, session.id);
  by_id_.insert_or_assign(session.id, Entry{slot, session.signed_in, by_user});
}

bool SessionStore::put(const Session& session) {
  const auto found = by_id_.find(session.id);
  const bool replaces = found != by_id_.end();
  const bool used_before = !free_.empty();
  if (!used_before && untouched_ == kSlots) return false;
  if (!replaces && size() >= kMaxSessions) return false;
  const std::uint32_t number = used_before ? free_.back() : untouched_;
  const std::uint64_t sequence = last_sequence_ + 1;
  SessionSlot here = slot(number);
  if (!here.pack(session, sequence)) return false;
  here.commit(sequence);
  last_sequence_ = sequence;
  if (used_before)
    free_.pop_back();
  else
    ++untouched_;
  if (replaces) {
    const std::uint32_t before = found->second.slot;
    slot(before).clear();
    free_.push_back(before);
  }
  set_index(session, number);
  return true;
}

void SessionStore::erase(const SignInId& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  slot(found->second.slot).clear();
  free_.push_back(found->second.slot);
  by_user_.erase(found->second.by_user);
  by_id_.erase(found);
}

std::optional<Session> SessionStore::find(const SignInId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::nullopt : slot(found->second.slot).unpack();
}

std::vector<Session> SessionStore::of_user(std::string_view user) const {
  std::vector<Session> sessions;
  const auto [first, last] = by_user_.equal_range(user);
  for (auto entry = first; entry != last; ++entry) {
    if (auto session = find(entry->second)) sessions.push_back(std::move(*session));
  }
  std::ranges::sort(sessions, [](const Session& a, const Session& b) {
    return a.signed_in != b.signed_in ? a.signed_in > b.signed_in : a.id < b.id;
  });
  return sessions;
}

std::vector<SignInId> SessionStore::all() const {
  std::vector<SignInId> ids;
  ids.reserve(by_id_.size());
  for (const auto& [id, entry] : by_id_) ids.push_back(id);
  return ids;
}

std::size_t SessionStore::size() const noexcept {
  return by_id_.size();
}

int SessionStore::fd() const noexcept {
  return memory_.fd();
}

std::optional<SignInId> SessionStore::oldest() const {
  const auto oldest = std::ranges::min_element(
      by_id_, {}, [](const auto& entry) { return entry.second.signed_in; });
  return oldest == by_id_.end() ? std::nullopt : std::optional(oldest->first);
}

}  // namespace pamcognito::sessions
