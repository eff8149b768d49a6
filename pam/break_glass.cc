// Applies root's break-glass policy to one sign-in: before it (a window), after cognitod was
// unavailable (policy or window), and again when pam_unix has accepted the local password.
// Everything that cannot be read refuses the local password.

#include "pam/break_glass.h"

#include <security/pam_modules.h>
#include <shadow.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "common/break_glass.h"
#include "common/secret.h"
#include "pam/admission.h"
#include "pam/conversation.h"

namespace pamcognito::pam {
namespace {

using break_glass::Policy;
using break_glass::Window;

// One line of shadow(5). passwd(1) writes none that is longer.
constexpr std::size_t kShadowBytes = 8192;

void log_decision(const Handle& pam, std::string_view decision, std::string_view cause,
                  const std::string& user) {
  std::string line = "break-glass ";
  line.append(decision) += log_field("cause", cause) + log_field("user", user);
  if (const std::string host = pam.item(PAM_RHOST); !host.empty()) line += log_field("rhost", host);
  pam.log(LOG_NOTICE, line);
}

// nullopt if there is no open window for this user. A file that is not used is logged as an error,
// so that root sees it.
std::optional<Window> window_for(const Handle& pam, const std::string& user,
                                 const break_glass::Now& now) {
  auto window = break_glass::read_window(now);
  if (!window) {
    pam.log(LOG_ERR, "break-glass window not used: " + window.error());
    return std::nullopt;
  }
  if (!*window || !(*window)->is_for(user)) return std::nullopt;
  return std::move(*window);
}

// False if the password is empty or locked, as passwd -l and useradd leave it, or cannot be read.
bool has_usable_local_password(const std::string& user) {
  const auto buffer = std::make_unique<std::array<char, kShadowBytes>>();
  spwd entry{};
  spwd* found = nullptr;
  const int error = ::getspnam_r(user.c_str(), &entry, buffer->data(), buffer->size(), &found);
  const char first =
      error == 0 && found != nullptr && found->sp_pwdp != nullptr ? *found->sp_pwdp : '\0';
  wipe(*buffer);  // also after an error, which may leave a part of the line
  return first != '\0' && first != '!' && first != '*';
}

// "14:30", in the time zone of this machine.
std::string clock_text(std::chrono::seconds from_now) {
  const std::time_t when = ::time(nullptr) + from_now.count();
  tm local{};
  std::array<char, 8> text{};
  if (::localtime_r(&when, &local) == nullptr ||
      ::strftime(text.data(), text.size(), "%H:%M", &local) == 0)
    return "?";
  return text.data();
}

// A file that cannot be used is logged as an error, so that root sees it.
Policy policy_in_force(const Handle& pam) {
  const break_glass::PolicyInForce policy = break_glass::read_policy();
  if (!policy.fault.empty())
    pam.log(LOG_ERR, "break-glass policy not used, local passwords are refused: " + policy.fault);
  return policy.policy;
}

}  // namespace

bool window_permits_local_password(const Handle& pam, const std::string& user, bool silent) {
  const break_glass::Now now = break_glass::now();
  const auto window = window_for(pam, user, now);
  if (!window || policy_in_force(pam) == Policy::never || !has_usable_local_password(user))
    return false;
  tell(pam, silent, FrameType::info,
       "Emergency access is open on this machine until " + clock_text(window->end - now.boot_time) +
           ". Use your local password.");
  log_decision(pam, "permitted", "window", user);
  return true;
}

bool permits_local_password(const Handle& pam, const std::string& user, const PhaseResult& result,
                            bool silent) {
  const Policy policy = policy_in_force(pam);
  // cognitod has reported the outage itself, or is proved absent.
  std::string_view cause = result.cause;
  if (cause == "outcome") cause = "unreachable";
  if (policy != Policy::never && window_for(pam, user, break_glass::now())) cause = "window";
  if (policy == Policy::when_unreachable || cause == "window") {
    log_decision(pam, "permitted", cause, user);
    return true;
  }
  tell(pam, silent, FrameType::error,
       policy == Policy::window
           ? "Local passwords are not accepted on this machine now. Your administrator can open "
             "emergency access."
           : "Local passwords are not accepted on this machine.");
  log_decision(pam, "refused", policy == Policy::window ? "policy-window" : "policy-never", user);
  return false;
}

void tell_no_local_password(const Handle& pam, bool silent) {
  tell(pam, silent, FrameType::error,
       "Sign-in is not possible now, and your account has no local password. Try again later.");
}

bool still_permits_local_password(const Handle& pam, const std::string& user, bool by_window,
                                  std::chrono::seconds permitted_at) {
  const Policy policy = policy_in_force(pam);
  const break_glass::Now now = break_glass::now();
  // 0 means that the clock could not be read.
  const bool lasts = permitted_at > std::chrono::seconds(0) && now.boot_time >= permitted_at &&
                     now.boot_time - permitted_at <= kPermissionTime;
  if (policy == Policy::when_unreachable && !by_window && lasts) return true;
  if (policy != Policy::never && window_for(pam, user, now)) return true;
  log_decision(pam, "refused", "permission-ended", user);
  return false;
}

}  // namespace pamcognito::pam
