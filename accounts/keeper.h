#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/ssh_keys.h"
#include "nss/accounts_format.h"

// Keeps the accounts that no local file names, and writes the file that libnss_cognitod reads.
//
// The truth is an SQLite database in a directory that only root can read
// (/var/lib/pam-cognito-accounts-db/accounts.db, 0700); the accounts file is its image. Each change
// is one transaction: lock, check, write the database, write the image, unlock. Two programs, both
// of root, use this class: cognitod-accounts for cognitod's changes, and `cognitoctl users` for the
// administrator's, also where no service runs (an image build, a chroot).
//
// Source of the rules: docs/decisions/0030. Errors are values; nothing here throws or logs.
namespace pamcognito::accounts {

// The reason why a change was not made.
enum class Refusal : std::uint8_t {
  malformed,           // a value outside its grammar or its bound
  name_not_permitted,  // `names` of accounts.conf does not match, or the name needs an
                       // administrator
  name_reserved,       // packages of the archive create a user or group of this name
  name_is_local,       // /etc/passwd or /etc/group has it
  name_retired,        // a tombstone: the name belonged to another person
  uid_taken,           // another record, a tombstone, a local user or group, or a subordinate id
  uid_out_of_range,
  sub_has_account,  // this person has an account under another name
  sub_differs,      // the account belongs to another person (pinned sub or pool)
  unknown_account,
  locked,             // the account is locked
  full,               // [accounts] max
  in_use,             // processes with this uid run (remove, rename)
  bad_configuration,  // accounts.conf, fleet key, directories, local files; not set up
  damaged,            // the database cannot be trusted
  busy,               // another change holds the lock beyond the deadline
  storage,            // disk full, read-only: `text` has the system's reason
};

struct Error {
  Refusal refusal;
  std::string text;  // one sentence for the administrator: what happened, why, what to do
};
template <class T>
using Result = std::expected<T, Error>;

// Values of Account::locked_by.
inline constexpr char kLockedByAdministrator[] = "administrator";
inline constexpr char kLockedByPool[] = "pool";

struct Account {
  std::string name;
  uid_t uid = 0;
  State state = State::active;
  std::string pool;   // user pool id; empty until the first full sign-in of `users add`
  std::string sub;    // empty until then
  std::string shell;  // empty: the first of accounts.conf
  std::vector<std::string>
      cognito_groups;            // of the last verified token, at most 100 (Cognito's quota)
  std::string locked_by;         // empty: not locked
  std::int64_t created_at = 0;   // UNIX seconds
  std::int64_t verified_at = 0;  // of the last full sign-in; 0: never
};

// The result of a change.
struct Changed {
  Account account;
  bool changed = false;         // false: it was so already (exit status 0 for Ansible)
  bool groups_changed = false;  // the set of mapped local groups differs from before
  std::string keys_note = {};   // sign_in: what was done with SSH keys, for the log; may be empty
};

struct AddOptions {
  std::string pool;  // user pool id, for the uid rule; the caller reads it from cognitod.conf
  // Default: the rule of uid_of(), or a refusal if accounts.conf has uid_attribute. The former uid
  // of a removed account restores it, with its pin.
  std::optional<uid_t> uid;
  std::string shell;
  bool any_name = true;  // an administrator may add names without '.', prefix and suffix
};

// A full sign-in that cognitod verified.
struct SignIn {
  std::string name;
  std::string pool;
  std::string sub;
  std::vector<std::string> cognito_groups;
  // Value of accounts.conf's uid_attribute. Without that setting it is not used.
  std::optional<uid_t> uid = std::nullopt;
  // Value of accounts.conf's ssh_keys_attribute (ssh_keys.h). Without that setting it is not used.
  std::string ssh_keys = {};
};

class Keeper {
 public:
  // `root`: prefix of every path ("" is this machine; tests and image builds have another).
  // Opening repairs an image that differs from the database, before anything else.
  // `create`: makes the directories, an empty database and an empty image if they are absent.
  static Result<Keeper> open(std::string root, bool create);

  Keeper(Keeper&&) noexcept;
  Keeper& operator=(Keeper&&) noexcept;
  ~Keeper();

  // For cognitod. Makes the account at the first sign-in; otherwise checks pool and sub against the
  // record, and stores groups and time. `changes` of one call are one transaction and one image.
  std::vector<Result<Changed>> sign_in(const std::vector<SignIn>& changes);
  // The pool reports the user as disabled or deleted / as enabled again. A lock of the
  // administrator stays: `changed` is false then, and `account` is locked.
  Result<Changed> lock_for_pool(std::string_view name);
  Result<Changed> unlock_for_pool(std::string_view name);

  // For the administrator. Idempotent. add() of a known name changes at most its shell, and refuses
  // another uid.
  Result<Changed> add(std::string_view name, const AddOptions& options);
  Result<Changed> lock(std::string_view name);
  Result<Changed> unlock(std::string_view name);
  // Leaves a tombstone of name, uid, pool and sub. Refused while processes with the uid run, and
  // for a name that never had an account. The account of a former removal has name, uid, pool and
  // sub.
  Result<Changed> remove(std::string_view name);
  Result<Changed> set_shell(std::string_view name, std::string_view shell);
  // Forgets pool and sub; the next full sign-in pins them anew.
  Result<Changed> rebind(std::string_view name);
  // The uid stays. The former name becomes a tombstone. The home directory is the caller's task.
  Result<Changed> rename(std::string_view name, std::string_view new_name);
  // Moves each account of one pool to another one: forgets the subs. Returns the number.
  Result<std::size_t> migrate(std::string_view from_pool, std::string_view to_pool);
  // One JSON document with accounts and tombstones; without the fleet key.
  Result<std::string> export_json();
  // Adds what is missing; an existing account with other values is a refusal and changes nothing.
  Result<std::size_t> import_json(std::string_view document);

  // Empty, or a remark for the administrator about what this object has repaired since the last
  // call: the database had been restored from a backup. Or about a key file that could be neither
  // written nor removed.
  std::string take_remark();

  Result<Account> show(std::string_view name);
  Result<std::vector<Account>> list();  // in the order of names
  // The SSH keys of the pool that sshd accepts of the user; no key: none.
  Result<KeyFile> keys(std::string_view name);

 private:
  struct State_;
  explicit Keeper(std::unique_ptr<State_> state);
  std::unique_ptr<State_> state_;
};

}  // namespace pamcognito::accounts
