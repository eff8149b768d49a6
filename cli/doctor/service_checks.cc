#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/doctor/checks.h"
#include "cli/doctor/pam_stack.h"
#include "daemon/policy/service_profile.h"
#include "daemon/policy/values.h"

// Installed programs that use PAM in another way than a login does.
namespace pamcognito::cli {
namespace {

constexpr char kModule[] = "pam_cognito.so";

// smbd checks passwords itself, and asks PAM for the account alone (smb.conf(5), "obey pam
// restrictions"), although Debian's /etc/pam.d/samba has lines for auth.
constexpr std::array<std::string_view, 1> kAccountOnly = {"samba"};

// These run where nobody is asked: cognitod has settings of its own for them (cognitod.conf(5),
// `unknown`).
constexpr std::array<std::string_view, 4> kUnattended = {"atd", "cron", "crond", "systemd-user"};

// They set neither PAM_RHOST nor, before the password is asked, PAM_TTY (xrdp,
// sesman/verify_user_pam.c).
constexpr std::array<std::string_view, 1> kWithoutOrigin = {"xrdp-sesman"};

bool has(std::span<const std::string_view> names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::set<std::string> services_of(const System& system) {
  std::set<std::string> services = pam_services(system);
  std::erase_if(services, [](const std::string& name) {
    return name == "other" || !policy::is_service_name(name);
  });
  return services;
}

bool asks_only_for_accounts(const System& system, const std::string& service) {
  if (has(kUnattended, service) || !read_pam_stack(system, service, "account").names(kModule))
    return false;
  // One with other lines for auth means them: an automatic login, a fingerprint.
  return has(kAccountOnly, service) || read_pam_stack(system, service, "auth").rules.empty();
}

Finding check_account_only(const System& system, const policy::Config* config) {
  const Check check{"pam-account-only", "each service lets its users sign in with Cognito first"};
  std::vector<std::string> found;
  for (const std::string& service : services_of(system))
    if (asks_only_for_accounts(system, service) &&
        policy::service_profile(config, service).never_signed_in == policy::NeverSignedIn::deny)
      found.push_back(service);
  if (found.empty()) return check.ok();
  return check.warning(
      list_of(found) +
          ": asks PAM only whether an account is permitted, which is denied for a "
          "Cognito user who has never signed in on this machine",
      "each user signs in once by ssh or sudo, or: never_signed_in = allow in [service " +
          found.front() + "]; docs/how-to/other-services.md says what follows from it");
}

Finding check_origins(const System& system) {
  const Check check{"pam-origin", "each service says where its users come from"};
  std::vector<std::string> found;
  for (const std::string& service : services_of(system))
    if (has(kWithoutOrigin, service) && read_pam_stack(system, service, "auth").names(kModule))
      found.push_back(service);
  if (found.empty()) return check.ok();
  return check.warning(list_of(found) +
                           ": gives neither a remote host nor a login uid, so that all its users "
                           "share one count of failures, and sudo always asks for everything",
                       "let only a VPN or an SSH tunnel reach it: docs/how-to/other-services.md");
}

}  // namespace

Findings check_services(const System& system, const policy::Config* config) {
  return {check_account_only(system, config), check_origins(system)};
}

}  // namespace pamcognito::cli
