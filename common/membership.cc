// Classifies a user. The order of the questions is the order of their cost: the account,
// accounts.conf for a uid that it could name, users.conf, and the group only if nothing else has
// decided. The caller of su sets its limits of memory and descriptors, so every look-up here may
// fail at that caller's will; such a failure is an answer of its own and never "not a Cognito
// user".

#include "common/membership.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/stored_account.h"
#include "common/text.h"
#include "common/user_name.h"
#include "common/users_conf.h"

namespace pamcognito {
namespace {

// Enough for a group with tens of thousands of members, and a bound on the memory that NSS can
// claim.
constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kLargestBuffer = 4UL * 1024 * 1024;

enum class LookUp : std::uint8_t { found, not_found, failed };

struct LookUpResult {
  LookUp look_up = LookUp::failed;
  int error = 0;  // an errno, if failed
};

// Tells a shortage in this process from a failure of an NSS source.
Membership membership_after_error(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM ? Membership::local_fault
                                                               : Membership::unknown;
}

// The memory for an answer of NSS: on the stack, or on the heap for the few answers that are
// larger.
class NssBuffer {
 public:
  [[nodiscard]] std::span<char> buffer() noexcept {
    return heap_ ? std::span<char>(heap_.get(), size_) : std::span<char>(small_);
  }
  // Returns false if the buffer has reached its largest size.
  bool grow() {
    if (size_ >= kLargestBuffer) return false;
    size_ *= 4;
    heap_ = std::make_unique_for_overwrite<char[]>(size_);
    return true;
  }

 private:
  std::array<char, kFirstBuffer> small_;
  std::size_t size_ = kFirstBuffer;
  std::unique_ptr<char[]> heap_;
};

// Calls a getXXnam_r function until the buffer is large enough.
template <class Entry>
LookUpResult look_up(int (*function)(const char*, Entry*, char*, std::size_t, Entry**),
                     const char* name, Entry* entry, NssBuffer* memory) {
  while (true) {
    Entry* found = nullptr;
    const std::span<char> buffer = memory->buffer();
    const int error = function(name, entry, buffer.data(), buffer.size(), &found);
    if (error == 0) return {found != nullptr ? LookUp::found : LookUp::not_found, 0};
    // Some sources report "not found" as one of these errors; see getpwnam(3).
    if (error == ENOENT || error == ESRCH) return {LookUp::not_found, 0};
    if (error == EINTR) continue;
    if (error != ERANGE || !memory->grow()) return {LookUp::failed, error};
  }
}

void explain(std::string* reason, std::string_view what, int error = 0) {
  if (reason == nullptr) return;
  *reason = what;
  if (error != 0) reason->append(": ").append(errno_name(error));
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_in_group(const passwd& account, const group& group) {
  if (account.pw_gid == group.gr_gid) return true;
  for (char** member = group.gr_mem; member != nullptr && *member != nullptr; ++member)
    if (std::strcmp(*member, account.pw_name) == 0) return true;
  return false;
}

// Tells whether the account is in the group of users.conf; an error if NSS has failed.
std::expected<bool, Membership> is_in_group_of(const UsersConf& conf, const passwd& account,
                                               std::string* reason) {
  group entry{};
  NssBuffer memory;
  const LookUpResult result = look_up(&::getgrnam_r, conf.group.c_str(), &entry, &memory);
  switch (result.look_up) {
    case LookUp::failed:
      explain(reason, "the look-up of the group " + conf.group + " failed", result.error);
      return std::unexpected(membership_after_error(result.error));
    // NSS reports the same when the group's source has failed: a directory server that does not
    // answer, or an NSS module that cannot be loaded within a small memory limit.
    case LookUp::not_found:
      explain(reason, "there is no group " + conf.group + ", which users.conf names");
      return std::unexpected(Membership::unknown);
    case LookUp::found:
      break;
  }
  return is_in_group(account, entry);
}

// A uid that no accounts.conf can have in its range costs no file.
AccountsRange range_for(uid_t uid) {
  return AccountsRange::may_contain(uid) ? AccountsRange::read() : AccountsRange::none();
}

Membership check_record(const AccountsRange& range, std::string_view name, uid_t uid,
                        std::string* reason) {
  switch (range.state()) {
    case AccountsRange::State::malformed:
      explain(reason, range.reason());
      return Membership::malformed;
    case AccountsRange::State::local_fault:
      explain(reason, range.reason());
      return Membership::local_fault;
    case AccountsRange::State::absent:
    case AccountsRange::State::known:
      break;
  }
  std::string fault;
  const StoredAccount account = read_stored_account(name, uid, fault);
  explain(reason, fault);
  switch (account) {
    case StoredAccount::active:
      return Membership::cognito_user;
    case StoredAccount::locked:
      return Membership::locked;
    case StoredAccount::none:
    case StoredAccount::other_uid:
      return Membership::no_account;
    case StoredAccount::unreadable:
      return Membership::damaged;
    case StoredAccount::local_fault:
      return Membership::local_fault;
  }
  return Membership::damaged;
}

// A name that the module can pass on, and that is the account's own.
bool is_good_name(const char* name, const passwd& account, std::string* reason) {
  if (!is_valid_user_name(name)) {
    explain(reason, "the user's name is outside the grammar");
    return false;
  }
  if (std::strcmp(name, account.pw_name) != 0) {
    explain(reason, "the user's name is another than the account's");
    return false;
  }
  return true;
}

// Classifies a user whose uid is in the range.
Membership classify_in_range(const AccountsRange& range, const std::vector<std::string>& exclude,
                             const char* name, const passwd& account, std::string* reason) {
  if (contains(exclude, account.pw_name)) {
    explain(reason,
            "exclude= of users.conf names a user whose uid is in the range of accounts.conf: "
            "such a user has no local password");
    return Membership::denied;
  }
  if (!is_good_name(name, account, reason)) return Membership::denied;
  return check_record(range, name, account.pw_uid, reason);
}

// Only root's sshd gets an entry of a user without an account. Read files last: this is rare.
bool may_have_entry(FirstLogin first_login) {
  return first_login != FirstLogin::no && is_roots_sshd();
}

// Classifies a user whose sign-in would make the account `uid`.
Membership classify_first_login(const char* users_conf_path, const char* name, uid_t uid,
                                std::string* reason, CognitoUser* user) {
  const auto file = read_users_conf(users_conf_path);
  if (!is_valid_user_name(name) ||
      contains(file ? file->conf.exclude : file.error().exclude, name)) {
    explain(reason, "exclude= of users.conf names the user, who has no account");
    return Membership::denied;
  }
  if (user != nullptr) *user = {.uid = uid, .in_range = true, .is_first_login = true};
  return Membership::cognito_user;
}

}  // namespace

bool is_never_cognito_uid(uid_t uid, uid_t min_uid) noexcept {
  constexpr uid_t first_regular = 1000;
  // Dynamic service users, nobody, and the two values for "no uid"; see systemd's UIDS-GIDS
  // document.
  constexpr uid_t dynamic_first = 61184;
  constexpr uid_t dynamic_last = 65519;
  constexpr uid_t nobody = 65534;
  constexpr uid_t no_uid_16 = 65535;
  constexpr uid_t no_uid = static_cast<uid_t>(-1);
  if (uid < first_regular || uid < min_uid) return true;
  if (uid >= dynamic_first && uid <= dynamic_last) return true;
  return uid == nobody || uid == no_uid_16 || uid == no_uid;
}

InSet is_in_set(const UsersConf& conf, const AccountsRange& range, std::string_view name,
                uid_t uid) {
  if (range.contains(uid)) return InSet::yes;
  if (is_never_cognito_uid(uid, conf.min_uid) || contains(conf.exclude, name)) return InSet::no;
  if (contains(conf.users, name)) return InSet::yes;
  if (conf.has_uid_range && uid >= conf.uid_range_first && uid <= conf.uid_range_last)
    return InSet::yes;
  return conf.group.empty() ? InSet::no : InSet::by_group;
}

Membership classify_user(const char* users_conf_path, const char* name, std::string* reason,
                         CognitoUser* user, FirstLogin first_login) {
  passwd account{};
  NssBuffer memory;
  const LookUpResult found = look_up(&::getpwnam_r, name, &account, &memory);
  if (found.look_up == LookUp::not_found) {
    const std::optional<uid_t> uid = first_login == FirstLogin::without_entry
                                         ? uid_of_first_login(name)
                                         : std::optional<uid_t>();
    return uid ? classify_first_login(users_conf_path, name, *uid, reason, user)
               : Membership::not_cognito_user;
  }
  if (found.look_up == LookUp::failed) {
    explain(reason, "the look-up of the user failed", found.error);
    return membership_after_error(found.error);
  }
  if (is_never_cognito_uid(account.pw_uid, 0)) return Membership::not_cognito_user;

  const auto file = read_users_conf(users_conf_path);
  const std::vector<std::string>& exclude = file ? file->conf.exclude : file.error().exclude;
  const AccountsRange range = range_for(account.pw_uid);
  if (range.contains(account.pw_uid)) {
    const Membership membership = classify_in_range(range, exclude, name, account, reason);
    if (membership == Membership::no_account && may_have_entry(first_login) &&
        uid_of_first_login(name) == account.pw_uid)
      return classify_first_login(users_conf_path, name, account.pw_uid, reason, user);
    if (membership == Membership::cognito_user && user != nullptr)
      *user = {.uid = account.pw_uid, .in_range = true};
    return membership;
  }
  if (contains(exclude, account.pw_name)) return Membership::not_cognito_user;
  if (!file) {
    explain(reason, file.error().reason);
    return Membership::malformed;
  }
  if (file->absent) return Membership::not_cognito_user;

  switch (is_in_set(file->conf, range, account.pw_name, account.pw_uid)) {
    case InSet::no:
      return Membership::not_cognito_user;
    case InSet::by_group: {
      const auto member = is_in_group_of(file->conf, account, reason);
      if (!member) return member.error();
      if (!*member) return Membership::not_cognito_user;
      break;
    }
    case InSet::yes:
      break;
  }
  if (!is_good_name(name, account, reason)) return Membership::denied;
  if (user != nullptr) *user = {.uid = account.pw_uid, .in_range = false};
  return Membership::cognito_user;
}

Membership check_stored_account(std::string_view name, uid_t uid, std::string* reason,
                                bool* in_range) {
  const AccountsRange range = range_for(uid);
  const bool inside = range.contains(uid);
  if (in_range != nullptr) *in_range = inside;
  return inside ? check_record(range, name, uid, reason) : Membership::cognito_user;
}

}  // namespace pamcognito
