#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/doctor/checks.h"
#include "cli/doctor/pam_stack.h"

// Judges the PAM stacks by walking them: what does a program get if pam_cognito returns this, and
// every other module succeeds? So it does not matter how a stack is
// written.
namespace pamcognito::cli {
namespace {

constexpr char kModule[] = "pam_cognito.so";
constexpr char kLocalUsersPath[] = "/etc/pam-cognito/local-users";
constexpr char kLocalUsersProgram[] = "/usr/libexec/pam-cognito-local-users";
constexpr char kProfileRemedy[] =
    "pam-auth-update --enable pam-cognito writes the lines. If it reports local modifications, "
    "pam-auth-update --force replaces them. Then look for lines before @include, and for PAM "
    "profiles above priority 900";

// The user and the caller that a stack meets.
struct Person {
  unsigned uid;
  std::string_view group;  // "" or the group of the Cognito users
  bool real_root = false;
  bool listed = false;  // in /etc/pam-cognito/local-users
};

// One question about the stacks: the answers that pam_cognito gives in turn, and what pam_unix says
// of the local password or account. Every other module is as kind to the person as it can be.
struct Scenario {
  const char* id;
  const char* title;
  const char* type;
  Person person;
  std::span<const std::string_view> cognito;
  std::string_view unix;
  bool must_succeed;
  State if_not;
  const char* what;
  // pam_setcred(3) alone, as cron calls it: there pam_succeed_if answers "ignore" for everybody,
  // and pam_listfile "success".
  bool credentials_alone = false;
  // `route` cannot tell whether the user is a Cognito user, and answers as the deciding line does.
  bool route_fails = false;
};

constexpr Person kOurs{1001, "cognito-users"};
constexpr Person kStale{1001, "cognito-users", false, true};
constexpr Person kRoot{0, ""};
constexpr Person kOther{1002, ""};
constexpr Person kListed{1002, "", false, true};
constexpr Person kOursByRoot{1001, "cognito-users", true};

// pam_unix accepts an empty password where its line says so.
constexpr std::string_view kEmptyPassword = "nullok";
// The local password has expired.
constexpr std::string_view kAged = "new_authtok_reqd";

constexpr std::array<std::string_view, 1> kSuccess = {"success"};
constexpr std::array<std::string_view, 1> kIgnore = {"ignore"};
constexpr std::array<std::string_view, 1> kMissing = {"module_unknown"};
constexpr std::array<std::string_view, 1> kUnavailable = {"authinfo_unavail"};
constexpr std::array<std::string_view, 5> kRefusals = {"auth_err", "perm_denied", "maxtries",
                                                       "conv_err", "service_err"};
constexpr std::array<std::string_view, 3> kAccountRefusals = {"perm_denied", "acct_expired",
                                                              "service_err"};

constexpr std::array kScenarios = {
    Scenario{"pam-auth-fail-open", "a refusal by Cognito is final", "auth", kOurs, kRefusals,
             "success", false, State::fault,
             "a Cognito user gets in by something else although Cognito refused"},
    Scenario{"pam-auth-unknown", "a look-up that fails is a refusal", "auth", kOurs, kRefusals,
             "success", false, State::fault,
             "a user gets in by something else while pam_cognito cannot tell whether Cognito "
             "decides",
             false, true},
    Scenario{"pam-auth-stale-list", "the list of local users is asked last", "auth", kStale,
             kRefusals, "success", false, State::fault,
             "a Cognito user whose name is still on the list of local users gets in although "
             "Cognito refused"},
    Scenario{"pam-auth-unavailable", "no daemon, no local password: no way in", "auth", kOurs,
             kUnavailable, "auth_err", false, State::fault,
             "a Cognito user gets in without the local password while cognitod is down"},
    Scenario{"pam-auth-accepted", "a sign-in with Cognito is enough", "auth", kOurs, kSuccess,
             "auth_err", true, State::fault, "is refused although Cognito accepted the sign-in"},
    Scenario{"pam-auth-root", "root does not depend on the module", "auth", kRoot, kMissing,
             "success", true, State::fault,
             "root cannot sign in with its own password if the module is missing: the jump over "
             "uid < 1000 is missing"},
    Scenario{"pam-auth-others", "other users sign in as before", "auth", kOther, kIgnore, "success",
             true, State::fault, "a local user cannot sign in"},
    Scenario{"pam-auth-break-glass", "a local password counts while the daemon is down", "auth",
             kOurs, kUnavailable, "success", true, State::warning,
             "a Cognito user cannot use the local password while cognitod is down"},
    Scenario{"pam-auth-module-missing", "without the module Cognito users are refused", "auth",
             kOurs, kMissing, "success", false, State::fault,
             "a Cognito user gets in with the local password alone if the module cannot be loaded, "
             "and the caller of su can bring that about"},
    Scenario{"pam-auth-others-module", "local users do not depend on the module", "auth", kListed,
             kMissing, "success", true, State::warning,
             "a local user cannot sign in if the module is missing"},
    Scenario{"pam-auth-jobs", "credentials alone do not depend on the module", "auth", kRoot,
             kMissing, "success", true, State::warning,
             "gives nobody credentials without a sign-in, as cron needs them for root's jobs, if "
             "the module is missing",
             true},
    Scenario{"pam-account-fail-open", "a refused account is out", "account", kOurs,
             kAccountRefusals, "success", false, State::fault,
             "a Cognito user gets in although Cognito refuses the account"},
    Scenario{"pam-account-unknown", "a look-up that fails is a refused account", "account", kOurs,
             kAccountRefusals, "success", false, State::fault,
             "a user gets in while pam_cognito cannot tell whether Cognito decides", false, true},
    Scenario{"pam-account-aged-refused", "an aged local password opens no refused account",
             "account", kOurs, kAccountRefusals, kAged, false, State::fault,
             "a Cognito user whose local password has expired gets in although Cognito "
             "refuses the account"},
    Scenario{"pam-account-aged", "the age of an unused local password decides nothing", "account",
             kOurs, kSuccess, kAged, true, State::fault,
             "a Cognito user has to change a local password that has expired and is not used"},
    Scenario{"pam-account-local", "a local account that has expired is out", "account", kOurs,
             kSuccess, "acct_expired", false, State::fault,
             "a Cognito user gets in although the local account has expired: pam_unix is skipped"},
    Scenario{"pam-account-accepted", "an accepted account is in", "account", kOurs, kSuccess,
             "success", true, State::fault,
             "is out although Cognito and the local account say yes"},
    Scenario{"pam-account-root", "root's account does not depend on the module", "account", kRoot,
             kMissing, "success", true, State::fault,
             "root's account is refused if the module is missing: the jump over uid < 1000 is "
             "missing"},
    Scenario{"pam-account-others", "other accounts as before", "account", kOther, kIgnore,
             "success", true, State::fault, "the account of a local user is refused"},
    Scenario{"pam-account-others-module", "local accounts do not depend on the module", "account",
             kListed, kMissing, "success", true, State::warning,
             "the account of a local user is refused if the module is missing"},
    Scenario{"pam-account-break-glass", "a local password's account does not depend on cognitod",
             "account", kOurs, kUnavailable, "success", true, State::warning,
             "a Cognito user cannot use the local password while cognitod is down"},
    Scenario{"pam-account-module-missing", "without the module Cognito users' accounts are refused",
             "account", kOurs, kMissing, "success", false, State::fault,
             "a Cognito user goes on by the local account alone if the module cannot be loaded"},
    Scenario{"pam-password-fail-open", "a refused change of password is final", "password", kOurs,
             kRefusals, "success", false, State::fault,
             "changes the local password although Cognito refused"},
    Scenario{"pam-password-root", "root sets local passwords", "password", kOursByRoot, kMissing,
             "success", true, State::warning,
             "root cannot set a local password if the module is missing"},
};

// Not in the table: judged where an account has an empty password.
constexpr Scenario kEmptyPasswordCounts{"pam-empty-password",
                                        "no Cognito user has an empty local password",
                                        "auth",
                                        kOurs,
                                        kUnavailable,
                                        kEmptyPassword,
                                        false,
                                        State::fault,
                                        ""};

// Modules that decide nothing about the user.
bool is_ignoring(std::string_view module) {
  constexpr std::array<std::string_view, 4> kSilent = {"pam_cap.so", "pam_warn.so",
                                                       "pam_faildelay.so", "pam_echo.so"};
  return std::ranges::find(kSilent, module) != kSilent.end();
}

// pam_succeed_if(8), for the conditions that profiles use. An unknown condition is not met.
bool conditions_hold(const std::vector<std::string>& arguments, const Person& person) {
  bool any = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i + 2 >= arguments.size() || (arguments[i] != "uid" && arguments[i] != "user")) continue;
    const std::string& what = arguments[i];
    const std::string& test = arguments[i + 1];
    const std::string& value = arguments[i + 2];
    i += 2;
    any = true;
    if (what == "user") {
      const bool in_group = !person.group.empty() && value == person.group;
      if (test == "ingroup" ? !in_group : test == "notingroup" ? in_group : test != "!=")
        return false;
      continue;
    }
    const auto number = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
    const bool met = test == "<" || test == "lt"    ? person.uid < number
                     : test == "<=" || test == "le" ? person.uid <= number
                     : test == ">" || test == "gt"  ? person.uid > number
                     : test == ">=" || test == "ge" ? person.uid >= number
                     : test == "=" || test == "eq"  ? person.uid == number
                     : test == "!=" || test == "ne" ? person.uid != number
                                                    : false;
    if (!met) return false;
  }
  return any;
}

bool has_argument(const PamRule& rule, std::string_view argument) {
  return std::ranges::find(rule.arguments, argument) != rule.arguments.end();
}

std::string answer_of_cognito(const PamRule& rule, const Scenario& scenario,
                              std::string_view code) {
  if (code == "module_unknown") return rule.missing_is_ignored ? "ignore" : std::string(code);
  const bool is_cognito_user = !scenario.person.group.empty();
  if (has_argument(rule, "route")) {
    if (scenario.route_fails) return std::string(code);
    // A password that root sets is a local one.
    const bool of_root = scenario.person.real_root && std::string_view(scenario.type) == "password";
    return is_cognito_user && !of_root ? "success" : "ignore";
  }
  if (has_argument(rule, "emergency")) return code == "authinfo_unavail" ? "success" : "auth_err";
  return std::string(code);
}

std::string answer_of_unix(const PamRule& rule, const Scenario& scenario) {
  if (scenario.unix == kEmptyPassword) return has_argument(rule, "nullok") ? "success" : "auth_err";
  if (scenario.unix == kAged && has_argument(rule, "no_pass_expiry")) return "success";
  return std::string(scenario.unix);
}

std::string answer_of_list(const PamRule& rule, const Scenario& scenario) {
  if (scenario.credentials_alone || !has_argument(rule, std::string("file=") + kLocalUsersPath))
    return "success";
  return scenario.person.listed ? "success" : "auth_err";
}

std::string answer_of(const PamRule& rule, const Scenario& scenario, std::string_view cognito) {
  const std::string& module = rule.module;
  if (module == kModule) return answer_of_cognito(rule, scenario, cognito);
  if (module == "pam_unix.so") return answer_of_unix(rule, scenario);
  if (module == "pam_listfile.so") return answer_of_list(rule, scenario);
  if (module == "pam_deny.so")
    return std::string_view(scenario.type) == "account" ? "acct_expired" : "auth_err";
  if (module == "pam_rootok.so") return scenario.person.real_root ? "success" : "auth_err";
  if (module == "pam_succeed_if.so" && scenario.credentials_alone) return "ignore";
  if (module == "pam_succeed_if.so")
    return conditions_hold(rule.arguments, scenario.person) ? "success" : "auth_err";
  return is_ignoring(module) ? "ignore" : "success";
}

// A program that hears "new_authtok_reqd" has a password changed, and then lets the user in.
bool lets_in(const StackResult& result) {
  return result.success() || result.code == "new_authtok_reqd";
}

class Judge {
 public:
  Judge(const System& system, std::string our_group)
      : system_(system), our_group_(std::move(our_group)) {}

  Findings findings() {
    Findings all;
    const std::vector<std::string> services = services_with_auth();
    all.push_back(line_check());
    if (all.back().state == State::fault) return all;
    all.push_back(service_check());
    all.push_back(syntax_check());
    for (const Scenario& scenario : kScenarios) all.push_back(judge(scenario));
    all.push_back(empty_password_check());
    all.push_back(list_check());
    for (const auto& [type, why] :
         {std::pair{"password", "passwd changes the local password only"},
          std::pair{"session", "a session's end is not noticed, and sudo asks for everything"}})
      all.push_back(type_check(type, why));
    return all;
  }

 private:
  const PamStack& stack(const std::string& service, const std::string& type) {
    auto& known = stacks_[{service, type}];
    if (!known) known = std::make_unique<PamStack>(read_pam_stack(system_, service, type));
    return *known;
  }

  std::vector<std::string> services_naming_us(const std::string& type) {
    std::vector<std::string> found;
    for (const std::string& service : pam_services(system_))
      if (stack(service, type).names(kModule)) found.push_back(service);
    return found;
  }
  std::vector<std::string> services_with_auth() { return services_naming_us("auth"); }

  Finding line_check() {
    const Check check{"pam-lines", "the module is in the PAM stacks"};
    const auto auth = services_naming_us("auth");
    const auto account = services_naming_us("account");
    if (auth.empty())
      return check.fault("no service asks pam_cognito: nobody signs in with Cognito",
                         "pam-auth-update --enable pam-cognito");
    for (const std::string& service : auth)
      if (std::ranges::find(account, service) == account.end())
        return check.fault(
            service + " asks pam_cognito for the password, and not whether the account may go on",
            "put the account line back: pam-auth-update --enable pam-cognito");
    return check.ok(std::to_string(auth.size()) + " services");
  }

  Finding service_check() {
    const Check check{"pam-services", "the usual services ask the module"};
    std::string without;
    const std::set<std::string> services = pam_services(system_);
    for (const char* service : {"sshd", "sudo", "su", "login", "lightdm", "gdm-password"}) {
      if (!services.contains(service)) continue;
      if (!stack(service, "auth").names(kModule))
        without += (without.empty() ? "" : ", ") + std::string(service);
    }
    if (without.empty()) return check.ok();
    return check.warning("do not ask pam_cognito: " + without,
                         "if people should sign in there with Cognito: @include common-auth and "
                         "common-account in their files in /etc/pam.d");
  }

  Finding syntax_check() {
    const Check check{"pam-syntax", "libpam understands the stacks"};
    for (const auto& [key, read] : stacks_)
      if (!read->problems.empty() && read->names(kModule))
        return check.fault(key.first + ": " + read->problems.front(), "correct the line");
    return check.ok();
  }

  // Whether the auth stack of a service tells the module that pam_unix has accepted the local
  // password: without that its account phase knows of no emergency.
  bool notes_emergency(const std::string& service) {
    bool noted = false;
    Scenario emergency = kEmptyPasswordCounts;
    emergency.unix = "success";
    emergency.person.group = our_group_;
    walk_pam_stack(stack(service, "auth").rules, [&](const PamRule& rule) {
      noted = noted || (rule.module == kModule && has_argument(rule, "emergency"));
      return answer_of(rule, emergency, "authinfo_unavail");
    });
    return noted;
  }

  // The services in which the stack does not do as the scenario wants, and the line that decides in
  // the first of them; empty: there is none.
  std::string services_against(const Scenario& scenario) {
    Scenario here = scenario;
    if (!scenario.person.group.empty()) here.person.group = our_group_;
    const bool in_emergency = std::string_view(scenario.id) == "pam-account-break-glass";
    std::string bad;
    std::string by;
    for (const std::string& service : services_naming_us(scenario.type)) {
      const PamStack& rules = stack(service, scenario.type);
      for (const std::string_view code : scenario.cognito) {
        // Only a service that asks the module for the password has emergencies.
        const bool asks = stack(service, "auth").names(kModule);
        if (in_emergency && !asks) continue;
        const std::string_view answer =
            in_emergency && !notes_emergency(service) ? "perm_denied" : code;
        const StackResult result = walk_pam_stack(
            rules.rules, [&](const PamRule& rule) { return answer_of(rule, here, answer); });
        if (scenario.must_succeed ? result.success() : !lets_in(result)) continue;
        bad += (bad.empty() ? "" : ", ") + service;
        if (by.empty() && result.decided_by != nullptr)
          by = " (" + result.decided_by->place + ", " + result.decided_by->module + ")";
        break;
      }
    }
    return bad.empty() ? "" : bad + ": " + scenario.what + by;
  }

  Finding judge(const Scenario& scenario) {
    const Check check{scenario.id, scenario.title};
    std::string bad = services_against(scenario);
    if (bad.empty()) return check.ok();
    return {check.id, check.title, scenario.if_not, std::move(bad), kProfileRemedy};
  }

  // nullok lets an empty password in, which would count while the daemon is down.
  Finding empty_password_check() {
    const Check check{kEmptyPasswordCounts.id, kEmptyPasswordCounts.title};
    if (services_against(kEmptyPasswordCounts).empty())
      return check.ok("none would count: no line says nullok");
    const auto shadow = system_.read("/etc/shadow");
    if (!shadow) return check.skipped("/etc/shadow cannot be read: run it as root");
    const auto users = read_users_conf(system_.path(kUsersConfPath).c_str());
    if (!users || users->absent) return check.ok();
    std::string names;
    for (const std::string& line : lines_of(*shadow)) {
      const std::size_t colon = line.find(':');
      if (colon == std::string::npos || !line.substr(colon).starts_with("::")) continue;
      const auto account = system_.account(line.substr(0, colon));
      if (account && is_ours(system_, users->conf, *account))
        names += (names.empty() ? "" : ", ") + account->name;
    }
    if (names.empty()) return check.ok();
    return check.fault(
        "empty local passwords: " + names + ". While cognitod is down they get in without any",
        "passwd --lock USER, for each of them");
  }

  // The list that local users depend on where the module cannot be loaded, as the program that
  // writes it sees it.
  Finding list_check() {
    const Check check{"pam-local-users", "the list of local users is current"};
    const bool used = std::ranges::any_of(services_with_auth(), [&](const std::string& service) {
      return std::ranges::any_of(stack(service, "auth").rules, [](const PamRule& rule) {
        return has_argument(rule, std::string("file=") + kLocalUsersPath);
      });
    });
    if (!used) return check.ok("no stack reads " + std::string(kLocalUsersPath));
    const auto said = system_.run({kLocalUsersProgram, "--check"});
    if (!said) return check.skipped(said.error().text);
    const std::string remedy =
        std::string(kLocalUsersProgram) +
        " as root writes it; systemctl status pam-cognito-local-users.path should keep it current";
    std::map<std::string, std::string> said_of;  // the first text of a line -> the rest
    for (const std::string& line : lines_of(*said)) {
      const std::size_t blank = line.find(' ');
      std::string& others = said_of[line.substr(0, blank)];
      others += (others.empty() ? "" : ", ") +
                (blank == std::string::npos ? std::string() : line.substr(blank + 1));
    }
    if (said_of.contains("remove"))
      return check.fault("Cognito users on it, or nobody's names: " + said_of["remove"] +
                             ". If the module cannot be loaded, a local password lets them in",
                         remedy);
    if (said_of.contains("unsafe"))
      return check.fault(said_of["unsafe"] +
                             ". It says who goes on with a local password alone if "
                             "the module cannot be loaded",
                         remedy);
    if (said_of.contains("missing"))
      return check.warning(
          "there is none. If the module cannot be loaded, every user from uid "
          "1000 on is refused",
          remedy);
    if (said_of.contains("undecided"))
      return check.warning("it cannot be brought up to date: " + said_of["undecided"],
                           "correct that first; then " + remedy);
    if (said_of.contains("add"))
      return check.warning("local users that are not on it: " + said_of["add"] +
                               ". If the module cannot be loaded, they are refused",
                           remedy);
    return check.ok();
  }

  Finding type_check(const std::string& type, const std::string& why) {
    const Check check{"pam-" + type + "-line", "the module is in the " + type + " stacks"};
    if (!services_naming_us(type).empty()) return check.ok();
    return check.warning("it does not: " + why, kProfileRemedy);
  }

  const System& system_;
  std::string our_group_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<PamStack>> stacks_;
};

}  // namespace

Findings check_pam(const System& system) {
  const auto users = read_users_conf(system.path(kUsersConfPath).c_str());
  const bool known = users && !users->absent && !users->conf.group.empty();
  return Judge(system, known ? users->conf.group : "cognito-users").findings();
}

Findings check_pam_module(const System& system) {
  const Check check{"pam-module-file", "the module is installed, and only root may change it"};
  for (const std::string directory : {"/usr/lib", "/lib"}) {
    std::vector<std::string> places{directory + "/security"};
    for (const std::string& name : system.list(directory))
      if (name.contains("-linux-gnu")) places.push_back(directory + "/" + name + "/security");
    for (const std::string& place : places) {
      const std::string path = place + "/" + kModule;
      const auto status = system.status(path);
      if (!status) continue;
      if (!status->regular || status->owner != 0 || (status->mode & 022U) != 0)
        return {check.fault(path + " can be changed by others than root",
                            "chown root:root " + path + " && chmod 0644 " + path)};
      return {check.ok(path)};
    }
  }
  return {check.fault("pam_cognito.so is in no directory that libpam looks at",
                      "install the package pam-cognito, or ninja install with --prefix=/usr")};
}

}  // namespace pamcognito::cli
