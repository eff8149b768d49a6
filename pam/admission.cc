#include "pam/admission.h"

#include <security/pam_modules.h>
#include <syslog.h>
#include <unistd.h>

#include <cstddef>

#include "common/membership.h"
#include "common/text.h"
#include "common/users_conf.h"
#include "pam/facts.h"
#include "pam/transaction.h"

namespace pamcognito::pam {
namespace {

constexpr unsigned kFailDelay = 2'000'000;  // microseconds; as pam_unix

int severity(Outcome outcome) noexcept {
  if (outcome == Outcome::success) return LOG_INFO;
  return outcome == Outcome::unforeseen ? LOG_ERR : LOG_NOTICE;
}

bool is_refusal(int code) noexcept {
  return code != PAM_SUCCESS && code != PAM_IGNORE && code != PAM_AUTHINFO_UNAVAIL &&
         code != PAM_TRY_AGAIN;
}

}  // namespace

bool has_flag(int flags, unsigned flag) noexcept {
  return (static_cast<unsigned>(flags) & flag) != 0;
}

bool is_of_root(int flags) noexcept {
  return !has_flag(flags, PAM_CHANGE_EXPIRED_AUTHTOK) && ::getuid() == 0;
}

std::expected<uid_t, int> admit(const Handle& pam, const Options& options, Phase phase,
                                std::string_view what, const std::string& user) {
  if (!options.unknown.empty())
    pam.log(LOG_ERR, "unknown module option " + options.unknown + "; our users are refused");
  std::string reason;
  uid_t uid = 0;
  const SignInData* data = find_sign_in(pam, user);
  // Who has signed in as ours is ours to the end of the transaction, whatever changes meanwhile.
  const bool signed_in = phase == Phase::account && data != nullptr && data->id;
  const Membership membership = signed_in
                                    ? Membership::cognito_user
                                    : classify_user(kUsersConfPath, user.c_str(), &reason, &uid);
  if (signed_in) uid = data->uid;
  const auto code = pam_code(phase, membership, is_emergency(pam, user));
  if (code == PAM_IGNORE) {
    if (options.debug) pam.log(LOG_DEBUG, "debug: not ours" + log_field("user", user));
    return std::unexpected(PAM_IGNORE);
  }
  if (code) {
    pam.log(LOG_ERR, std::string(what).append(" refused") + log_field("cause", "users-conf") +
                         log_field("user", user) + ": " + reason);
    return std::unexpected(*code);
  }
  if (!options.unknown.empty()) return std::unexpected(PAM_SERVICE_ERR);
  return uid;
}

Request make_request(const Handle& pam, const std::string& user, uid_t uid, int flags) {
  return {.user = user, .service = pam.item(PAM_SERVICE), .facts = gather_facts(pam, uid, flags)};
}

std::string log_field(std::string_view name, std::string_view value) {
  constexpr std::size_t longest = 128;
  std::string text = printable(value, longest);
  for (char& c : text)
    if (c == ' ' || c == '\n') c = '?';
  return std::string(" ").append(name).append("=").append(text);
}

void log_ending(const Handle& pam, std::string_view what, const Ending& ending,
                const std::string& user) {
  std::string line(what);
  line.append(" ").append(to_string(ending.outcome));
  line += log_field("cause", ending.cause) + log_field("user", user);
  if (const std::string host = pam.item(PAM_RHOST); !host.empty()) line += log_field("rhost", host);
  pam.log(severity(ending.outcome), line);
}

void delay_refusal(const Handle& pam, int code) noexcept {
  if (is_refusal(code)) (void)::pam_fail_delay(pam.get(), kFailDelay);
}

}  // namespace pamcognito::pam
