#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/task.h"
#include "daemon/runtime/worker.h"

namespace pamcognito::sessions {

enum class AccountStatus : std::uint8_t {
  good,
  disabled,  // until the pool reports otherwise, or the user signs in again
};

enum class PinnedBy : std::uint8_t { first_sign_in, root };

// A change of the user's second factors that was made here, of which the user is told at sign-ins.
struct FactorChangeNote {
  enum class What : std::uint8_t {
    app,      // an authenticator was set up
    factors,  // which factors are used
  };
  static constexpr char kSeat[] = "seat";
  static constexpr std::time_t kAge = 30 * 24 * 3600;  // s; older notes are not shown
  static constexpr std::size_t kMaxNotes = 4;          // of a user; the newest
  static constexpr std::size_t kMaxTold = 16;          // afterwards it counts as told everywhere

  std::time_t at = 0;
  What what = What::app;
  std::string from;               // a literal address, kSeat, or empty: not known
  std::vector<std::string> told;  // limits::Origin::key() of the sign-ins that told of it

  FactorChangeNote() = default;
  bool operator==(const FactorChangeNote&) const = default;
};

// The record of one Linux user that outlives a boot. No secrets.
struct KnownUser {
  std::string sub;  // the pin
  PinnedBy pinned_by = PinnedBy::first_sign_in;
  std::time_t pinned_at = 0;
  std::vector<std::string> groups;  // of the tokens that were verified last
  std::time_t verified_at = 0;      // 0: never, or the pool refused since
  AccountStatus account_status = AccountStatus::good;
  std::vector<FactorChangeNote> factor_changes;  // oldest first

  KnownUser() = default;
  bool operator==(const KnownUser&) const = default;
};

using KnownUserMap = std::map<std::string, KnownUser, std::less<>>;

// One row of the file, as it shall be.
struct KnownUserChange {
  enum class Kind : std::uint8_t {
    pin,  // unless by root: not where another account is pinned, nor where another user was
          // pinned to this account by a sign-in
    verification,  // groups, time, account status and notes, as long as the same account is pinned
    forget,        // the row goes
  };
  Kind kind = Kind::verification;
  std::string pool;
  std::string user;
  KnownUser row;

  KnownUserChange() = default;
};

// The pins of Linux users to accounts of the pool, and their last verification: in memory for
// reading, in SQLite for the next boot (known_users_file.h). Reading never waits for a disk. A file
// that exists but cannot be read makes every pin unknown, and every sign-in is refused then. Pins
// belong to one user pool: another pool starts without any. Used from the loop's thread only.
class KnownUsers {
 public:
  static constexpr std::size_t kMaxUsers = 65536;
  static constexpr std::size_t kMaxSub = 128;  // bytes, printable ASCII without blanks
  static constexpr std::time_t kFactsAge =
      3600;  // s; an older verification is written though nothing changed

  // `worker` does the writing; both outlive this. `path`: of the file; its directory exists, or
  // nothing can be written. `retry`: how long after a failure what waits is tried again.
  KnownUsers(runtime::EventLoop& loop, runtime::Worker& worker, std::string path,
             std::chrono::milliseconds retry = std::chrono::minutes(1));
  KnownUsers(const KnownUsers&) = delete;
  KnownUsers& operator=(const KnownUsers&) = delete;
  ~KnownUsers();

  // Reads the file for this pool, on the caller's thread; again after a reload. Data that was read
  // for the same pool before stays as it is. The error tells why the file cannot be read, and what
  // to do. A missing file is no error.
  std::expected<void, std::string> load(const std::string& user_pool_id);
  // False: load() failed, no answer of this object means "not pinned".
  [[nodiscard]] bool is_readable() const noexcept { return readable_; }
  // False: the last writing failed.
  [[nodiscard]] bool is_on_disk() const noexcept { return !failing_; }

  // Null: never seen. The pointer is valid until the caller returns to the loop.
  [[nodiscard]] const KnownUser* find(std::string_view user) const;
  // Another user who is pinned to this account; one who was pinned by a sign-in comes first. Null:
  // none. Valid for as long as the result of find().
  [[nodiscard]] const KnownUserMap::value_type* other_holder(std::string_view sub,
                                                             std::string_view user) const;
  [[nodiscard]] const KnownUserMap& all() const noexcept { return users_; }

  // Pins the user. When the task ends with a value, the pin is on the disk; else why it is not, and
  // nothing has changed. Replaces a pin only by root; what was verified of another account is
  // forgotten then. A task that is destroyed may still have pinned.
  runtime::Task<std::expected<void, std::string>> pin(std::string user, std::string sub,
                                                      PinnedBy by, std::time_t now);
  // Forgets all of the user. The error as for pin().
  runtime::Task<std::expected<void, std::string>> reset(std::string user);

  // Tokens of a pinned user were verified, so its account status is good. Counts here at once;
  // written later, and only if it changes something or an hour has passed. If the disk does not
  // take it, that is logged once; it is tried again with the next change, and every minute.
  void verified(std::string_view user, const std::vector<std::string>& groups, std::time_t now);
  void set_account_status(std::string_view user, AccountStatus account_status);
  // The pool has refused what the user was verified by: the groups no longer count. The pin stays.
  void expire(std::string_view user);
  // The pinned account's factors were changed here. Written later, as what was verified is.
  void note_factor_change(std::string_view user, FactorChangeNote note);
  // Notes younger than FactorChangeNote::kAge of which no sign-in from `origin` has told.
  [[nodiscard]] std::vector<FactorChangeNote> untold_factor_changes(std::string_view user,
                                                                    std::string_view origin,
                                                                    std::time_t now) const;
  // A sign-in from there has told of them.
  void told_factor_changes(std::string_view user, const std::string& origin, std::time_t now);
  // Writes what waits, then calls from the loop; at the daemon's end.
  void flush(std::function<void()> done);

 private:
  using Written = std::expected<void, std::string>;
  struct Pending;

  runtime::Task<Written> write(KnownUserChange change);
  [[nodiscard]] std::string objection(const KnownUserChange& change) const;
  void start_writing();
  runtime::Task<void> write_all();
  void take_over(const KnownUserChange& change);
  void report(const Written& written);
  void try_again_later();

  runtime::EventLoop& loop_;
  runtime::Worker& worker_;
  const std::string path_;
  const std::chrono::milliseconds retry_after_;
  std::string pool_;
  bool readable_ = false;
  KnownUserMap users_;

  std::vector<std::shared_ptr<Pending>> waiting_;    // pins and resets, in order
  std::vector<std::shared_ptr<Pending>> in_flight_;  // those that the worker writes now
  std::set<std::string> unwritten_;                  // users whose verification the file lacks
  std::map<std::string, std::time_t, std::less<>> verified_on_disk_;  // verified_at there
  std::vector<std::function<void()>> flushed_;
  bool failing_ = false;
  bool again_ = false;  // a change came while a writing ran
  std::optional<runtime::Timer> retry_;
  runtime::EventLoop::Spawned writing_;
};

}  // namespace pamcognito::sessions
