#include "common/stored_account.h"

#include <nss.h>

#include <cerrno>
#include <cstdint>

#include "common/text.h"
#include "nss/accounts_conf.h"
#include "nss/accounts_format.h"
#include "nss/reader.h"

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
    return StoredAccount::none;
  }
  // Each other value counts as locked, whatever a later version of the file means by it.
  if (record.state == static_cast<std::uint32_t>(accounts::State::active))
    return StoredAccount::active;
  reason = "the account is locked";
  return StoredAccount::locked;
}

}  // namespace pamcognito
