#include "pam/phases.h"

#include <security/pam_appl.h>
#include <syslog.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "common/users_conf.h"
#include "pam/bus_client.h"
#include "pam/conversation.h"
#include "pam/facts.h"
#include "pam/result.h"
#include "pam/sign_in_data.h"

namespace pamcognito::pam {
namespace {

constexpr unsigned kFailDelay = 2'000'000;  // microseconds; as pam_unix
constexpr Ending kItemsRefused{.outcome = Outcome::unforeseen, .cause = "pam-items"};

int severity(Outcome outcome) noexcept {
  if (outcome == Outcome::success) return LOG_INFO;
  return outcome == Outcome::unforeseen ? LOG_ERR : LOG_NOTICE;
}

// A field of a log line: what is foreign, without spaces that would forge another field.
std::string field(std::string_view name, std::string_view value) {
  constexpr std::size_t longest = 128;
  std::string text = printable(value, longest);
  for (char& c : text)
    if (c == ' ' || c == '\n') c = '?';
  return std::string(" ").append(name).append("=").append(text);
}

// The one line of an ending.
void log_ending(const Handle& pam, std::string_view what, const Ending& ending,
                const std::string& user) {
  std::string line(what);
  line.append(" ").append(to_string(ending.outcome));
  line += field("cause", ending.cause) + field("user", user);
  if (const std::string host = pam.item(PAM_RHOST); !host.empty()) line += field("rhost", host);
  pam.log(severity(ending.outcome), line);
}

// Whether the daemon is to be asked about this user; the error is the PAM code if not. A wrong
// module option is a fault of the service's file: our users get no further, everybody else is not
// affected.
std::expected<void, int> admit(const Handle& pam, const Options& options, Phase phase,
                               std::string_view what, const std::string& user) {
  if (!options.unknown.empty())
    pam.log(LOG_ERR, "unknown module option " + options.unknown + "; our users are refused");
  std::string reason;
  const Membership membership = classify_user(kUsersConfPath, user.c_str(), &reason);
  const SignInData* data = find_sign_in(pam, user);
  const auto code = pam_code(phase, membership, data != nullptr && !data->id);
  if (code == PAM_IGNORE) {
    if (options.debug) pam.log(LOG_DEBUG, "debug: not ours" + field("user", user));
    return std::unexpected(PAM_IGNORE);
  }
  if (code) {
    pam.log(LOG_ERR, std::string(what).append(" refused") + field("cause", "users-conf") +
                         field("user", user) + ": " + reason);
    return std::unexpected(*code);
  }
  if (!options.unknown.empty()) return std::unexpected(PAM_SERVICE_ERR);
  return {};
}

Request make_request(const Handle& pam, const std::string& user, int flags) {
  return {.user = user, .service = pam.item(PAM_SERVICE), .facts = gather_facts(pam, flags)};
}

Ending sign_in(const Handle& pam, const std::string& user, int flags, const Options& options) {
  auto opened = open_sign_in(make_request(pam, user, flags));
  if (!opened) {
    Ending ending = opened.error();
    ending.may_be_unavailable = true;  // nobody was asked anything
    return ending;
  }
  const bool silent = (static_cast<unsigned>(flags) & PAM_SILENT) != 0;
  Conversation conversation(pam, options, silent, std::move(opened->socket), opened->deadline);
  const Ending ending = conversation.run();
  if (ending.outcome != Outcome::success) return ending;
  if (!store_sign_in(pam, {.user = user, .id = conversation.sign_in_id()}) ||
      !conversation.typed().hand_over(pam))
    return kItemsRefused;
  return ending;
}

// What the person could guess at costs time; a daemon that is down does not.
bool is_refusal(int code) noexcept {
  return code != PAM_SUCCESS && code != PAM_IGNORE && code != PAM_AUTHINFO_UNAVAIL;
}

int authenticate_user(const Handle& pam, const std::string& user, int flags,
                      const Options& options) {
  forget_sign_in(pam);
  if (const auto admitted = admit(pam, options, Phase::authenticate, "sign-in", user); !admitted) {
    const bool unavailable = admitted.error() == PAM_AUTHINFO_UNAVAIL;
    if (unavailable && !store_sign_in(pam, {.user = user, .id = std::nullopt}))
      return PAM_SERVICE_ERR;
    return admitted.error();
  }
  Ending ending = sign_in(pam, user, flags, options);
  if (pam_code(Phase::authenticate, ending) == PAM_AUTHINFO_UNAVAIL &&
      !store_sign_in(pam, {.user = user, .id = std::nullopt}))
    ending = kItemsRefused;
  log_ending(pam, "sign-in", ending, user);
  return pam_code(Phase::authenticate, ending);
}

}  // namespace

int authenticate(Handle pam, int flags, const Options& options) {
  const auto user = pam.user();
  if (!user) return user.error() == PAM_CONV_ERR ? PAM_CONV_ERR : PAM_SERVICE_ERR;
  const int code = authenticate_user(pam, *user, flags, options);
  if (is_refusal(code)) (void)::pam_fail_delay(pam.get(), kFailDelay);
  return code;
}

int check_account(Handle pam, int flags, const Options& options) {
  const std::string user = pam.item(PAM_USER);
  if (const auto admitted = admit(pam, options, Phase::account, "account", user); !admitted)
    return admitted.error();
  const SignInData* data = find_sign_in(pam, user);
  const auto outcome =
      check_account(make_request(pam, user, flags), data != nullptr ? data->id : std::nullopt);
  Ending ending = outcome ? Ending{.outcome = *outcome, .cause = "outcome"} : outcome.error();
  ending.may_be_unavailable = data != nullptr && !data->id;
  log_ending(pam, "account", ending, user);
  return pam_code(Phase::account, ending);
}

int set_credentials(Handle pam, const Options& options) {
  const std::string user = pam.item(PAM_USER);
  const auto admitted = admit(pam, options, Phase::authenticate, "credentials", user);
  if (admitted) return PAM_SUCCESS;
  // Whoever is neither ours nor an error of the service file is let pass: this phase decides
  // nothing.
  return options.unknown.empty() || admitted.error() == PAM_IGNORE ? PAM_IGNORE : PAM_SERVICE_ERR;
}

}  // namespace pamcognito::pam
