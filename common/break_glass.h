#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Break glass: when a Cognito user may sign in with a local password instead. Root decides it, in
// two files that pam_cognito itself reads, so that the decision holds while cognitod is stopped or
// compromised.
namespace pamcognito::break_glass {

// /etc/pam-cognito/break-glass.conf, with the same checks as users.conf:
//
//   local_password = when-unreachable | window | never
//
// No file means when-unreachable.
enum class Policy : unsigned char {
  never,             // in no case, not even in a window
  window,            // only in a window that root has opened
  when_unreachable,  // in a window, and while the user pool or cognitod is proved unreachable
};

inline constexpr char kPolicyPath[] = "/etc/pam-cognito/break-glass.conf";

[[nodiscard]] std::string_view to_string(Policy policy) noexcept;
std::optional<Policy> policy_of(std::string_view text) noexcept;

// The policy in force. `fault` says why a file cannot be used; then the policy is `never`.
struct PolicyInForce {
  Policy policy = Policy::never;
  std::string fault;
  bool is_default = false;  // there is no file
};
PolicyInForce read_policy(const char* path = kPolicyPath);
// `text` is the whole file; the error says what is wrong.
std::expected<Policy, std::string> parse_policy(std::string_view text);

// A window, /run/pam-cognito/break-glass. It ends at a point of CLOCK_BOOTTIME, so that nobody can
// prolong it by setting the clock, and with the boot. After a soft-reboot, which changes neither
// clock nor boot id, tmpfiles.d removes the file.
struct Window {
  std::string boot_id;       // as in /proc/sys/kernel/random/boot_id
  std::chrono::seconds end;  // CLOCK_BOOTTIME
  bool all = false;
  std::vector<std::string> users;  // if not all

  [[nodiscard]] bool is_for(std::string_view user) const noexcept;
};

inline constexpr char kWindowDirectory[] = "/run/pam-cognito";
inline constexpr char kWindowName[] = "break-glass";
// Shorter is a slip of the hand, longer is a policy.
inline constexpr std::chrono::seconds kShortestWindow = std::chrono::minutes(1);
inline constexpr std::chrono::seconds kLongestWindow = std::chrono::hours(24);
inline constexpr std::size_t kMaxWindowUsers = 64;

std::string format_window(const Window& window);
std::expected<Window, std::string> parse_window(std::string_view text);

// The time and boot by which a window is judged.
struct Now {
  std::string boot_id;             // empty: not known, and every window is closed
  std::chrono::seconds boot_time;  // CLOCK_BOOTTIME
};
Now now();

// The window that is open; nullopt: none is. The error says why a file does not count: not root's,
// malformed, of another boot, longer than a window may be. A window whose end has passed is closed
// and no error.
std::expected<std::optional<Window>, std::string> read_window(
    const Now& now, const std::string& directory = kWindowDirectory);

}  // namespace pamcognito::break_glass
