#include "daemon/sessions/session_store.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/protocol_limits.h"
#include "daemon/cognito/bounds.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::sessions {
namespace {

using runtime::Level;

// The largest session that a token within the bounds can make: its groups, its refresh token, four
// names of the pool, three names of the caller context, and numbers.
constexpr std::size_t kLargestSession = cognito::kMaxGroupsBytes + cognito::kMaxRefreshToken +
                                        4 * cognito::kMaxName + 3 * protocol::kMaxFactText + 512;
static_assert(kLargestSession <=
              (SessionStore::kMaxSlotsOfOne - 1) * (SessionStore::kSlotSize - 64));

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

// The sessions of a daemon before this one, which was stopped anywhere: of two versions of one
// session the newer counts. Each slot that belongs to no session is wiped, as the daemon may have
// been in the middle of that, or of writing there.
void SessionStore::read_slots() {
  const std::vector<std::uint32_t> touched = memory_.touched_slots();
  untouched_ = touched.empty() ? 0 : touched.back() + 1;
  std::unordered_map<SignInId, SessionSlots, HashId> newest;
  std::size_t damaged = 0;
  for (const std::uint32_t number : touched) {
    auto slots = SessionSlots::read(memory_, number);
    const auto session = slots && slots->is_whole() ? slots->unpack() : std::nullopt;
    if (!session) {
      if (SessionSlots(memory_, {number}).sequence() != 0) ++damaged;
      continue;
    }
    const auto [found, is_new] = newest.try_emplace(session->id, *slots);
    if (!is_new && found->second.sequence() < slots->sequence()) found->second = std::move(*slots);
  }

  std::vector<bool> taken(untouched_);
  const auto is_taken = [&taken](std::uint32_t number) {
    return number >= taken.size() || taken[number];
  };
  for (const auto& [id, slots] : newest) {
    const auto session = slots.unpack();
    if (!session || std::ranges::any_of(slots.numbers(), is_taken)) {
      ++damaged;
      continue;
    }
    for (const std::uint32_t number : slots.numbers()) taken[number] = true;
    set_index(*session, slots.numbers());
    last_sequence_ = std::max(last_sequence_, slots.sequence());
  }
  for (const std::uint32_t number : touched)
    if (!taken[number]) SessionSlots(memory_, {number}).clear();
  for (std::uint32_t number = untouched_; number > 0; --number)
    if (!taken[number - 1]) free_.push_back(number - 1);
  if (damaged != 0) {
    runtime::log(Level::warning,
                 "kept sessions that are damaged and not used: " + std::to_string(damaged));
  }
  if (size() != 0) runtime::log(Level::info, "sessions of before go on: " + std::to_string(size()));
}

SessionSlots SessionStore::slots_of(ById::const_iterator session) const {
  std::vector<std::uint32_t> numbers{session->second.slot};
  const auto further = further_slots_.find(session->first);
  if (further != further_slots_.end())
    numbers.insert(numbers.end(), further->second.begin(), further->second.end());
  return {memory_, std::move(numbers)};
}

void SessionStore::set_index(const Session& session, const std::vector<std::uint32_t>& slots) {
  const auto found = by_id_.find(session.id);
  if (found != by_id_.end()) by_user_.erase(found->second.by_user);
  const auto by_user = by_user_.emplace(session.user, session.id);
  by_id_.insert_or_assign(session.id, Entry{slots.front(), session.signed_in, by_user});
  if (slots.size() > 1)
    further_slots_.insert_or_assign(session.id,
                                    std::vector<std::uint32_t>(slots.begin() + 1, slots.end()));
  else
    further_slots_.erase(session.id);
}

std::vector<std::uint32_t> SessionStore::next_free(std::size_t count) const {
  const std::size_t used_before = std::min(count, free_.size());
  std::vector<std::uint32_t> numbers(free_.rbegin(),
                                     free_.rbegin() + static_cast<std::ptrdiff_t>(used_before));
  for (std::uint32_t number = untouched_; numbers.size() < count; ++number)
    numbers.push_back(number);
  return numbers;
}

void SessionStore::take(std::size_t count) {
  const std::size_t used_before = std::min(count, free_.size());
  free_.resize(free_.size() - used_before);
  untouched_ += static_cast<std::uint32_t>(count - used_before);
}

void SessionStore::give_back(SessionSlots slots) {
  slots.clear();
  free_.insert(free_.end(), slots.numbers().rbegin(), slots.numbers().rend());
}

SessionStore::Room SessionStore::room_for(const PackedSession& packed,
                                          ById::const_iterator replaced) const {
  const bool replaces = replaced != by_id_.end();
  const std::size_t needed = packed.slots(kSlotSize);
  if (needed > kMaxSlotsOfOne) return Room::never;
  if (!replaces && size() >= kMaxSessions) return Room::later;
  const std::size_t free = free_.size() + (memory_.slots() - untouched_);
  const std::size_t given_back = replaces ? slots_of(replaced).numbers().size() : 0;
  const bool fits = needed <= free && free - needed + given_back >= kMaxSlotsOfOne;
  return fits ? Room::now : Room::later;
}

SessionStore::Room SessionStore::room_for(const Session& session) const {
  const auto packed = PackedSession::of(session);
  return packed ? room_for(*packed, by_id_.find(session.id)) : Room::never;
}

bool SessionStore::put(const Session& session) {
  const auto packed = PackedSession::of(session);
  const auto found = by_id_.find(session.id);
  if (!packed || room_for(*packed, found) != Room::now) return false;
  const std::size_t needed = packed->slots(kSlotSize);
  const std::uint64_t sequence = last_sequence_ + 1;
  SessionSlots here(memory_, next_free(needed));
  if (!here.fill(*packed, sequence)) return false;
  here.commit(sequence);
  last_sequence_ = sequence;
  take(needed);
  if (found != by_id_.end()) give_back(slots_of(found));
  set_index(session, here.numbers());
  return true;
}

void SessionStore::erase(const SignInId& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  give_back(slots_of(found));
  by_user_.erase(found->second.by_user);
  further_slots_.erase(id);
  by_id_.erase(found);
}

std::optional<Session> SessionStore::find(const SignInId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::nullopt : slots_of(found).unpack();
}

std::vector<Session> SessionStore::sessions_of(std::string_view user) const {
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
