#include "accounts/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <expected>
#include <utility>

#include "common/text.h"

namespace pamcognito::accounts {

std::unexpected<Error> refused(Refusal refusal, std::string text) {
  return std::unexpected(Error{refusal, std::move(text)});
}

std::unexpected<Error> storage_failure(std::string_view path, std::string_view what) {
  const std::string reason = describe_errno(errno);
  return refused(Refusal::storage,
                 std::string(path).append(" cannot be ").append(what).append(": ").append(reason));
}

Result<Fd> open_directory(const std::string& path, mode_t mode) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Fd directory(::open(path.c_str(), kFlags));
  if (!directory && errno == ENOENT && mode == 0)
    return refused(Refusal::bad_configuration,
                   path + " is missing: run cognitoctl setup --accounts");
  if (!directory && errno == ENOENT) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return storage_failure(path, "made");
    directory.reset(::open(path.c_str(), kFlags));
    // Whatever the umask is.
    if (directory && ::fchmod(directory.get(), mode) != 0) return storage_failure(path, "made");
  }
  if (!directory) return storage_failure(path, "opened");
  struct stat status{};
  if (::fstat(directory.get(), &status) != 0) return storage_failure(path, "examined");
  if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return refused(Refusal::bad_configuration,
                   path + " can be written by others than root: run chown root and chmod go-w");
  return directory;
}

bool write_whole(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = EIO;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace pamcognito::accounts
