#include "local_users/local_users.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "common/fd.h"
#include "common/membership.h"
#include "common/text.h"
#include "common/user_name.h"
#include "common/users_conf.h"

namespace pamcognito::local_users {
namespace {

constexpr char kNewPath[] = "/etc/pam-cognito/local-users.new";
constexpr uid_t kFirstRegular = 1000;  // the profile's own line for uid < 1000 lets lower ones pass
// 100,000 names of 32 characters fit; the file is root's, so this bounds a mistake.
constexpr std::size_t kMaxList = 4UL * 1024 * 1024;
constexpr std::size_t kMaxPasswdLine =
    64UL * 1024;  // glibc's useradd and vipw write far shorter ones

struct Closer {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

std::string failed(const char* what, const std::string& path) {
  return path + ": " + what + ": " + std::string(errno_name(errno));
}

// nullopt-like: empty text and a fault.
std::string read_text(int fd, std::string* fault) {
  std::string text;
  std::array<char, 4096> part;
  while (text.size() <= kMaxList) {
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return text;
    if (got < 0) {
      *fault = failed("read", kListPath);
      return {};
    }
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  *fault = std::string(kListPath) + ": is larger than 4 MiB";
  return {};
}

Names lines_of(std::string_view text) {
  Names names;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (const std::string_view line = text.substr(0, end); !line.empty()) names.emplace(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return names;
}

std::string text_of(const Names& names) {
  std::string text;
  for (const std::string& name : names) text.append(name).append("\n");
  return text;
}

// The accounts of /etc/passwd by class, and the look-up that failed, if one did.
struct Found {
  Names local;
  Names cognito;
  std::string undecided;
};

void classify(const char* name, Found* found) {
  std::string reason;
  switch (classify_user(kUsersConfPath, name, &reason)) {
    case Membership::not_cognito_user:
      found->local.emplace(name);
      return;
    case Membership::cognito_user:
    case Membership::denied:
    // A line of /etc/passwd in the range of accounts.conf: refused, and never a local user.
    case Membership::no_account:
    case Membership::locked:
    case Membership::damaged:
      found->cognito.emplace(name);
      return;
    case Membership::malformed:
    case Membership::unknown:
    case Membership::local_fault:
      if (found->undecided.empty()) found->undecided = reason;
      return;
  }
}

// Classifies all accounts; an account whose name is outside the grammar is in neither set.
Found classify_all() {
  Found found;
  const File file(std::fopen("/etc/passwd", "re"));
  if (!file) {
    found.undecided = failed("open", "/etc/passwd");
    return found;
  }
  const auto buffer = std::make_unique<std::array<char, kMaxPasswdLine>>();
  while (true) {
    passwd entry{};
    passwd* result = nullptr;
    const int error = ::fgetpwent_r(file.get(), &entry, buffer->data(), buffer->size(), &result);
    if (error == 0 && result != nullptr) {
      if (entry.pw_uid >= kFirstRegular && is_valid_user_name(entry.pw_name))
        classify(entry.pw_name, &found);
      continue;
    }
    if (error == EINTR) continue;
    // ENOENT: the end of the file.
    if (error != ENOENT || std::ferror(file.get()) != 0) {
      errno = error;
      found.undecided = failed("read", "/etc/passwd");
    }
    return found;
  }
}

}  // namespace

List read_list() {
  List list;
  const Fd fd(::open(kListPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    list.absent = !fd && errno == ENOENT;
    list.fault = failed("open", kListPath);
    return list;
  }
  if (!S_ISREG(status.st_mode) || status.st_uid != 0 || (status.st_mode & 0022U) != 0) {
    list.fault = std::string(kListPath) + ": must be a regular file that only root can write";
    return list;
  }
  if ((status.st_mode & 0444U) != 0444U) {
    list.fault = std::string(kListPath) + ": must be readable by everybody";
    return list;
  }
  list.names = lines_of(read_text(fd.get(), &list.fault));
  return list;
}

Wanted decide(const Names& present) {
  Found found = classify_all();
  if (found.undecided.empty()) return {std::move(found.local), {}};
  Wanted wanted{present, std::move(found.undecided)};
  for (const std::string& name : found.cognito) wanted.names.erase(name);
  return wanted;
}

std::expected<void, std::string> write_list(const Names& names) {
  struct stat directory{};
  if (::lstat(kDirectory, &directory) != 0) return std::unexpected(failed("stat", kDirectory));
  if (!S_ISDIR(directory.st_mode) || directory.st_uid != 0 || (directory.st_mode & 0022U) != 0)
    return std::unexpected(std::string(kDirectory) +
                           ": must be a directory that only root can write");
  (void)::unlink(kNewPath);  // left by a run that was cut short
  const Fd file(::open(kNewPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return std::unexpected(failed("open", kNewPath));
  const std::string text = text_of(names);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return std::unexpected(failed("write", kNewPath));
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fchown(file.get(), 0, 0) != 0 || ::fchmod(file.get(), 0644) != 0 ||
      ::fsync(file.get()) != 0)
    return std::unexpected(failed("write", kNewPath));
  if (::rename(kNewPath, kListPath) != 0) return std::unexpected(failed("rename", kNewPath));
  return {};
}

}  // namespace pamcognito::local_users
