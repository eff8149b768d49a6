// Reads root's break-glass policy and window. A policy that cannot be read counts as `never`, and a
// window that cannot be read counts as closed: every failure here refuses local passwords.

#include "common/break_glass.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "common/fd.h"
#include "common/root_file.h"
#include "common/text.h"
#include "common/user_name.h"

namespace pamcognito::break_glass {
namespace {

constexpr std::size_t kMaxPolicyBytes = 4UL * 1024;
// kMaxWindowUsers names of 32 bytes take 2 KiB.
constexpr std::size_t kMaxWindowBytes = 4UL * 1024;
constexpr std::size_t kQuotedBytes = 64;
constexpr char kBootIdPath[] = "/proc/sys/kernel/random/boot_id";
constexpr std::size_t kBootIdSize = 36;  // a UUID, random(4)

struct Name {
  Policy policy;
  std::string_view text;
};
constexpr std::array kNames = {Name{Policy::never, "never"}, Name{Policy::window, "window"},
                               Name{Policy::when_unreachable, "when-unreachable"}};

std::string quoted(std::string_view text) {
  return "'" + printable(text, kQuotedBytes) + "'";
}

// Calls `take` with the key and the value of each line. `take` returns the fault of the line, or an
// empty string.
template <class Take>
std::expected<void, std::string> for_each_pair(std::string_view text, Take take) {
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    const auto pair = split_key_value(line);
    std::string fault = pair ? take(*pair) : quoted(line) + " is not of the form key=value";
    if (!fault.empty())
      return std::unexpected("line " + std::to_string(number) + ": " + std::move(fault));
  }
  return {};
}

bool is_boot_id(std::string_view text) noexcept {
  return text.size() == kBootIdSize &&
         text.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

std::optional<std::chrono::seconds> parse_seconds(std::string_view text) noexcept {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return std::chrono::seconds(value);
}

// Accepts "*" or names separated by blanks. Returns false for anything else.
bool parse_users(std::string_view text, Window& window) {
  if (text == "*") {
    window.all = true;
    return true;
  }
  while (!(text = trimmed(text)).empty()) {
    const std::string_view name = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(name.size());
    if (!is_valid_user_name(name) || window.users.size() == kMaxWindowUsers) return false;
    window.users.emplace_back(name);
  }
  return !window.users.empty();
}

// Returns the fault of the directory, or an empty string. Only root creates directories in /run,
// but in a directory that others can write to, another root-owned file could have the window's
// name.
std::string find_directory_fault(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0)
    return errno == ENOENT ? std::string() : path + ": lstat: " + std::string(errno_name(errno));
  if (!S_ISDIR(status.st_mode)) return path + ": is not a directory";
  if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return path + ": can be written by others than root";
  return {};
}

}  // namespace

std::string_view to_string(Policy policy) noexcept {
  const auto* row = std::ranges::find(kNames, policy, &Name::policy);
  return row != kNames.end() ? row->text : "never";
}

std::optional<Policy> parse_policy_name(std::string_view text) noexcept {
  const auto* row = std::ranges::find(kNames, text, &Name::text);
  if (row == kNames.end()) return std::nullopt;
  return row->policy;
}

std::expected<Policy, std::string> parse_policy(std::string_view text) {
  std::optional<Policy> policy;
  const auto parsed = for_each_pair(text, [&policy](const KeyValue& pair) -> std::string {
    if (pair.key != "local_password") return "unknown key " + quoted(pair.key);
    if (policy) return "local_password is set twice";
    policy = parse_policy_name(pair.value);
    return policy ? "" : quoted(pair.value) + " is none of when-unreachable, window, never";
  });
  if (!parsed) return std::unexpected(parsed.error());
  return policy.value_or(Policy::when_unreachable);
}

PolicyInForce read_policy(const char* path) {
  const auto text = read_root_file(path, kMaxPolicyBytes);
  if (!text) return {.policy = Policy::never, .fault = text.error()};
  if (!*text) return {.policy = Policy::when_unreachable, .fault = {}, .is_default = true};
  auto policy = parse_policy(**text);
  if (!policy) return {.policy = Policy::never, .fault = std::string(path) + ": " + policy.error()};
  return {.policy = *policy, .fault = {}};
}

bool Window::is_for(std::string_view user) const noexcept {
  return all || std::ranges::find(users, user) != users.end();
}

std::string format_window(const Window& window) {
  std::string text =
      "boot_id=" + window.boot_id + "\nend=" + std::to_string(window.end.count()) + "\nusers=";
  if (window.all) text += "*";
  for (const std::string& user : window.users) text += (text.ends_with('=') ? "" : " ") + user;
  return text + "\n";
}

std::expected<Window, std::string> parse_window(std::string_view text) {
  Window window{.boot_id = {}, .end = std::chrono::seconds(-1), .all = false, .users = {}};
  const auto parsed = for_each_pair(text, [&window](const KeyValue& pair) -> std::string {
    if (pair.key == "boot_id" && window.boot_id.empty()) {
      window.boot_id = pair.value;
      return is_boot_id(pair.value) ? "" : "boot_id is not a boot's id";
    }
    if (pair.key == "end" && window.end.count() < 0) {
      const auto end = parse_seconds(pair.value);
      window.end = end.value_or(window.end);
      return end ? "" : "end is not a number of seconds";
    }
    if (pair.key == "users" && !window.all && window.users.empty())
      return parse_users(pair.value, window) ? "" : "users is neither '*' nor a list of names";
    return quoted(pair.key) + " is unknown or set twice";
  });
  if (!parsed) return std::unexpected(parsed.error());
  if (window.boot_id.empty() || window.end.count() < 0 || (!window.all && window.users.empty()))
    return std::unexpected("boot_id, end or users is missing");
  return window;
}

Now now() {
  Now now{.boot_id = {}, .boot_time = {}};
  timespec time{};
  if (::clock_gettime(CLOCK_BOOTTIME, &time) != 0) return now;
  now.boot_time = std::chrono::seconds(time.tv_sec);
  const Fd fd = above_stdio(Fd(::open(kBootIdPath, O_RDONLY | O_CLOEXEC | O_NOCTTY)));
  std::array<char, kBootIdSize> id{};
  if (fd && ::read(fd.get(), id.data(), id.size()) == static_cast<ssize_t>(id.size()) &&
      is_boot_id({id.data(), id.size()}))
    now.boot_id.assign(id.data(), id.size());
  return now;
}

std::expected<std::optional<Window>, std::string> read_window(const Now& now,
                                                              const std::string& directory) {
  if (auto fault = find_directory_fault(directory); !fault.empty())
    return std::unexpected(std::move(fault));
  const std::string path = directory + "/" + kWindowName;
  const auto text = read_root_file(path.c_str(), kMaxWindowBytes);
  if (!text) return std::unexpected(text.error());
  if (!*text) return std::nullopt;
  auto window = parse_window(**text);
  if (!window) return std::unexpected(path + ": " + window.error());
  if (now.boot_id.empty() || window->boot_id != now.boot_id)
    return std::unexpected(path + ": is of another boot");
  if (window->end <= now.boot_time) return std::nullopt;
  if (window->end - now.boot_time > kMaxWindow)
    return std::unexpected(path + ": ends later than a window may");
  return std::move(*window);
}

}  // namespace pamcognito::break_glass
