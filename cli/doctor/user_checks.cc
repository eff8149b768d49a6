#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <expected>
#include <string>
#include <vector>

#include "cli/doctor/checks.h"
#include "common/membership.h"
#include "common/stored_account.h"
#include "common/user_name.h"
#include "common/users_conf.h"
#include "nss/accounts_conf.h"

namespace pamcognito::cli {
namespace {

constexpr char kSudo[] = "/usr/bin/sudo";

Check check_of_file() {
  return {"users-conf", "users.conf names the Cognito users"};
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// Members of a group by its list, and those whose primary group it is.
std::vector<Account> members_of(const System& system, const Group& group) {
  std::vector<Account> members;
  for (const std::string& name : group.members)
    if (const auto account = system.account(name)) members.push_back(*account);
  for (const Account& account : system.local_accounts())
    if (account.gid == group.gid && !has(group.members, account.name)) members.push_back(account);
  return members;
}

// A uid that no accounts.conf can name costs no file.
AccountsRange accounts_range(const System& system, uid_t uid) {
  if (!AccountsRange::may_contain(uid)) return AccountsRange::none();
  const auto text = system.read(accounts::kConfPath);
  return text ? AccountsRange::parse(*text) : AccountsRange::none();
}

Finding check_group(const System& system, const UsersConf& conf) {
  const Check check{"users-group", "the group of the Cognito users exists"};
  if (const std::string problem = missing_group_line(system, conf); !problem.empty())
    return check.warning("users.conf " + problem, "edit users.conf");
  if (conf.group.empty()) return check.ok("no group is used");
  if (system.group(conf.group)) return check.ok(conf.group);
  return check.fault("there is no group " + conf.group +
                         ": every user from uid 1000 on is refused whom exclude= does not name",
                     "groupadd --system " + conf.group + ", or correct `group` in users.conf");
}

Finding check_resolution(const System& system, const UsersConf& conf) {
  const Check check{"users-resolve", "the users of users.conf have accounts here"};
  std::vector<std::string> names = conf.users;
  if (!conf.group.empty())
    if (const auto group = system.group(conf.group))
      names.insert(names.end(), group->members.begin(), group->members.end());
  std::vector<std::string> missing;
  for (const std::string& name : names)
    if (!system.account(name)) missing.push_back(name);
  if (missing.empty()) return check.ok();
  return check.fault("no account on this machine: " + list_of(missing),
                     "useradd --create-home NAME, or take the name out");
}

// A user who is named by both is a local one, which people do not expect who look at the group.
Finding check_excluded(const System& system, const UsersConf& conf) {
  const Check check{"users-excluded", "no user is named by exclude= and as a Cognito user"};
  UsersConf without = conf;
  without.exclude.clear();
  std::vector<std::string> both;
  std::vector<std::string> in_range;
  for (const std::string& name : conf.exclude) {
    const auto account = system.account(name);
    if (account && accounts_range(system, account->uid).contains(account->uid)) {
      in_range.push_back(name);
      continue;
    }
    if (account && !is_never_cognito_uid(account->uid, conf.min_uid) &&
        is_ours(system, without, *account))
      both.push_back(name);
  }
  if (!in_range.empty())
    return check.fault(
        list_of(in_range) +
            ": exclude= of users.conf names them, but their uids are in the range of "
            "accounts.conf, so they are refused and never local users",
        "take the name out of exclude=; cognitoctl users lock NAME locks an account");
  if (!both.empty())
    return check.warning(list_of(both) +
                             ": exclude= of users.conf names them, so they sign in with a local "
                             "password, although another line makes them Cognito users",
                         "take the name out of exclude=, or out of the group and the other lines");
  return check.ok(conf.exclude.empty()
                      ? "nobody is excluded"
                      : "excluded, with a local password: " + list_of(conf.exclude));
}

// pam_cognito refuses a name outside its grammar before anything else (common/user_name.h).
Finding check_names(const System& system, const UsersConf& conf) {
  const Check check{"users-names", "the names of the Cognito users are permitted"};
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!is_valid_user_name(name) && !has(names, name)) names.push_back(name);
  };
  if (!conf.group.empty())
    if (const auto group = system.group(conf.group))
      for (const std::string& name : group->members) add(name);
  for (const Account& account : system.local_accounts())
    if (is_ours(system, conf, account)) add(account.name);
  if (names.empty()) return check.ok();
  return check.fault(
      "these users can never sign in: " + list_of(names),
      "rename each (usermod --login NEW OLD), or take it out: permitted are at most 32 letters, "
      "digits, '.', '_' and '-', and the first is a letter or '_'");
}

bool has_shell(const Account& account) {
  return !account.shell.ends_with("/nologin") && !account.shell.ends_with("/false");
}

// The users who may be administrators: members of the groups to which distributions give sudo, and
// then the local users. Users of other sources outside those groups cannot be listed.
std::vector<Account> candidates(const System& system, bool groups_alone) {
  std::vector<Account> found;
  const auto add = [&](const Account& account) {
    if (account.uid != 0 && has_shell(account) &&
        std::ranges::find(found, account.name, &Account::name) == found.end())
      found.push_back(account);
  };
  for (const char* name : {"sudo", "wheel", "admin"})
    if (const auto group = system.group(name))
      for (const Account& account : members_of(system, *group)) add(account);
  if (groups_alone) return found;
  for (const Account& account : system.local_accounts()) add(account);
  return found;
}

// Does sudo's policy let the user run a shell as root? sudo's exit status is the answer, as in the
// script of the package (debian/libpam-cognito.postinst). The error: sudo did not answer.
std::expected<bool, std::string> sudo_permits(const System& system, const std::string& user) {
  const auto said = system.run({kSudo, "-n", "-l", "-U", user, "-u", "root", "/bin/sh"});
  if (said) return true;
  if (said.error().kind == ProgramError::Kind::failed) return false;
  return std::unexpected(said.error().text);
}

struct Administrators {
  std::vector<std::string> cognito;
  std::vector<std::string> local;  // once sudo has named one, no other user is asked about
  std::string source;
};

Administrators administrators_by_groups(const System& system, const UsersConf& conf,
                                        const std::string& reason) {
  Administrators found;
  for (const Account& account : candidates(system, true))
    (is_ours(system, conf, account) ? found.cognito : found.local).push_back(account.name);
  found.source = ", by the groups sudo, wheel and admin: " + reason;
  return found;
}

Administrators administrators(const System& system, const UsersConf& conf) {
  using namespace std::chrono_literals;
  constexpr auto kTime = 20s;
  // sudo would ask another user for a password, or report the question.
  if (::geteuid() != 0)
    return administrators_by_groups(system, conf, "only root may ask sudo about other users");
  const auto deadline = std::chrono::steady_clock::now() + kTime;
  Administrators found;
  found.source = ", by sudo -l";
  for (const Account& account : candidates(system, false)) {
    if (std::chrono::steady_clock::now() >= deadline)
      return administrators_by_groups(system, conf, "sudo takes too long");
    const auto permitted = sudo_permits(system, account.name);
    if (!permitted) return administrators_by_groups(system, conf, permitted.error());
    if (!*permitted) continue;
    const bool ours = is_ours(system, conf, account);
    (ours ? found.cognito : found.local).push_back(account.name);
    if (!ours) return found;
  }
  // If sudo permits nobody a shell, root neither, it has probably failed, or has other options.
  if (found.cognito.empty() && !sudo_permits(system, "root").value_or(false))
    return administrators_by_groups(system, conf, "sudo -l -U does not permit even root a shell");
  return found;
}

// An administrator must be able to become root while Cognito is out of reach.
Finding check_admins(const System& system, const UsersConf& conf) {
  const Check check{"users-admin", "an administrator is left who does not need Cognito"};
  const Administrators found = administrators(system, conf);
  if (!found.local.empty()) return check.ok(list_of(found.local) + found.source);
  if (!found.cognito.empty())
    return check.fault(
        "everybody who may use sudo signs in with Cognito: " + list_of(found.cognito) +
            found.source,
        "keep one local administrator: a line exclude=NAME in users.conf, and a password for it");
  // Without sudo root's own password is the way.
  const auto shadow = system.read("/etc/shadow");
  if (!shadow) return check.skipped("no user may use sudo, and /etc/shadow cannot be read");
  for (const std::string& line : lines_of(*shadow))
    if (line.starts_with("root:") && line.size() > 5 && line[5] != '!' && line[5] != '*')
      return check.ok("root has a password");
  return check.warning("nobody may use sudo, and root has no password",
                       "make one local administrator: adduser NAME; adduser NAME sudo");
}

}  // namespace

bool is_ours(const System& system, const UsersConf& conf, const Account& account) {
  const InSet in_set =
      is_in_set(conf, accounts_range(system, account.uid), account.name, account.uid);
  if (in_set != InSet::by_group) return in_set == InSet::yes;
  const auto group = system.group(conf.group);
  // pam_cognito refuses these users: nobody's membership is certain then.
  if (!group) return true;
  return group->gid == account.gid || has(group->members, account.name);
}

std::string missing_group_line(const System& system, const UsersConf& conf) {
  if (!conf.lacks_group_line) return {};
  const auto group = system.group(kFormerGroup);
  if (!group) return {};
  std::vector<std::string> names;
  for (const Account& account : members_of(system, *group)) {
    if (!is_never_cognito_uid(account.uid, conf.min_uid) && !has(conf.exclude, account.name) &&
        !is_ours(system, conf, account))
      names.push_back(account.name);
  }
  if (names.empty()) return {};
  return "has no line `group`, so these members of " + std::string(kFormerGroup) +
         " do not sign in with Cognito: " + list_of(names) +
         "; version 0.2.0 counted the group without a line. Add the line group=" + kFormerGroup +
         ", or group= if that is meant";
}

bool is_administrator_left(const Findings& users) {
  const auto found = std::ranges::find(users, "users-admin", &Finding::id);
  // Without users.conf nobody signs in with Cognito.
  return found == users.end() || found->state == State::ok;
}

Findings check_users(const System& system) {
  const Check check = check_of_file();
  const auto file = read_users_conf(system.path(kUsersConfPath).c_str());
  if (!file)
    return {check.fault(file.error().reason + ": everybody from uid 1000 on is refused, except "
                                              "those on exclude= lines",
                        "correct it; chown root, chmod 0644")};
  if (file->absent)
    return {check.warning("there is none: nobody signs in with Cognito",
                          "write group=cognito-users into /etc/pam-cognito/users.conf, and "
                          "adduser NAME cognito-users")};
  const bool says_nothing = lines_of(system.read(kUsersConfPath).value_or("")).empty();
  if (says_nothing)
    return {check.warning("every line of it is a comment: nobody signs in with Cognito",
                          "write group=cognito-users into /etc/pam-cognito/users.conf, and "
                          "adduser NAME cognito-users")};
  return check_users_of(system, file->conf);
}

Findings check_users_of(const System& system, const UsersConf& conf) {
  return {check_of_file().ok(),           check_group(system, conf), check_excluded(system, conf),
          check_resolution(system, conf), check_names(system, conf), check_admins(system, conf)};
}

}  // namespace pamcognito::cli
