#include "daemon/sessions/known_users.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/user_name.h"
#include "daemon/runtime/journal.h"
#include "daemon/sessions/known_users_file.h"

namespace pamcognito::sessions {
namespace {

// A batch that the worker writes at once. Nobody changes it meanwhile.
struct Batch {
  explicit Batch(std::string path_) : path(std::move(path_)) {}
  std::string path;
  std::vector<KnownUserChange> changes;
};

std::expected<void, std::string> write_batch(Batch& batch) {
  return write_known_users(batch.path, batch.changes);
}

// A clock that was set back makes a note young again, never older.
bool is_over(const FactorChangeNote& note, std::time_t now) {
  return now - note.at >= FactorChangeNote::kAge;
}

bool is_untold(const FactorChangeNote& note, std::string_view origin, std::time_t now) {
  return !is_over(note, now) && note.told.size() < FactorChangeNote::kMaxTold &&
         std::ranges::find(note.told, origin) == note.told.end();
}

KnownUserChange verification_of(const std::string& pool, const std::string& user,
                                const KnownUser& row) {
  KnownUserChange change;
  change.pool = pool;
  change.user = user;
  change.row = row;
  return change;
}

}  // namespace

// A change on its way to the disk, and the task that waits for it, if that still exists.
struct KnownUsers::Pending {
  Pending(KnownUserChange change_, std::weak_ptr<runtime::OneShot<Written>> waiter_)
      : change(std::move(change_)), waiter(std::move(waiter_)) {}
  KnownUserChange change;
  std::weak_ptr<runtime::OneShot<Written>> waiter;
};

KnownUsers::KnownUsers(runtime::EventLoop& loop, runtime::Worker& worker, std::string path,
                       std::chrono::milliseconds retry)
    : loop_(loop), worker_(worker), path_(std::move(path)), retry_after_(retry) {}

KnownUsers::~KnownUsers() = default;

std::expected<void, std::string> KnownUsers::load(const std::string& user_pool_id) {
  if (readable_ && pool_ == user_pool_id) return {};
  // Changes of the pool before that are not written yet are queued as they are known now.
  for (const std::string& user : std::exchange(unwritten_, {})) {
    if (const KnownUser* const known = find(user)) {
      waiting_.push_back(std::make_shared<Pending>(verification_of(pool_, user, *known),
                                                   std::weak_ptr<runtime::OneShot<Written>>()));
    }
  }
  pool_ = user_pool_id;
  users_.clear();
  verified_on_disk_.clear();
  auto users = read_known_users(path_, pool_);
  readable_ = users.has_value();
  if (!users) return std::unexpected(std::move(users.error()));
  users_ = std::move(*users);
  for (const auto& [name, known] : users_) verified_on_disk_[name] = known.verified_at;
  if (!waiting_.empty()) start_writing();
  return {};
}

const KnownUser* KnownUsers::find(std::string_view user) const {
  const auto found = users_.find(user);
  return found == users_.end() ? nullptr : &found->second;
}

const KnownUserMap::value_type* KnownUsers::other_holder(std::string_view sub,
                                                         std::string_view user) const {
  const KnownUserMap::value_type* by_root = nullptr;
  for (const auto& row : users_) {
    if (row.second.sub != sub || row.first == user) continue;
    if (row.second.pinned_by == PinnedBy::first_sign_in) return &row;
    by_root = &row;
  }
  return by_root;
}

runtime::Task<KnownUsers::Written> KnownUsers::pin(std::string user, std::string sub, PinnedBy by,
                                                   std::time_t now) {
  KnownUserChange change;
  change.kind = KnownUserChange::Kind::pin;
  change.pool = pool_;
  change.user = std::move(user);
  const KnownUser* const known = find(change.user);
  const bool same_account = known != nullptr && known->sub == sub;
  if (same_account && (by == PinnedBy::first_sign_in || known->pinned_by == by))
    co_return Written();
  if (same_account) change.row = *known;
  change.row.sub = std::move(sub);
  change.row.pinned_by = by;
  change.row.pinned_at = now;
  if (std::string why = objection(change); !why.empty()) co_return std::unexpected(std::move(why));
  Written written = co_await write(std::move(change));
  co_return written;
}

runtime::Task<KnownUsers::Written> KnownUsers::reset(std::string user) {
  KnownUserChange change;
  change.kind = KnownUserChange::Kind::forget;
  change.pool = pool_;
  change.user = std::move(user);
  if (std::string why = objection(change); !why.empty()) co_return std::unexpected(std::move(why));
  Written written = co_await write(std::move(change));
  co_return written;
}

// Why the change cannot be made; empty: it can.
std::string KnownUsers::objection(const KnownUserChange& change) const {
  if (!readable_) return path_ + " could not be read";
  if (!is_valid_user_name(change.user)) return "not a Linux user name";
  if (change.kind != KnownUserChange::Kind::pin) return {};
  if (!is_valid_sub(change.row.sub)) return "not the sub of an account: 1 to 128 printable bytes";
  if (find(change.user) == nullptr &&
      users_.size() + waiting_.size() + in_flight_.size() >= kMaxUsers)
    return "too many users are known";
  if (change.row.pinned_by == PinnedBy::root) return {};
  // Two first sign-ins at the same time: what is on its way counts as pinned.
  const auto is_other = [&](const std::shared_ptr<Pending>& pending) {
    const KnownUserChange& earlier = pending->change;
    return earlier.kind == KnownUserChange::Kind::pin && earlier.pool == pool_ &&
           earlier.user == change.user && earlier.row.sub != change.row.sub;
  };
  const auto has_the_account = [&](const std::shared_ptr<Pending>& pending) {
    const KnownUserChange& earlier = pending->change;
    return earlier.kind == KnownUserChange::Kind::pin && earlier.pool == pool_ &&
           earlier.user != change.user && earlier.row.sub == change.row.sub &&
           earlier.row.pinned_by == PinnedBy::first_sign_in;
  };
  const KnownUser* const known = find(change.user);
  const bool other = (known != nullptr && known->sub != change.row.sub) ||
                     std::ranges::any_of(in_flight_, is_other) ||
                     std::ranges::any_of(waiting_, is_other);
  if (other) return "another account is pinned";
  const auto* const holder = other_holder(change.row.sub, change.user);
  const bool taken = (holder != nullptr && holder->second.pinned_by == PinnedBy::first_sign_in) ||
                     std::ranges::any_of(in_flight_, has_the_account) ||
                     std::ranges::any_of(waiting_, has_the_account);
  return taken ? "another user is pinned to this account" : "";
}

void KnownUsers::verified(std::string_view user, const std::vector<std::string>& groups,
                          std::time_t now) {
  const auto found = users_.find(user);
  if (!readable_ || found == users_.end()) return;
  KnownUser& known = found->second;
  const std::time_t on_disk = verified_on_disk_[found->first];
  const bool is_news = known.groups != groups || known.account_status != AccountStatus::good ||
                       now - on_disk >= kFactsAge || now < on_disk;
  known.groups = groups;
  known.verified_at = now;
  known.account_status = AccountStatus::good;
  if (!is_news) return;
  unwritten_.insert(found->first);
  start_writing();
}

void KnownUsers::set_account_status(std::string_view user, AccountStatus account_status) {
  const auto found = users_.find(user);
  if (!readable_ || found == users_.end() || found->second.account_status == account_status) return;
  found->second.account_status = account_status;
  unwritten_.insert(found->first);
  start_writing();
}

void KnownUsers::expire(std::string_view user) {
  const auto found = users_.find(user);
  if (!readable_ || found == users_.end() || found->second.verified_at == 0) return;
  found->second.verified_at = 0;
  unwritten_.insert(found->first);
  start_writing();
}

void KnownUsers::note_factor_change(std::string_view user, FactorChangeNote note) {
  const auto found = users_.find(user);
  if (!readable_ || found == users_.end()) return;
  std::vector<FactorChangeNote>& notes = found->second.factor_changes;
  std::erase_if(notes, [&](const FactorChangeNote& old) { return is_over(old, note.at); });
  while (notes.size() >= FactorChangeNote::kMaxNotes) notes.erase(notes.begin());
  notes.push_back(std::move(note));
  unwritten_.insert(found->first);
  start_writing();
}

std::vector<FactorChangeNote> KnownUsers::untold_factor_changes(std::string_view user,
                                                                std::string_view origin,
                                                                std::time_t now) const {
  const KnownUser* const known = find(user);
  std::vector<FactorChangeNote> untold;
  if (known == nullptr) return untold;
  for (const FactorChangeNote& note : known->factor_changes)
    if (is_untold(note, origin, now)) untold.push_back(note);
  return untold;
}

void KnownUsers::told_factor_changes(std::string_view user, const std::string& origin,
                                     std::time_t now) {
  const auto found = users_.find(user);
  if (!readable_ || found == users_.end()) return;
  bool is_news = false;
  for (FactorChangeNote& note : found->second.factor_changes) {
    if (!is_untold(note, origin, now)) continue;
    note.told.push_back(origin);
    is_news = true;
  }
  if (!is_news) return;
  unwritten_.insert(found->first);
  start_writing();
}

void KnownUsers::flush(std::function<void()> done) {
  flushed_.push_back(std::move(done));
  start_writing();
}

runtime::Task<KnownUsers::Written> KnownUsers::write(KnownUserChange change) {
  const auto waiter = std::make_shared<runtime::OneShot<Written>>();
  waiting_.push_back(std::make_shared<Pending>(std::move(change), waiter));
  start_writing();
  runtime::OneShot<Written>& answer = *waiter;
  Written written = co_await answer;
  co_return written;
}

void KnownUsers::start_writing() {
  again_ = writing_.running();
  if (again_) return;
  retry_.reset();
  writing_ = loop_.spawn(write_all(), [this](bool threw) {
    if (threw) report(std::unexpected(path_ + ": out of memory"));
    // Changes since the last look.
    if (again_) start_writing();
  });
}

runtime::Task<void> KnownUsers::write_all() {
  while (!waiting_.empty() || !unwritten_.empty()) {
    const auto batch = std::make_shared<Batch>(path_);
    const std::string pool = pool_;
    in_flight_ = std::exchange(waiting_, {});
    for (const auto& pending : in_flight_) batch->changes.push_back(pending->change);
    const std::set<std::string> of_users = std::exchange(unwritten_, {});
    std::map<std::string, std::time_t> verified;
    for (const std::string& user : of_users) {
      const KnownUser* const known = find(user);
      if (known == nullptr) continue;
      batch->changes.push_back(verification_of(pool, user, *known));
      verified[user] = known->verified_at;
    }

    auto answer = co_await worker_.run_with(batch, &write_batch);
    const Written written =
        answer ? std::move(*answer) : std::unexpected(path_ + ": too much waits to be written");
    if (written) {
      for (const auto& pending : in_flight_) take_over(pending->change);
    }
    if (pool == pool_) {
      for (const auto& [user, verified_at] : verified) {
        const auto known = users_.find(user);
        if (known == users_.end()) continue;
        if (written)
          verified_on_disk_[user] = verified_at;
        else
          unwritten_.insert(user);
      }
    }
    report(written);
    // Not at once: the disk is as it was.
    if (!written && waiting_.empty()) {
      try_again_later();
      break;
    }
  }
  for (auto& done : std::exchange(flushed_, {})) loop_.post(std::move(done));
}

// Without waiting for the next change, which may never come: a mark of a disabled account that is
// only in memory is gone with the next boot.
void KnownUsers::try_again_later() {
  if (unwritten_.empty()) return;
  retry_.emplace(loop_, loop_.now() + retry_after_, [this] { start_writing(); });
}

// A change that is on the disk counts from now on.
void KnownUsers::take_over(const KnownUserChange& change) {
  if (change.pool != pool_ || !readable_) return;
  const auto known = users_.find(change.user);
  switch (change.kind) {
    case KnownUserChange::Kind::verification:
      return;
    case KnownUserChange::Kind::forget:
      if (known == users_.end()) return;
      verified_on_disk_.erase(change.user);
      users_.erase(known);
      return;
    case KnownUserChange::Kind::pin:
      if (known != users_.end() && known->second.sub == change.row.sub) {
        // A verification meanwhile is newer.
        known->second.pinned_by = change.row.pinned_by;
        known->second.pinned_at = change.row.pinned_at;
        return;
      }
      users_[change.user] = change.row;
      verified_on_disk_[change.user] = change.row.verified_at;
      return;
  }
}

void KnownUsers::report(const Written& written) {
  if (!written && !failing_)
    runtime::log(runtime::Level::error,
                 "what is known of users is not on the disk: " + written.error());
  if (written && failing_)
    runtime::log(runtime::Level::notice, "what is known of users is on the disk again");
  failing_ = !written;
  for (const auto& pending : std::exchange(in_flight_, {})) {
    // The loop resumes the waiting task later, because it may do anything then, even start a new
    // writing.
    loop_.post([waiter = pending->waiter, written] {
      if (const auto waiting = waiter.lock()) waiting->report(written);
    });
  }
}

}  // namespace pamcognito::sessions
