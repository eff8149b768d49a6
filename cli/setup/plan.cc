#include "cli/setup/plan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "accounts/fleet_key.h"
#include "accounts/keeper.h"
#include "accounts/settings.h"
#include "cli/auth_client.h"
#include "cli/doctor/checks.h"
#include "cli/setup/accounts_file.h"
#include "cli/setup/nsswitch.h"
#include "common/root_file.h"
#include "common/text.h"
#include "common/users_conf.h"
#include "nss/accounts_conf.h"

namespace pamcognito::cli {
namespace {

constexpr char kSshdFile[] = "/etc/ssh/sshd_config.d/50-pam-cognito.conf";
constexpr char kLocalUsersProgram[] = "/usr/libexec/pam-cognito-local-users";
constexpr char kAccountsProgram[] = "/usr/libexec/cognitod-accounts";
constexpr char kBreakGlass[] = "/etc/pam-cognito/break-glass.conf";
constexpr char kProfile[] = "/usr/share/pam-configs/pam-cognito";
constexpr char kHomeProfile[] = "/usr/share/pam-configs/pam-cognito-mkhomedir";
constexpr char kSshd[] = "/usr/sbin/sshd";
constexpr char kSystemctl[] = "/usr/bin/systemctl";
constexpr char kCognitod[] = "cognitod.service";
constexpr char kSsh[] = "ssh.service";
// The first line of each file that setup writes, by which it knows its own.
constexpr char kMark[] = "# Written by cognitoctl setup.";

// systemd stops a service after 90 s and starts it for 90 s (systemd-system.conf(5)).
constexpr std::chrono::seconds kProgramTime{200};
// A first login: a new password, an authenticator app, a code.
constexpr long kWantedGrace = 300;
constexpr long kReserve = 10;  // for what sshd does beside PAM
// The longest time that `[service] sign_in_timeout` permits and a person needs.
constexpr long kLongestSignIn = 590;

// The users that cloud images make for their owner
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/managing-users.html).
constexpr std::array kImageUsers = {"admin", "ubuntu", "ec2-user", "debian"};

constexpr std::array kPamFiles = {
    "/etc/pam.d/common-auth",
    "/etc/pam.d/common-account",
    "/etc/pam.d/common-password",
    "/etc/pam.d/common-session",
    "/etc/pam.d/common-session-noninteractive",
    "/var/lib/pam/auth",
    "/var/lib/pam/account",
    "/var/lib/pam/password",
    "/var/lib/pam/session",
    "/var/lib/pam/session-noninteractive",
    "/var/lib/pam/seen",
};

bool is_own(const std::string& text) {
  return text.starts_with(kMark);
}

// Keeps the present file, and writes the new one with the mode of the present one.
Result<void> change_file(const System& system, const UndoLog& log, const std::string& path,
                         const std::string& text) {
  if (const auto kept = log.keep_file(path); !kept) return kept;
  const auto status = system.status(path);
  return replace_file(system.path(path), text, status ? status->mode : 0644U,
                      status ? status->owner : 0U, status ? status->group : 0U);
}

// A copy under a name of its own, path.bak-1 or the next number that is free, of a file that setup
// did not write.
Result<void> copy_for_administrator(const System& system, const UndoLog& log,
                                    const std::string& path, const std::string& text) {
  constexpr unsigned kMost = 1000;
  for (unsigned number = 1; number <= kMost; ++number) {
    const std::string copy = path + ".bak-" + std::to_string(number);
    if (system.status(copy)) continue;
    return change_file(system, log, copy, text);
  }
  return failure(ExitCode::failed, "not-written",
                 "there are too many copies of " + path + ": move some away");
}

// "logingracetime 120" in the output of sshd -T. Negative: no such line.
long grace_of(const std::string& settings) {
  for (const std::string& line : lines_of(settings)) {
    const std::vector<std::string> words = words_of(line);
    long seconds = -1;
    if (words.size() == 2 && words[0] == "logingracetime" &&
        std::from_chars(words[1].data(), words[1].data() + words[1].size(), seconds).ec ==
            std::errc())
      return seconds;
  }
  return -1;
}

bool has_line(const std::string& settings, const std::string& wanted) {
  const std::vector<std::string> lines = lines_of(settings);
  return std::ranges::find(lines, wanted) != lines.end();
}

std::string sshd_file(long grace) {
  return std::string(kMark) +
         " sshd_config(5)\n"
         "#\n"
         "# sshd asks for the password and then for the code, which takes keyboard-interactive. "
         "With\n"
         "# PasswordAuthentication it would answer the code prompt with the password.\n"
         "UsePAM yes\n"
         "KbdInteractiveAuthentication yes\n"
         "PasswordAuthentication no\n"
         "\n"
         "# Time for a first login, which sets up an authenticator app.\n"
         "LoginGraceTime " +
         std::to_string(grace) + "\n";
}

// After a change of sshd's files: they are valid, and no other file overrides them.
Result<void> check_sshd(const System& system) {
  if (const auto valid = run_for_setup(system, {kSshd, "-t"}); !valid)
    return failure(
        ExitCode::failed, "sshd-configuration",
        "sshd refuses its configuration: run " + std::string(kSshd) + " -t to see the reason");
  const auto settings = run_for_setup(system, {kSshd, "-T"});
  if (!settings) return std::unexpected(settings.error());
  if (settings->empty()) return {};  // a tree without sshd
  for (const char* wanted :
       {"usepam yes", "kbdinteractiveauthentication yes", "passwordauthentication no"})
    if (!has_line(*settings, wanted))
      return failure(ExitCode::failed, "sshd-configuration",
                     "another file of sshd's configuration decides against \"" +
                         std::string(wanted) +
                         "\": the first value in /etc/ssh/sshd_config.d counts");
  return {};
}

class Planner {
 public:
  Planner(const Context& context, const SetUpOptions& options, bool is_first)
      : context_(context), options_(options), is_first_(is_first), system_(context.root) {}

  Result<Plan> make() {
    Result<void> planned = plan_sshd();
    if (planned) planned = plan_pool();
    if (planned) planned = plan_users();
    if (planned) planned = plan_accounts();
    if (planned) planned = plan_break_glass();
    if (planned) planned = plan_profile();
    if (!planned) return std::unexpected(planned.error());
    // The order of the services: cognitod first, so that a login that sshd accepts finds it.
    if (changes_cognitod_) add_service(kCognitod, "restart", "Restart cognitod");
    if (changes_sshd_) add_service(kSsh, "try-reload-or-restart", "Reload sshd");
    return std::move(plan_);
  }

 private:
  void add(std::string text, std::function<Result<void>(const UndoLog&)> take) {
    plan_.steps.push_back({std::move(text), std::move(take)});
  }

  void add_service(const std::string& unit, const std::string& verb, const std::string& text) {
    const std::string root = context_.root;
    add(text, [root, unit, verb](const UndoLog& log) -> Result<void> {
      if (const auto noted = log.note_service(unit); !noted) return noted;
      const auto done = run_for_setup(System(root), {kSystemctl, verb, unit});
      if (!done)
        return failure(ExitCode::failed, "not-started",
                       unit + " did not start: journalctl -u " + unit + " has the reason");
      if (!root.empty() || unit != kCognitod) return {};
      auto client = AuthClient::connect();
      if (!client) return std::unexpected(client.error());
      const auto state = client->service_state();
      if (!state) return std::unexpected(state.error());
      if (state->configured) return {};
      return failure(
          ExitCode::failed, "unconfigured",
          "cognitod refuses the configuration: cognitoctl config check shows the reason");
    });
  }

  Result<void> plan_sshd() {
    if (system_.is_this_machine() && !system_.status(kSshd)) return {};
    const auto settings = run_for_setup(system_, {kSshd, "-T"});
    if (!settings)
      return failure(ExitCode::failed, "sshd-configuration",
                     "sshd refuses its present configuration: run " + std::string(kSshd) +
                         " -t to see the reason");
    const long present = grace_of(*settings);
    grace_ = present == 0 ? 0 : std::max(present, kWantedGrace);
    const auto file = system_.read(kSshdFile);
    if (file && !is_own(*file)) {
      // The administrator's: it counts as it is.
      if (present > 0) grace_ = present;
      plan_.remarks.push_back(std::string(kSshdFile) + " stays as it is");
      return {};
    }
    const std::string text = sshd_file(grace_);
    if (file && *file == text) return {};
    changes_sshd_ = true;
    const std::string root = context_.root;
    add("Write " + std::string(kSshdFile) + ": keyboard-interactive, " +
            (grace_ == 0 ? "no limit" : std::to_string(grace_) + " s") + " to sign in",
        [root, text](const UndoLog& log) -> Result<void> {
          const System system(root);
          if (const auto written = change_file(system, log, kSshdFile, text); !written)
            return written;
          return check_sshd(system);
        });
    return {};
  }

  Result<void> plan_pool() {
    const std::string text = pool_file(options_, grace_);
    const auto present = system_.read(kPoolFile);
    if (present && *present == text) return {};
    changes_cognitod_ = true;
    const std::string root = context_.root;
    const std::string foreign = present && !is_own(*present) ? *present : std::string();
    add("Write " + std::string(kPoolFile) + ": user pool " + options_.user_pool_id,
        [root, text, foreign](const UndoLog& log) -> Result<void> {
          const System system(root);
          if (!foreign.empty())
            if (const auto kept = copy_for_administrator(system, log, kPoolFile, foreign); !kept)
              return kept;
          return change_file(system, log, kPoolFile, text);
        });
    return {};
  }

  // In the first run: the image's own users, and the members of sudo, who do not belong to the
  // group of Cognito users.
  [[nodiscard]] std::vector<std::string> users_to_exclude(const UsersConf& conf,
                                                          const std::string& group) const {
    if (!is_first_) return {};
    const std::optional<Group> cognito = system_.group(group);
    const auto is_in = [](const std::vector<std::string>& names, const std::string& name) {
      return std::ranges::find(names, name) != names.end();
    };
    std::vector<std::string> names;
    const auto consider = [&](const std::string& name) {
      const auto account = system_.account(name);
      if (!account || account->uid == 0 || is_in(names, name) || is_in(conf.exclude, name)) return;
      if (is_in(conf.users, name) ||
          (cognito && (cognito->gid == account->gid || is_in(cognito->members, name))))
        return;
      names.push_back(name);
    };
    for (const char* name : kImageUsers) consider(name);
    if (const auto sudo = system_.group("sudo"))
      for (const std::string& name : sudo->members) consider(name);
    return names;
  }

  Result<void> plan_users() {
    const std::string present = system_.read(kUsersConfPath).value_or("");
    const auto conf = parse_users_conf(present);
    if (!conf)
      return failure(ExitCode::failed, "users-conf",
                     "correct users.conf first: " + conf.error().reason);
    if (!conf->group.empty() && !options_.group.empty() && conf->group != options_.group)
      return failure(
          ExitCode::usage, "users-conf",
          "users.conf has group=" + conf->group + ": leave --group out, or edit the file");
    const std::string group = !conf->group.empty()      ? conf->group
                              : !options_.group.empty() ? options_.group
                                                        : kFormerGroup;
    const std::string root = context_.root;
    if (!system_.group(group))
      add("Create the group " + group, [root, group](const UndoLog& log) -> Result<void> {
        if (const auto noted = log.note_group(group); !noted) return noted;
        const auto made = run_for_setup(System(root), {"/usr/sbin/groupadd", "--system", group});
        if (made) return {};
        return std::unexpected(made.error());
      });
    const std::vector<std::string> excluded = users_to_exclude(*conf, group);
    const std::string text = users_file(present, group, excluded);
    planned_users_ = parse_users_conf(text).value_or(UsersConf());
    if (planned_users_.group != group)
      return failure(ExitCode::usage, "users-conf",
                     "--group " + printable(group, 64) + " is not the name of a group");
    // A group that is not there yet has no members.
    if (!system_.group(group)) planned_users_.group.clear();
    if (text == present) return {};
    add("Write " + std::string(kUsersConfPath) + ": members of the group " + group +
            " sign in with Cognito" +
            (excluded.empty() ? std::string() : "; excluded: " + list_of(excluded)),
        [root, text](const UndoLog& log) -> Result<void> {
          const System system(root);
          if (const auto written = change_file(system, log, kUsersConfPath, text); !written)
            return written;
          const auto listed = run_for_setup(system, {kLocalUsersProgram});
          if (listed) return {};
          return std::unexpected(listed.error());
        });
    return {};
  }

  // Users without local accounts: their names, the fleet key, the service of libc, and the file
  // that it reads.
  Result<void> plan_accounts() {
    const auto present = system_.read(accounts::kConfPath);
    if (options_.accounts.empty() && options_.sudo_group.empty()) return {};
    if (options_.accounts.empty() && !present)
      return failure(ExitCode::usage, "usage",
                     "--sudo-group is for users without local accounts: give --accounts, too");
    auto change = parse_accounts_options(options_.accounts, options_.sudo_group);
    if (!change) return std::unexpected(change.error());
    if (!options_.accounts.empty()) change->pool = options_.user_pool_id;
    const std::string text = accounts_file(present.value_or(""), *change);
    if (const auto valid = accounts::parse_settings(text); !valid)
      return failure(ExitCode::failed, "accounts-conf",
                     "correct " + std::string(accounts::kConfPath) +
                         " first: with these settings " + valid.error());
    if (const auto planned = plan_name_service(); !planned) return planned;
    const std::string root = context_.root;
    if (!present || text != *present)
      add("Write " + std::string(accounts::kConfPath) + ": " +
              (options_.accounts.empty() ? std::string()
                                         : options_.accounts + " need no local account") +
              (options_.accounts.empty() || options_.sudo_group.empty() ? "" : "; ") +
              (options_.sudo_group.empty() ? std::string()
                                           : "sudo for " + list_of(change->sudo_groups)),
          [root, text](const UndoLog& log) {
            return change_file(System(root), log, accounts::kConfPath, text);
          });
    if (!system_.status(accounts::kFleetKeyPath))
      add("Make " + std::string(accounts::kFleetKeyPath) +
              ": copy it to each machine on which a user shall have the same uid",
          // It is not taken back: without it, users would get other uids than on the other
          // machines.
          [root](const UndoLog&) -> Result<void> {
            if (const auto made = accounts::make_fleet_key(root); !made)
              return failure(ExitCode::failed, "fleet-key", made.error().text);
            return {};
          });
    if (!system_.status(accounts::kPath))
      add("Make " + std::string(accounts::kPath) + ", without accounts",
          [root](const UndoLog&) -> Result<void> {
            // Accounts are not taken back: an empty file that stays does no harm.
            if (const auto opened = accounts::Keeper::open(root, true); !opened)
              return failure(ExitCode::failed, "accounts", opened.error().text);
            return {};
          });
    return {};
  }

  // The package adds the service when it is installed; an administrator may have removed it since.
  Result<void> plan_name_service() {
    if (!has_package())
      return failure(ExitCode::failed, "not-installed",
                     "cognitod-accounts is not installed: apt-get install cognitod-accounts");
    const auto present = system_.read(kNsswitch);
    if (!present)
      return failure(ExitCode::failed, "nsswitch",
                     std::string(kNsswitch) +
                         " cannot be read. Without it libc does not use the service cognitod: "
                         "write it (nsswitch.conf(5)), then run setup again");
    const NsswitchEdit edit = add_to_nsswitch(*present);
    if (!edit.lacking.empty())
      return failure(ExitCode::failed, "nsswitch",
                     "the line " + list_of(edit.lacking) + " of " + std::string(kNsswitch) +
                         " has another action behind `files`, or does not exist, so it stays as it "
                         "is: add the service cognitod to it, then run setup again");
    if (edit.text == *present) return {};
    struct stat status{};
    if (::lstat(system_.path(kNsswitch).c_str(), &status) == 0 && S_ISLNK(status.st_mode))
      return failure(ExitCode::failed, "nsswitch",
                     std::string(kNsswitch) +
                         " is a symbolic link, so it stays as it is: add the service cognitod to "
                         "the lines passwd and group where the file is maintained, then run setup "
                         "again");
    const std::string root = context_.root;
    add("Add the service cognitod to " + std::string(kNsswitch),
        [root, text = edit.text](const UndoLog& log) {
          return change_file(System(root), log, kNsswitch, text);
        });
    return {};
  }

  // The program that stores the accounts, and the library that reads them.
  [[nodiscard]] bool has_package() const {
    if (!system_.status(kAccountsProgram)) return false;
    for (const std::string& folder : system_.list("/usr/lib"))
      if (system_.status("/usr/lib/" + folder + "/libnss_cognitod.so.2")) return true;
    return system_.status("/usr/lib/libnss_cognitod.so.2").has_value();
  }

  Result<void> plan_break_glass() {
    if (system_.status(kBreakGlass) || !wants_window(system_, planned_users_)) return {};
    const std::string root = context_.root;
    add("Write " + std::string(kBreakGlass) +
            ": local passwords of Cognito users count only after cognitoctl break-glass open",
        [root](const UndoLog& log) {
          return change_file(
              System(root), log, kBreakGlass,
              std::string(kMark) + " See pam_cognito(8).\nlocal_password = window\n");
        });
    return {};
  }

  Result<void> plan_profile() {
    if (!has_module("/etc/pam.d/common-auth", "pam_cognito.so")) {
      if (!system_.status(kProfile))
        return failure(ExitCode::failed, "no-module",
                       "pam_cognito is not installed: apt-get install libpam-cognito");
      enable_profile("pam-cognito", "/etc/pam.d/common-auth", "pam_cognito.so", "");
    }
    // Debian's own profile mkhomedir is as good.
    if (!options_.accounts.empty() && system_.status(kHomeProfile) &&
        !has_module("/etc/pam.d/common-session", "pam_mkhomedir.so"))
      enable_profile("pam-cognito-mkhomedir", "/etc/pam.d/common-session", "pam_mkhomedir.so",
                     ": the first login makes the home directory");
    return {};
  }

  [[nodiscard]] bool has_module(const char* path, const char* module) const {
    return system_.read(path).value_or("").contains(module);
  }

  void enable_profile(const char* profile, const char* path, const char* module,
                      const std::string& effect) {
    const std::string root = context_.root;
    add("Enable the PAM profile " + std::string(profile) + effect,
        [root, profile, path, module](const UndoLog& log) -> Result<void> {
          const System system(root);
          for (const char* file : kPamFiles)
            if (const auto kept = log.keep_file(file); !kept) return kept;
          const auto enabled =
              run_for_setup(system, {"/usr/sbin/pam-auth-update", "--enable", profile});
          if (!enabled) return std::unexpected(enabled.error());
          if (system.read(path).value_or("").contains(module)) return {};
          return failure(ExitCode::failed, "pam-profile",
                         "pam-auth-update did not enable the profile " + std::string(profile) +
                             ", because /etc/pam.d/common-* have local changes: see cognitoctl "
                             "doctor");
        });
  }

  const Context& context_;
  const SetUpOptions& options_;
  const bool is_first_;
  System system_;
  Plan plan_;
  UsersConf planned_users_;
  long grace_ = -1;
  bool changes_cognitod_ = false;
  bool changes_sshd_ = false;
};

}  // namespace

Result<std::string> run_for_setup(const System& system, const std::vector<std::string>& arguments) {
  const std::string file = system.path(arguments.front());
  if (!system.is_this_machine() && ::access(file.c_str(), X_OK) != 0) return std::string();
  // A Ctrl-C is for setup, which ends between two steps, and for none of its programs.
  auto done = run_program(file, arguments, kProgramTime, ProgramSession::own);
  if (done) return std::move(*done);
  return failure(ExitCode::failed, "program-failed", done.error().text);
}

void end_undoing(const System& system, const UndoLog::Undone& undone) {
  for (const std::string& group : undone.groups)
    (void)run_for_setup(system, {"/usr/sbin/groupdel", group});
  // users.conf decides who is on the list.
  (void)run_for_setup(system, {kLocalUsersProgram});
  // The services read the files that are back. cognitod is restarted: a reload would refuse a
  // configuration without a pool, and the pool that was taken back would stay in force. If a
  // service fails, its log has the reason.
  for (const std::string& service : undone.services)
    (void)run_for_setup(
        system,
        {kSystemctl, service == kCognitod ? "try-restart" : "try-reload-or-restart", service});
}

std::string pool_file(const SetUpOptions& options, long grace) {
  std::string text = std::string(kMark) +
                     " Settings: cognitod.conf(5)\n"
                     "\n[pool]\n";
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) text.append(key).append(" = ").append(value).append("\n");
  };
  set("region", options.region);
  set("user_pool_id", options.user_pool_id);
  set("client_id", options.client_id);
  set("endpoint", options.endpoint);
  set("issuer", options.issuer);
  set("jwks_uri", options.jwks_uri);
  set("ca_file", options.ca_file);
  text += "\n[access]\n";
  if (options.allow_groups.empty()) text += "# Nobody may sign in until this names a group:\n#";
  set("allow_groups", options.allow_groups.empty() ? "linux-users" : options.allow_groups);
  if (grace < 0) return text;
  const long seconds = grace == 0 ? kLongestSignIn : std::min(grace - kReserve, kLongestSignIn);
  return text + "\n[service sshd]\n# LoginGraceTime of sshd, less " + std::to_string(kReserve) +
         " s.\nsign_in_timeout = " + std::to_string(seconds) + "s\n";
}

std::string users_file(const std::string& present, const std::string& group,
                       const std::vector<std::string>& excluded) {
  std::string names;
  for (const std::string& name : excluded) names += (names.empty() ? "" : " ") + name;
  std::string text;
  bool has_group = false;
  bool has_exclude = names.empty();
  std::string_view rest = present;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto setting = split_key_value(line);
    if (setting && setting->key == "group") {
      if (setting->value.empty()) line = "group=" + group;
      has_group = true;
    } else if (setting && setting->key == "exclude" && !has_exclude) {
      line += " " + names;
      has_exclude = true;
    }
    text += line + "\n";
  }
  if (text.empty()) text = std::string(kMark) + " See users.conf(5).\n";
  if (!has_group) text += "group=" + group + "\n";
  if (!has_exclude) text += "exclude=" + names + "\n";
  return text;
}

Result<Plan> plan_setup(const Context& context, const SetUpOptions& options, bool is_first) {
  return Planner(context, options, is_first).make();
}

Members cognito_members(const System& system) {
  const UsersConf conf =
      parse_users_conf(system.read(kUsersConfPath).value_or("")).value_or(UsersConf());
  Members members{conf.group, {}, {}};
  for (const std::string& name : conf.exclude)
    if (system.account(name)) members.excluded.push_back(name);
  const auto group = system.group(conf.group);
  if (!group) return members;
  std::vector<std::string> names = group->members;
  for (const Account& account : system.local_accounts())
    if (account.gid == group->gid) names.push_back(account.name);
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  for (const std::string& name : names) {
    const auto account = system.account(name);
    if (account && is_ours(system, conf, *account)) members.names.push_back(name);
  }
  return members;
}

}  // namespace pamcognito::cli
