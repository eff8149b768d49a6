#include "accounts/key_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <expected>
#include <memory>
#include <string_view>
#include <utility>

#include "accounts/files.h"
#include "nss/accounts_conf.h"

namespace pamcognito::accounts {
namespace {

constexpr std::string_view kNewPrefix = ".";
constexpr std::string_view kNewSuffix = ".new";

std::string new_name(uid_t uid) {
  return std::string(kNewPrefix).append(std::to_string(uid)).append(kNewSuffix);
}

bool is_sound(const struct stat& status) {
  return S_ISREG(status.st_mode) && status.st_uid == 0 && (status.st_mode & 07777U) == 0644U &&
         status.st_nlink == 1;
}

// False: no file of this class.
bool take_name(std::string_view name, KeyFiles::Entry& entry) {
  entry.is_new = name.starts_with(kNewPrefix) && name.ends_with(kNewSuffix) &&
                 name.size() > kNewPrefix.size() + kNewSuffix.size();
  if (entry.is_new) {
    name.remove_prefix(kNewPrefix.size());
    name.remove_suffix(kNewSuffix.size());
  }
  return conf_text::parse_number(name, entry.uid);
}

struct DirectoryCloser {
  void operator()(DIR* directory) const { (void)::closedir(directory); }
};

}  // namespace

Result<KeyFiles> KeyFiles::open(const std::string& root, bool create) {
  std::string path = root + kKeysDirectory;
  struct stat status{};
  if (!create && ::lstat(path.c_str(), &status) != 0 && errno == ENOENT)
    return KeyFiles(Fd(), std::move(path));
  auto directory = open_directory(path, create ? 0755 : 0);
  if (!directory) return std::unexpected(directory.error());
  return KeyFiles(std::move(*directory), std::move(path));
}

Result<std::vector<KeyFiles::Entry>> KeyFiles::list() const {
  std::vector<Entry> entries;
  if (!directory_) return entries;
  // A description of its own, so that each call begins at the first name.
  Fd copy(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, DirectoryCloser> listing(copy ? ::fdopendir(copy.get()) : nullptr);
  if (!listing) return storage_failure(path_, "read");
  (void)copy.release();
  while (true) {
    errno = 0;
    const dirent* const found = ::readdir(listing.get());
    if (found == nullptr && errno != 0) return storage_failure(path_, "read");
    if (found == nullptr) return entries;
    Entry entry;
    entry.name = found->d_name;
    if (!take_name(entry.name, entry)) continue;
    struct stat status{};
    if (::fstatat(directory_.get(), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      return storage_failure(path_ + "/" + entry.name, "examined");
    if (S_ISDIR(status.st_mode)) continue;
    entry.until = status.st_mtim.tv_sec;
    entry.is_sound = is_sound(status);
    entries.push_back(std::move(entry));
  }
}

std::optional<KeyFile> KeyFiles::read(uid_t uid) const {
  if (!directory_) return std::nullopt;
  const Fd file(::openat(directory_.get(), std::to_string(uid).c_str(),
                         O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0 || !is_sound(status)) return std::nullopt;
  std::string text(kMaxKeyFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  return read_key_file(std::string_view(text).substr(0, size));
}

Result<void> KeyFiles::remove(const std::string& name) const {
  if (directory_ && ::unlinkat(directory_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return storage_failure(path_ + "/" + name, "removed");
  return {};
}

Result<void> KeyFiles::sync() const {
  if (directory_ && ::fsync(directory_.get()) != 0) return storage_failure(path_, "written");
  return {};
}

Result<void> KeyFiles::stage(uid_t uid, const KeyFile& keys) const {
  const std::string name = new_name(uid);
  if (auto gone = remove(name); !gone) return gone;
  const Fd file(::openat(directory_.get(), name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const timespec until{.tv_sec = static_cast<time_t>(keys.until), .tv_nsec = 0};
  const timespec times[] = {until, until};
  if (!file || !write_whole(file.get(), write_key_file(keys)) || ::fchown(file.get(), 0, 0) != 0 ||
      ::fchmod(file.get(), 0644) != 0 || ::futimens(file.get(), times) != 0 ||
      ::fsync(file.get()) != 0) {
    auto failed = storage_failure(path_ + "/" + name, "written");
    unstage(uid);
    return failed;
  }
  return {};
}

void KeyFiles::unstage(uid_t uid) const noexcept {
  if (directory_) (void)::unlinkat(directory_.get(), new_name(uid).c_str(), 0);
}

Result<void> KeyFiles::publish(uid_t uid) const {
  const std::string name = std::to_string(uid);
  if (::renameat(directory_.get(), new_name(uid).c_str(), directory_.get(), name.c_str()) != 0)
    return storage_failure(path_ + "/" + name, "replaced");
  return sync();
}

}  // namespace pamcognito::accounts
