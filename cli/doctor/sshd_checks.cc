#include <charconv>
#include <cstddef>
#include <map>
#include <string>

#include "cli/doctor/checks.h"
#include "daemon/policy/service_profile.h"

namespace pamcognito::cli {
namespace {

constexpr char kDropIn[] =
    "cp /usr/share/doc/libpam-cognito/examples/sshd-pam-cognito.conf "
    "/etc/ssh/sshd_config.d/50-pam-cognito.conf && systemctl reload ssh";
constexpr long kShortestGrace = 120;
constexpr long kReserve = 10;       // for what sshd does beside PAM
constexpr long kTimeToSetUp = 200;  // a new password, an authenticator app, a code

using Settings = std::map<std::string, std::string>;

Settings settings_of(const std::string& text) {
  Settings settings;
  for (const std::string& line : lines_of(text)) {
    const std::size_t space = line.find(' ');
    if (space != std::string::npos)
      settings.try_emplace(line.substr(0, space), line.substr(space + 1));
  }
  return settings;
}

std::string value_of(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? std::string() : found->second;
}

long number_of(const std::string& text) {
  long number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Finding check_grace(const Settings& settings, const policy::Config* config) {
  const Check check{"sshd-login-grace-time", "sshd gives people time for the second factor"};
  const long grace = number_of(value_of(settings, "logingracetime"));
  if (grace < 0) return check.skipped("sshd does not say LoginGraceTime");
  if (grace == 0) return check.ok("no limit");
  if (grace < kShortestGrace)
    return check.fault("LoginGraceTime is " + std::to_string(grace) + " s",
                       "LoginGraceTime 120 in /etc/ssh/sshd_config.d/50-pam-cognito.conf");
  const auto deadline =
      static_cast<long>(policy::service_profile(config, "sshd").sign_in_timeout.count());
  if (deadline > grace - kReserve)
    return check.warning("sshd hangs up after " + std::to_string(grace) +
                             " s, cognitod waits for " + std::to_string(deadline) + " s",
                         "sign_in_timeout = " + std::to_string(grace - kReserve) +
                             "s in [service sshd], or a longer LoginGraceTime");
  if (grace - kReserve > deadline && deadline < kTimeToSetUp)
    return check.warning(
        "sshd waits for " + std::to_string(grace) + " s, cognitod only for " +
            std::to_string(deadline) + " s: too short for a first login that sets things up",
        "sign_in_timeout = " + std::to_string(grace - kReserve) + "s in [service sshd]");
  return check.ok(std::to_string(grace) + " s");
}

// The seconds of `name` in "authfail:5 min:15"; -1: it is not there.
long penalty_of(const std::string& penalties, const std::string& name) {
  for (const std::string& word : words_of(penalties))
    if (word.starts_with(name + ":")) return number_of(word.substr(name.size() + 1));
  return -1;
}

// sshd 9.8 and later refuses a whole address for a while after failed sign-ins from there
// (sshd_config(5), PerSourcePenalties). An older one does not know the setting.
Finding check_penalties(const Settings& settings) {
  const Check check{"sshd-source-penalties",
                    "sshd does not shut out an address for one user's typos"};
  const std::string penalties = value_of(settings, "persourcepenalties");
  if (penalties.empty()) return check.ok("this sshd has no PerSourcePenalties");
  if (penalties == "no") return check.ok("PerSourcePenalties is no");
  const std::string exempt = value_of(settings, "persourcepenaltyexemptlist");
  if (!exempt.empty() && exempt != "none") return check.ok("not for " + exempt);
  const long failure = penalty_of(penalties, "authfail");
  const long least = penalty_of(penalties, "min");
  // A penalty of a second is over before the next sign-in has failed.
  if (failure == 0 || failure == 1)
    return check.ok("a failed sign-in counts for " + std::to_string(failure) + " s");
  // An address is refused once more than `min` is outstanding.
  const std::string count =
      failure > 0 && least >= 0 ? std::to_string(least / failure + 1) : "a few";
  return check.warning(
      "after " + count +
          " failed sign-ins in quick succession sshd refuses everybody behind the same address "
          "for a while, without a prompt (PerSourcePenalties)",
      "PerSourcePenaltyExemptList for the networks of your users, or PerSourcePenalties "
      "authfail:1: docs/how-to/ssh.md");
}

Finding check_root_login(const Settings& settings) {
  const Check check{"sshd-root-login", "root does not sign in over ssh with a password"};
  const std::string value = value_of(settings, "permitrootlogin");
  if (value == "yes")
    return check.warning("PermitRootLogin is yes: root's local password is tried over the network",
                         "PermitRootLogin prohibit-password, or no");
  return check.ok(value);
}

}  // namespace

Findings check_sshd(const System& system, const policy::Config* config) {
  const Check check{"sshd", "sshd asks for password and code"};
  const auto text = system.run({"/usr/sbin/sshd", "-T"});
  if (!text) return {check.skipped(text.error().text)};
  const Settings settings = settings_of(*text);
  const auto must_be = [&](const char* id, const char* title, const char* key, const char* wanted,
                           const char* what) {
    const Check one{id, title};
    return value_of(settings, key) == wanted ? one.ok() : one.fault(what, kDropIn);
  };
  return {must_be("sshd-keyboard-interactive", "sshd can ask more than one question",
                  "kbdinteractiveauthentication", "yes",
                  "KbdInteractiveAuthentication is no: nobody is asked for a code"),
          must_be("sshd-use-pam", "sshd asks PAM", "usepam", "yes",
                  "UsePAM is no: sshd never asks pam_cognito"),
          must_be("sshd-password-authentication", "sshd answers no code with a stored password",
                  "passwordauthentication", "no",
                  "PasswordAuthentication is yes: the code prompt is answered with the password, "
                  "and an SMS is sent for nothing"),
          check_grace(settings, config),
          check_root_login(settings),
          check_penalties(settings)};
}

}  // namespace pamcognito::cli
