#include "common/root_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/fd.h"
#include "common/text.h"

namespace pamcognito {
namespace {

std::unexpected<std::string> unusable(const char* path, std::string_view what) {
  return std::unexpected(std::string(path).append(": ").append(what));
}

std::unexpected<std::string> system_failure(const char* path, std::string_view call, int error) {
  return unusable(path, std::string(call).append(": ").append(errno_name(error)));
}

std::string size_text(std::size_t bytes) {
  return "is larger than " + std::to_string(bytes / 1024) + " KiB";
}

// Returns false and sets errno; EFBIG if the file does not fit.
bool read_whole(int fd, std::string& text) {
  std::size_t size = 0;
  while (true) {
    if (size == text.size()) {
      errno = EFBIG;
      return false;
    }
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return true;
}

}  // namespace

std::expected<std::optional<std::string>, std::string> read_root_file(const char* path,
                                                                      std::size_t max_bytes) {
  // With O_NONBLOCK a FIFO in place of the file cannot hang a login.
  const int opened = ::open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
  if (opened < 0) {
    if (errno == ENOENT) return std::nullopt;
    if (errno == ELOOP) return unusable(path, "is a symbolic link");
    return system_failure(path, "open", errno);
  }
  const Fd fd = above_stdio(Fd(opened));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) return system_failure(path, "fstat", errno);
  if (!S_ISREG(status.st_mode)) return unusable(path, "is not a regular file");
  if (status.st_uid != 0) return unusable(path, "does not belong to root");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return unusable(path, "can be written by others than root; try chmod go-w");
  if (status.st_size > static_cast<off_t>(max_bytes)) return unusable(path, size_text(max_bytes));
  // The extra byte detects the end of the file; a file that grows meanwhile is refused.
  std::string text(static_cast<std::size_t>(status.st_size) + 1, '\0');
  if (!read_whole(fd.get(), text)) {
    if (errno == EFBIG) return unusable(path, "changed while it was read");
    return system_failure(path, "read", errno);
  }
  return text;
}

std::optional<KeyValue> split_key_value(std::string_view line) noexcept {
  const auto at = line.find('=');
  if (at == std::string_view::npos) return std::nullopt;
  return KeyValue{.key = trimmed(line.substr(0, at)), .value = trimmed(line.substr(at + 1))};
}

}  // namespace pamcognito
