#include "accounts/local_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <expected>
#include <functional>
#include <system_error>
#include <utility>

#include "accounts/files.h"
#include "common/fd.h"

namespace pamcognito::accounts {
namespace {

// The fields that are read are at the front of a line; members of a group may be any number.
constexpr std::size_t kMaxFront = 1024;
// 100,000 lines of passwd are 10 MB; the files are root's, so this bounds a mistake.
constexpr off_t kMaxFile = off_t{256} * 1024 * 1024;

std::string_view take_field(std::string_view& line) {
  const std::size_t end = line.find(':');
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return field;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<LocalFiles> LocalFiles::read(const std::string& root) {
  LocalFiles files;
  for (const auto& [path, table] :
       {std::pair("/etc/passwd", Table::passwd), std::pair("/etc/group", Table::group),
        std::pair("/etc/subuid", Table::subordinate), std::pair("/etc/subgid", Table::subordinate)})
    if (const auto read = files.read_file(root, path, table); !read)
      return std::unexpected(read.error());
  return files;
}

Result<void> LocalFiles::read_file(const std::string& root, const char* path, Table table) {
  const std::string name = root + path;
  const Fd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file && errno == ENOENT && table == Table::subordinate) return {};
  if (!file && errno == ENOENT)
    return refused(Refusal::bad_configuration, name + " is missing: put it back");
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) return storage_failure(name, "opened");
  if (!S_ISREG(status.st_mode) || status.st_size > kMaxFile)
    return refused(Refusal::bad_configuration,
                   name + " is no regular file of at most 256 MiB: put the right file back");
  std::array<char, 16384> part;
  std::string front;
  off_t total = 0;
  while (true) {
    const ssize_t got = ::read(file.get(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return storage_failure(name, "read");
    if (got == 0) break;
    total += got;
    // It grows as fast as it is read.
    if (total > kMaxFile) return refused(Refusal::bad_configuration, name + " is too large");
    std::string_view rest(part.data(), static_cast<std::size_t>(got));
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      const std::string_view piece = rest.substr(0, end);
      if (front.size() < kMaxFront) front.append(piece.substr(0, kMaxFront - front.size()));
      if (end == std::string_view::npos) break;
      take_line(front, path, table);
      front.clear();
      rest.remove_prefix(end + 1);
    }
  }
  take_line(front, path, table);
  return {};
}

// A line that libc ignores is not a fault here, either.
void LocalFiles::take_line(std::string_view line, const char* path, Table table) {
  if (!line.contains(':')) return;
  const std::string_view name = take_field(line);
  if (table == Table::subordinate) {
    const auto first = number_of<std::uint64_t>(take_field(line));
    const auto count = number_of<std::uint64_t>(take_field(line));
    if (!first || !count || *count == 0) return;
    const std::uint64_t last = *first + (*count - 1);
    ranges_.push_back({*first, last < *first ? UINT64_MAX : last, path});
    return;
  }
  if (!name.empty()) names_.emplace(name);
  (void)take_field(line);
  const auto id = number_of<std::uint32_t>(take_field(line));
  if (id) ids_.emplace(*id, path);
  if (table == Table::passwd) {
    if (const auto gid = number_of<std::uint32_t>(take_field(line))) ids_.emplace(*gid, path);
  } else if (id) {
    gids_.emplace(name, *id);
  }
}

std::optional<std::string> LocalFiles::meets(std::uint32_t first, std::uint32_t last) const {
  const auto id = ids_.lower_bound(first);
  if (id != ids_.end() && id->first <= last) return id->second;
  for (const Range& range : ranges_)
    if (range.first <= last && first <= range.last) return range.file;
  return std::nullopt;
}

std::optional<gid_t> LocalFiles::gid_of(std::string_view group) const {
  const auto found = gids_.find(group);
  if (found == gids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace pamcognito::accounts
