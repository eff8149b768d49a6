#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
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

enum class StoredAccount : std::uint8_t {
  active,
  locked,
  none,         // the file proves that there is no record of this name with this uid
  unreadable,   // the file is absent, damaged, or not root's
  local_fault,  // this process lacks descriptors or memory
};

// Reads the record of `name`. `reason` receives a sentence for the log unless it is active.
StoredAccount read_stored_account(std::string_view name, uid_t uid, std::string& reason);

}  // namespace pamcognito
