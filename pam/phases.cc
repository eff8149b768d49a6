#include "pam/phases.h"

#include <security/pam_appl.h>
#include <syslog.h>
#include <unistd.h>

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/text.h"
#include "common/users_conf.h"
#include "pam/bus_client.h"
#include "pam/conversation.h"
#include "pam/facts.h"
#include "pam/password_change_data.h"
#include "pam/result.h"
#include "pam/sign_in_data.h"

namespace pamcognito::pam {
namespace {

constexpr unsigned kFailDelay = 2'000'000;  // microseconds; as pam_unix
constexpr Ending kItemsRefused{.outcome = Outcome::unforeseen, .cause = "pam-items"};

bool has_flag(int flags, unsigned flag) noexcept {
  return (static_cast<unsigned>(flags) & flag) != 0;
}

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
  Conversation conversation(pam, options, has_flag(flags, PAM_SILENT), Conversation::Goal::sign_in,
                            std::move(opened->socket), opened->deadline);
  const Ending ending = conversation.run();
  if (ending.outcome != Outcome::success) return ending;
  if (!store_sign_in(pam, {.user = user, .id = conversation.sign_in_id()}) ||
      !conversation.typed().hand_over(pam))
    return kItemsRefused;
  return ending;
}

// What the person could guess at costs time; a daemon that is down does not.
bool is_refusal(int code) noexcept {
  return code != PAM_SUCCESS && code != PAM_IGNORE && code != PAM_AUTHINFO_UNAVAIL &&
         code != PAM_TRY_AGAIN;
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

// Whether this change is none of ours, whoever the user is.
bool is_left_to_others(int flags) noexcept {
  // Root's passwd, chpasswd and adduser set local passwords, which are the break glass; with no
  // pool and no daemon.
  if (::getuid() == 0) return true;
  // Only a local password can have expired, as long as our account phase never says that the pool
  // wants a new one. A need of our own would be let through here.
  return has_flag(flags, PAM_CHANGE_EXPIRED_AUTHTOK);
}

// PAM_PRELIM_CHECK. nullopt: the conversation is stored and waits for the new password.
std::optional<Ending> begin_password_change(const Handle& pam, const std::string& user, int flags,
                                            const Options& options) {
  if (pam.uid_of(user) != ::getuid())
    return Ending{.outcome = Outcome::not_permitted, .cause = "another-user"};
  auto opened = open_password_change(make_request(pam, user, flags));
  if (!opened) return opened.error();
  auto conversation = std::make_unique<Conversation>(pam, options, has_flag(flags, PAM_SILENT),
                                                     Conversation::Goal::change_password,
                                                     std::move(opened->socket), opened->deadline);
  if (const auto ended = conversation->run_to_new_password()) return ended;
  if (!conversation->typed().hand_over_old(pam) ||
      !store_password_change(pam, user, std::move(conversation)))
    return kItemsRefused;
  return std::nullopt;
}

// PAM_UPDATE_AUTHTOK.
Ending end_password_change(const Handle& pam, const std::string& user, int flags) {
  const auto conversation = take_password_change(pam, user);
  if (!conversation) return {.outcome = Outcome::unforeseen, .cause = "nothing-begun"};
  const Ending ending = conversation->resume(has_flag(flags, PAM_SILENT));
  if (ending.outcome == Outcome::success && !conversation->typed().hand_over(pam))
    return kItemsRefused;
  return ending;
}

int change_password_of(const Handle& pam, const std::string& user, int flags,
                       const Options& options) {
  const bool update = has_flag(flags, PAM_UPDATE_AUTHTOK);
  const Phase phase = update ? Phase::password_update : Phase::password_check;
  if (!update) forget_password_change(pam);
  if (const auto admitted = admit(pam, options, phase, "password-change", user); !admitted)
    return admitted.error();
  const std::optional<Ending> ending = update ? end_password_change(pam, user, flags)
                                              : begin_password_change(pam, user, flags, options);
  if (!ending) return PAM_SUCCESS;
  log_ending(pam, "password-change", *ending, user);
  return pam_code(phase, *ending);
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

int change_password(Handle pam, int flags, const Options& options) {
  if (is_left_to_others(flags)) return PAM_IGNORE;
  const auto user = pam.user();
  if (!user) return user.error() == PAM_CONV_ERR ? PAM_CONV_ERR : PAM_SERVICE_ERR;
  const int code = change_password_of(pam, *user, flags, options);
  if (is_refusal(code)) (void)::pam_fail_delay(pam.get(), kFailDelay);
  return code;
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
