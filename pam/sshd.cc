#include "pam/sshd.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/ascii.h"
#include "common/fd.h"
#include "common/stored_account.h"

namespace pamcognito::pam {
namespace {

// Bounds of a mistake, except the depth (SERVCONF_MAX_DEPTH of OpenSSH). Debian's file has 3 KiB.
constexpr std::size_t kMaxBytes = 256UL * 1024;
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxFiles = 256;

// Takes the next word. Quotes and '=' only separate here: no keyword contains them.
std::string_view take_word(std::string_view& line) {
  constexpr std::string_view separators = " \t\r\f=\",";
  const std::size_t from = std::min(line.find_first_not_of(separators), line.size());
  line.remove_prefix(from);
  const std::size_t size = std::min(line.find_first_of(separators), line.size());
  const std::string_view word = line.substr(0, size);
  line.remove_prefix(size);
  return word;
}

bool is_keyword(std::string_view word, std::string_view lower_case) {
  return ascii::lower(word) == lower_case;
}

struct Paths {
  glob_t found{};

  Paths() = default;
  Paths(const Paths&) = delete;
  Paths& operator=(const Paths&) = delete;
  ~Paths() { ::globfree(&found); }
};

class Scan {
 public:
  bool decides_by_groups(const std::string& path, int depth) {
    if (depth > kMaxDepth || ++files_ > kMaxFiles) return true;
    std::string text;
    if (!read(path, text)) return true;
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::size_t size = std::min(rest.find('\n'), rest.size());
      if (line_decides(rest.substr(0, size), depth)) return true;
      rest.remove_prefix(std::min(size + 1, rest.size()));
    }
    return false;
  }

 private:
  static bool read(const std::string& path, std::string& text) {
    const Fd fd = above_stdio(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)));
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > static_cast<off_t>(kMaxBytes))
      return false;
    text.resize(kMaxBytes + 1);
    std::size_t size = 0;
    while (size < text.size()) {
      const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
      if (got < 0) return false;
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return size <= kMaxBytes;
  }

  bool line_decides(std::string_view line, int depth) {
    const std::string_view keyword = take_word(line);
    if (is_keyword(keyword, "allowgroups") || is_keyword(keyword, "denygroups")) return true;
    if (is_keyword(keyword, "include")) return included_decides(line, depth);
    if (!is_keyword(keyword, "match")) return false;
    for (std::string_view word; !(word = take_word(line)).empty();)
      if (is_keyword(word, "group")) return true;
    return false;
  }

  bool included_decides(std::string_view patterns, int depth) {
    // A path that sshd reads in another way than take_word().
    if (patterns.substr(std::min(patterns.find_first_not_of(" \t="), patterns.size()))
            .find_first_of("\"'\\,=") != std::string_view::npos)
      return true;
    for (std::string_view word; !(word = take_word(patterns)).empty();) {
      if (word.starts_with('#')) return false;
      const std::string pattern =
          word.starts_with('/') ? std::string(word) : "/etc/ssh/" + std::string(word);
      Paths paths;
      const int result = ::glob(pattern.c_str(), 0, nullptr, &paths.found);
      if (result == GLOB_NOMATCH) continue;
      if (result != 0) return true;
      for (const char* const path : std::span(paths.found.gl_pathv, paths.found.gl_pathc))
        if (decides_by_groups(path, depth + 1)) return true;
    }
    return false;
  }

  std::size_t files_ = 0;
};

}  // namespace

bool sshd_used_other_account(std::string_view service, const std::string& user,
                             const AccountRecord& record,
                             const std::optional<AccountRecord>& before) {
  if (service != "sshd" && !is_roots_sshd()) return false;
  std::optional<AccountRecord> seen = seen_by_sshd(user);
  if (!seen) seen = before;
  if (!seen) return false;
  return seen->uid != record.uid ||
         (seen->groups != record.groups && sshd_decides_by_groups(kSshdConfigPath));
}

bool sshd_decides_by_groups(const std::string& path) {
  return Scan().decides_by_groups(path, 0);
}

}  // namespace pamcognito::pam
