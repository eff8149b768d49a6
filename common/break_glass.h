#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Break glass: the conditions under which a Cognito user may sign in with a local password instead.
// Root sets them in two files, a policy and a time-limited window. pam_cognito reads both files
// itself, so root's decision holds while cognitod is stopped or compromised.
namespace pamcognito::break_glass {

// /etc/pam-cognito/break-glass.conf, which is checked like users.conf:
//
//   local_password = when-unreachable | window | never
//
// Without the file the policy is when-unreachable.
enum class Policy : unsigned char {
  never,             // never, not even in a window
  window,            // only in a window that root has opened
  when_unreachable,  // in a window, and while the user pool or cognitod is proved unreachable
};

inline constexpr char kPolicyPath[] = "/etc/pam-cognito/break-glass.conf";

[[nodiscard]] std::string_view to_string(Policy policy) noexcept;
std::optional<Policy> parse_policy_name(std::string_view text) noexcept;

// The policy in force. If the file cannot be used, `fault` has the reason and the policy is
// `never`.
struct PolicyInForce {
  Policy policy = Policy::never;
  std::string fault;
  bool is_default = false;  // there is no file
};
PolicyInForce read_policy(const char* path = kPolicyPath);
// Parses the whole file. The error says what is wrong.
std::expected<Policy, std::string> parse_policy(std::string_view text);

// A window, /run/pam-cognito/break-glass. It ends with the boot or at a time of CLOCK_BOOTTIME, so
// setting the clock does not prolong it. A soft-reboot changes neither that clock nor the boot id;
// after one, tmpfiles.d removes the file.
struct Window {
  std::string boot_id;       // as in /proc/sys/kernel/random/boot_id
  std::chrono::seconds end;  // CLOCK_BOOTTIME
  bool all = false;
  std::vector<std::string> users;  // if not all

  [[nodiscard]] bool is_for(std::string_view user) const noexcept;
};

inline constexpr char kWindowDirectory[] = "/run/pam-cognito";
inline constexpr char kWindowName[] = "break-glass";
// A shorter window is a typing error, and a longer one is a case for the policy.
inline constexpr std::chrono::seconds kMinWindow = std::chrono::minutes(1);
inline constexpr std::chrono::seconds kMaxWindow = std::chrono::hours(24);
inline constexpr std::size_t kMaxWindowUsers = 64;

std::string format_window(const Window& window);
std::expected<Window, std::string> parse_window(std::string_view text);

// The boot and the time to which a window is compared.
struct Now {
  std::string boot_id;             // empty: unknown, which closes every window
  std::chrono::seconds boot_time;  // CLOCK_BOOTTIME
};
Now now();

// Returns the open window, or nullopt if there is none or its end has passed. The error says why
// the file is not used: it does not belong to root, is malformed, is of another boot, or lasts
// longer than kMaxWindow.
std::expected<std::optional<Window>, std::string> read_window(
    const Now& now, const std::string& directory = kWindowDirectory);

}  // namespace pamcognito::break_glass
