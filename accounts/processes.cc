#include "accounts/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <memory>
#include <string_view>
#include <system_error>

#include "accounts/files.h"
#include "common/ascii.h"
#include "common/fd.h"

namespace pamcognito::accounts {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { (void)::closedir(directory); }
};

// Tells whether the line "Uid:" of /proc/PID/status has the uid. The line is in the first kilobyte.
bool has_uid(std::string_view status, uid_t uid) {
  const std::size_t at = status.find("\nUid:");
  if (at == std::string_view::npos) return false;
  std::string_view line = status.substr(at + 5);
  line = line.substr(0, line.find('\n'));
  while (!line.empty()) {
    if (!ascii::is_digit(line.front())) {
      line.remove_prefix(1);
      continue;
    }
    uid_t one = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), one);
    if (error == std::errc() && one == uid) return true;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  }
  return false;
}

}  // namespace

Result<void> check_no_process(const std::string& root, const std::string& name, uid_t uid) {
  const std::string path = root + "/proc";
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory && errno == ENOENT && !root.empty()) return {};
  if (!directory) return storage_failure(path, "read");
  bool any = false;
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return storage_failure(path, "read");
    if (entry == nullptr) break;
    const std::string_view pid = entry->d_name;
    if (!ascii::is_digit(pid.front())) continue;
    any = true;
    const Fd file(::openat(::dirfd(directory.get()), (std::string(pid) + "/status").c_str(),
                           O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> text;
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : -1;
    // A process that has ended meanwhile.
    if (size <= 0) continue;
    if (has_uid({text.data(), static_cast<std::size_t>(size)}, uid))
      return refused(Refusal::in_use,
                     name + " has processes, such as " + std::string(pid) +
                         ": end them first, for example by loginctl terminate-user " + name);
  }
  if (!any && root.empty())
    return refused(Refusal::storage, "/proc has no processes, so it is unknown whether " + name +
                                         " has some: mount /proc");
  return {};
}

}  // namespace pamcognito::accounts
