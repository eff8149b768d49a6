#include "common/stored_account.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <nss.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "common/text.h"
#include "nss/accounts_conf.h"
#include "nss/accounts_format.h"
#include "nss/first_login.h"
#include "nss/reader.h"
#include "nss/seen_by_sshd.h"

namespace pamcognito {
namespace {

// A shortage that the caller of su can cause. Anything else is a fault of the file.
bool is_shortage(const accounts::Result& result) noexcept {
  return result.status == NSS_STATUS_TRYAGAIN;
}

std::string fault_of(const char* path, const accounts::Result& result) {
  std::string text = path;
  if (result.error == EPERM)
    return text + ": file and directory must be root's, and nobody else may write them";
  if (result.error == EIO) return text + ": is damaged";
  return text.append(": ").append(errno_name(result.error));
}

}  // namespace

AccountsRange AccountsRange::read() {
  accounts::ConfFile file;
  const accounts::Result result = file.read();
  AccountsRange range;
  if (result.ok()) {
    range.state_ = State::known;
    range.first_ = file.conf().first;
    range.last_ = file.conf().last;
    return range;
  }
  if (result.error == ENOENT) return range;
  range.state_ = is_shortage(result) ? State::local_fault : State::malformed;
  range.reason_ = result.error == EIO ? std::string(accounts::kConfPath) +
                                            ": a line has a fault, or the file is too "
                                            "large"
                                      : fault_of(accounts::kConfPath, result);
  return range;
}

AccountsRange AccountsRange::parse(std::string_view text) {
  AccountsRange range;
  accounts::Conf conf;
  const std::size_t line =
      text.size() > accounts::kMaxConfBytes ? 1 : accounts::parse_conf(text, conf);
  range.state_ = line == 0 ? State::known : State::malformed;
  if (line == 0) {
    range.first_ = conf.first;
    range.last_ = conf.last;
  } else {
    range.reason_ = std::string(accounts::kConfPath) + ":" + std::to_string(line) + ": has a fault";
  }
  return range;
}

bool AccountsRange::may_contain(uid_t uid) noexcept {
  return uid >= accounts::kLowestUid && uid <= accounts::kHighestUid;
}

bool AccountsRange::contains(uid_t uid) const noexcept {
  switch (state_) {
    case State::absent:
      return false;
    case State::known:
      return uid >= first_ && uid <= last_;
    case State::malformed:
    case State::local_fault:
      break;
  }
  return may_contain(uid);
}

AccountAttributes account_attributes() {
  accounts::ConfFile file;
  if (!file.read().ok()) return {};
  return {.ssh_keys = std::string(file.conf().ssh_keys_attribute),
          .uid = std::string(file.conf().uid_attribute)};
}

StoredAccount read_stored_account(std::string_view name, uid_t uid, std::string& reason) {
  accounts::AccountsFile file;
  accounts::UserRecord record;
  accounts::Result result = file.open();
  if (result.ok()) result = file.find_name(name.data(), name.size(), record);
  if (result.status == NSS_STATUS_NOTFOUND) {
    reason = "the uid is in the range of accounts.conf, and the user has no account";
    return StoredAccount::none;
  }
  if (!result.ok()) {
    reason = fault_of(accounts::kPath, result);
    return is_shortage(result) ? StoredAccount::local_fault : StoredAccount::unreadable;
  }
  if (record.uid != uid) {
    reason = "the account has uid " + std::to_string(record.uid) + ", and the name service says " +
             std::to_string(uid);
    return StoredAccount::other_uid;
  }
  // Each other value counts as locked, whatever a later version of the file means by it.
  if (record.state == static_cast<std::uint32_t>(accounts::State::active))
    return StoredAccount::active;
  reason = "the account is locked";
  return StoredAccount::locked;
}

std::optional<AccountRecord> read_account_record(std::string_view name) {
  accounts::AccountsFile file;
  accounts::UserRecord record;
  std::uint64_t groups = 0;
  if (!file.open().ok() || !file.find_name(name.data(), name.size(), record).ok() ||
      !file.digest_groups(record, groups).ok())
    return std::nullopt;
  return AccountRecord{
      .uid = record.uid,
      .groups = groups,
      .is_active = record.state == static_cast<std::uint32_t>(accounts::State::active)};
}

std::optional<uid_t> uid_of_first_login(std::string_view name) {
  accounts::ConfFile conf;
  accounts::AccountsFile file;
  std::uint32_t uid = 0;
  if (!conf.read().ok() || !file.open().ok() ||
      !accounts::first_login_uid(conf.conf(), file, name, uid).ok())
    return std::nullopt;
  return uid;
}

std::optional<AccountRecord> seen_by_sshd(const std::string& name) {
  // libc has loaded the library for the look-up; nothing is loaded here.
  void* const library = ::dlopen(accounts::kLibrary, RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return std::nullopt;
  auto* const function =
      reinterpret_cast<accounts::SeenBySshd*>(::dlsym(library, accounts::kSeenBySshd));
  std::uint32_t uid = 0;
  std::uint64_t groups = 0;
  const bool is_seen = function != nullptr && function(name.c_str(), &uid, &groups) == 1;
  (void)::dlclose(library);
  if (!is_seen) return std::nullopt;
  return AccountRecord{.uid = uid, .groups = groups, .is_active = true};
}

bool is_roots_sshd() {
  accounts::ConfFile conf;
  return conf.read().ok() && accounts::is_roots_sshd(conf.conf());
}

std::string home_of(std::string_view pattern, std::string_view name) {
  constexpr std::string_view user = "%u";
  std::string home(pattern);
  if (const std::size_t at = home.find(user); at != std::string::npos)
    home.replace(at, user.size(), name);
  return home;
}

std::string fault_of_directory(const std::string& path, uid_t owner) {
  // The cached status of a network share is enough, because its owner hardly ever changes.
  struct statx status{};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
              STATX_TYPE | STATX_MODE | STATX_UID, &status) != 0)
    return errno == ENOENT ? std::string() : std::string(errno_name(errno));
  if (!S_ISDIR(status.stx_mode)) return "is no directory";
  if (status.stx_uid != owner) return "belongs to uid " + std::to_string(status.stx_uid);
  if ((status.stx_mode & (S_IWGRP | S_IWOTH)) != 0) return "can be written by others";
  return {};
}

std::string fault_of_home(std::string_view name, uid_t uid) {
  accounts::ConfFile file;
  if (const accounts::Result result = file.read(); !result.ok())
    return fault_of(accounts::kConfPath, result);
  const std::string home = home_of(file.conf().home, name);
  const std::string above = home.substr(0, std::max<std::size_t>(home.rfind('/'), 1));
  constexpr uid_t root = 0;
  if (const std::string fault = fault_of_directory(above, root); !fault.empty())
    return above + ": " + fault;
  const std::string fault = fault_of_directory(home, uid);
  return fault.empty() ? fault : home + ": " + fault;
}

}  // namespace pamcognito
