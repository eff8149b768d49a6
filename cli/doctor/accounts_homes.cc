#include "cli/doctor/accounts_homes.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "common/stored_account.h"

namespace pamcognito::cli {
namespace {

using accounts::Settings;

constexpr mode_t kOthersWrite = 022;

constexpr char kLastlog[] = "/var/log/lastlog";
constexpr std::uint64_t kMebibyte = 1024UL * 1024;
constexpr std::uint64_t kGibibyte = 1024 * kMebibyte;
// A few thousand users take less than this part of the file.
constexpr std::uint64_t kMostlyHoles = 64;
constexpr std::uint64_t kBlock = 512;  // of st_blocks

// Status of the path itself; a network share is not mounted for it.
std::optional<struct stat> status_of(const System& system, const std::string& path) {
  struct stat status{};
  if (::fstatat(AT_FDCWD, system.path(path).c_str(), &status,
                AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0)
    return std::nullopt;
  return status;
}

// The directory in which the template has %u.
std::string parent_of_homes(const Settings& settings) {
  const std::string parent = settings.home.substr(0, settings.home.find("/%u"));
  return parent.empty() ? "/" : parent;
}

// The first directory on the way to `path` that others than root can write. It may be a link.
std::optional<std::string> open_directory_above(const System& system, const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    const auto status = system.status(part);
    // A missing directory is made by root.
    if (!status) return std::nullopt;
    if (!status->directory || status->owner != 0 || (status->mode & kOthersWrite) != 0) return part;
    if (end == std::string::npos) return std::nullopt;
  }
}

bool is_automount(const System& system, const std::string& path) {
  struct statfs file_system{};
  return ::statfs(system.path(path).c_str(), &file_system) == 0 &&
         file_system.f_type == AUTOFS_SUPER_MAGIC;
}

// Homes with a uid of the range that no account has.
std::vector<std::string> homes_without_account(const System& system, const Settings& settings,
                                               const std::map<std::string, uid_t>& users) {
  if (!settings.home.ends_with("/%u")) return {};
  std::set<uid_t> known;
  for (const auto& [name, uid] : users) known.insert(uid);
  std::vector<std::string> found;
  const std::string parent = parent_of_homes(settings);
  for (const std::string& name : system.list(parent)) {
    const auto status = status_of(system, parent + "/" + name);
    if (!status || status->st_uid < settings.first || status->st_uid > settings.last ||
        known.contains(status->st_uid))
      continue;
    found.push_back(parent + "/" + name + " of uid " + std::to_string(status->st_uid));
  }
  return found;
}

Finding check_homes(const System& system, const Settings& settings,
                    const std::map<std::string, uid_t>* users) {
  const Check check{"accounts-homes", "each home directory belongs to its user alone"};
  if (users == nullptr) return check.skipped("the accounts file cannot be read");
  const std::string parent = parent_of_homes(settings);
  if (const auto open = open_directory_above(system, parent))
    return check.fault(*open +
                           " is not a directory that only root can write: others can make the home "
                           "directory of a user, with keys for ssh in it",
                       "chown root " + *open + "; chmod go-w " + *open);
  // A look at each home could mount each share.
  if (is_automount(system, parent)) return check.skipped(parent + " is mounted on demand");
  std::vector<std::string> faults;
  for (const auto& [name, uid] : *users) {
    const std::string home = home_of(settings.home, name);
    const std::string fault = fault_of_directory(system.path(home), uid);
    if (!fault.empty()) faults.push_back(home + " " + fault);
  }
  if (!faults.empty())
    return check.fault(short_list(faults) + ". Another user may have put keys for ssh there",
                       "look at the files. Then give the directory to its user with mode 0700, or "
                       "move it away");
  const std::vector<std::string> lost = homes_without_account(system, settings, *users);
  if (!lost.empty())
    return check.warning(
        "no account has the owner of " + short_list(lost) +
            ": the account was removed, or the database was restored from an older backup",
        "if it was removed, archive the directory; otherwise add the account again: cognitoctl "
        "users add NAME, or cognitoctl users import");
  return check.ok();
}

// pam_lastlog of Debian 12 has one record for each uid, up to the largest.
Finding check_lastlog(const System& system) {
  const Check check{"accounts-lastlog", "the file of last logins takes little space"};
  struct stat status{};
  if (::stat(system.path(kLastlog).c_str(), &status) != 0) return check.ok("there is none");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const auto used = static_cast<std::uint64_t>(status.st_blocks) * kBlock;
  if (size < kGibibyte) return check.ok();
  if (used >= size / kMostlyHoles)
    return check.warning(std::string(kLastlog) + " takes " + std::to_string(used / kMebibyte) +
                             " MiB on the disk: it was copied without its holes",
                         std::string("fallocate --dig-holes ") + kLastlog);
  return check.ok(std::string(kLastlog) + " has a size of " + std::to_string(size / kGibibyte) +
                  " GiB, because uids are large, and takes " + std::to_string(used / 1024) +
                  " KiB on the disk. Back it up with tar --sparse or rsync --sparse");
}

}  // namespace

Findings check_accounts_homes(const System& system, const Settings& settings,
                              const std::map<std::string, uid_t>* users) {
  return {check_homes(system, settings, users), check_lastlog(system)};
}

}  // namespace pamcognito::cli
