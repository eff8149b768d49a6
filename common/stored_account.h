#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Users whom no local file names: the range of their uids, which only root chooses (accounts.conf),
// and their record in the accounts file (nss/accounts_format.h). A record is found by the name and
// must have the uid that the name service has answered.
namespace pamcognito {

// The uids that accounts.conf keeps for these users.
class AccountsRange {
 public:
  enum class State : std::uint8_t {
    absent,       // there is no accounts.conf: no uid is in the range
    known,        // it has the range
    malformed,    // it cannot be trusted: every uid that it could name counts as inside
    local_fault,  // this process lacks descriptors or memory: the same
  };

  // Reads /etc/pam-cognito/accounts.conf. The file and its directory must be root's, and nobody
  // else may write them.
  static AccountsRange read();
  // The range of a text; empty text has the default range.
  static AccountsRange parse(std::string_view text);
  static AccountsRange none() { return {}; }

  // Tells, without a file, whether any accounts.conf can have the uid in its range. Local users are
  // never within these limits, so a look-up of theirs reads no file.
  static bool may_contain(uid_t uid) noexcept;

  [[nodiscard]] bool contains(uid_t uid) const noexcept;
  [[nodiscard]] State state() const noexcept { return state_; }
  // A sentence for the log if the state is malformed or local_fault.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  State state_ = State::absent;
  uid_t first_ = 0;
  uid_t last_ = 0;
  std::string reason_;
};

// The attributes of the user pool that cognitod-accounts wants with a sign-in, by accounts.conf.
// Empty: none, or the file cannot be trusted.
struct AccountAttributes {
  std::string ssh_keys;
  std::string uid;
};
AccountAttributes account_attributes();

enum class StoredAccount : std::uint8_t {
  active,
  locked,
  none,         // the file proves that there is no record of this name
  other_uid,    // the record has another uid
  unreadable,   // the file is absent, damaged, or not root's
  local_fault,  // this process lacks descriptors or memory
};

// Reads the record of `name`. `reason` receives a sentence for the log unless it is active.
StoredAccount read_stored_account(std::string_view name, uid_t uid, std::string& reason);

// The record of `name` as it is now; nullopt if there is none, or it cannot be read.
struct AccountRecord {
  uid_t uid;
  std::uint64_t groups;  // AccountsFile::digest_groups()
  bool is_active;
};
std::optional<AccountRecord> read_account_record(std::string_view name);

// The uid of the account that a first sign-in of `name` makes, by the rules of accounts.conf; only
// if the name has no account yet and may have one. Needs root, because the fleet key is root's.
std::optional<uid_t> uid_of_first_login(std::string_view name);

// The uid and the groups in the first answer about `name` that this process got from
// libnss_cognitod, if it is root's sshd; nullopt without such an answer, as with nscd.
std::optional<AccountRecord> seen_by_sshd(const std::string& name);

// Tells whether this process is root's sshd, by the program and not by its name.
bool is_roots_sshd();

// The home directory of a user, by the template of accounts.conf (Conf::home).
std::string home_of(std::string_view pattern, std::string_view name);

// Tells why a directory cannot be trusted to be its owner's: "is no directory", "belongs to uid 7",
// "can be written by others", or an errno name. Empty if it is good, or if there is none. Mounts
// nothing. A symbolic link is no directory.
std::string fault_of_directory(const std::string& path, uid_t owner);

// Tells why a user in the range may not use the home directory that accounts.conf names: it may
// have keys or start files of another user, because it is not the user's, or because others than
// root can write the directory above. Empty if it is good, or if there is none yet.
std::string fault_of_home(std::string_view name, uid_t uid);

}  // namespace pamcognito
