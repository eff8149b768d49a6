#include "daemon/policy/config_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string_view>

#include "common/fd.h"
#include "common/text.h"

namespace pamcognito::policy {
namespace {

constexpr std::size_t kMaxFileSize = 256UL * 1024;
constexpr std::size_t kMaxDropIns = 256;

std::unexpected<std::string> wrong(const std::string& path, std::string_view what) {
  return std::unexpected(path + ": " + std::string(what));
}

std::string cannot(std::string_view action, int error) {
  return "cannot be " + std::string(action) + ": " + describe_errno(error);
}

// The fault in the file's owner or mode; empty: none. A user who could change the file could change
// the policy.
std::string check_owner(const struct stat& status) {
  if (status.st_uid != 0 && status.st_uid != geteuid()) {
    return "does not belong to root: chown root it";
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return "can be written to by others than its owner: chmod go-w it";
  }
  return {};
}

std::expected<std::string, std::string> read_file(const std::string& path) {
  // Without O_NONBLOCK a FIFO of that name would hold the daemon's start.
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    return wrong(path, errno == ENOENT ? "does not exist: cognitoctl setup writes it"
                                       : cannot("opened", errno));
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return wrong(path, cannot("examined", errno));
  if (!S_ISREG(status.st_mode)) return wrong(path, "is not a regular file");
  if (const std::string problem = check_owner(status); !problem.empty()) {
    return wrong(path, problem);
  }
  // One byte more than is accepted, so that a file which grows meanwhile is noticed too.
  std::string text(kMaxFileSize + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return wrong(path, cannot("read", errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxFileSize) return wrong(path, "is larger than 256 KiB");
  text.resize(size);
  text.shrink_to_fit();
  return text;
}

bool is_drop_in_name(std::string_view name) {
  return !name.starts_with('.') && name.size() > 5 && name.ends_with(".conf");
}

std::expected<std::vector<std::string>, std::string> list_drop_ins(const std::string& directory) {
  struct CloseDirectory {
    void operator()(DIR* handle) const noexcept { (void)::closedir(handle); }
  };
  const std::unique_ptr<DIR, CloseDirectory> handle(::opendir(directory.c_str()));
  if (!handle) {
    if (errno == ENOENT) return std::vector<std::string>{};
    return wrong(directory, cannot("opened", errno));
  }
  struct stat status{};
  const int fd = ::dirfd(handle.get());
  if (fd < 0 || ::fstat(fd, &status) != 0) {
    return wrong(directory, cannot("examined", errno));
  }
  if (const std::string problem = check_owner(status); !problem.empty()) {
    return wrong(directory, problem);
  }
  std::vector<std::string> names;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this stream
  for (errno = 0; const dirent* entry = ::readdir(handle.get()); errno = 0) {
    if (is_drop_in_name(entry->d_name)) names.emplace_back(entry->d_name);
    if (names.size() > kMaxDropIns) return wrong(directory, "holds more than 256 files");
  }
  if (errno != 0) return wrong(directory, cannot("read", errno));
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::expected<std::vector<ConfigText>, std::string> read_config_files(const std::string& path) {
  std::vector<ConfigText> files;
  auto main_text = read_file(path);
  if (!main_text) return std::unexpected(main_text.error());
  files.push_back({path, std::move(*main_text)});
  const std::string directory = path + ".d";
  const auto names = list_drop_ins(directory);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    std::string drop_in = directory;
    drop_in.append("/").append(name);
    auto text = read_file(drop_in);
    if (!text) return std::unexpected(text.error());
    files.push_back({std::move(drop_in), std::move(*text)});
  }
  return files;
}

}  // namespace pamcognito::policy
