#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include "cli/doctor/checks.h"
#include "cli/doctor/pam_stack.h"

// Judges the PAM stacks by walking them: what does a program get if pam_cognito says this, and
// every other module is as kind to the person as it can be? So it does not matter how a stack is
// written.
namespace pamcognito::cli {
namespace {

constexpr char kModule[] = "pam_cognito.so";
constexpr char kProfileRemedy[] =
    "pam-auth-update --enable pam-cognito writes the lines; then look for lines of your own around "
    "them";

// Whom the stack meets.
struct Person {
  unsigned uid;
  std::string_view group;  // "" or the group of our users
  bool caller_is_root;
};

// What a module does with the person. One row of the table: the codes of pam_cognito to be tried,
// and what the local password says.
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
  // pam_setcred(3) alone, as cron calls it: there pam_succeed_if answers "ignore" for everybody.
  bool credentials_alone = false;
};

constexpr Person kOurs{1001, "cognito-users", false};
constexpr Person kRoot{0, "", false};
constexpr Person kOther{1002, "", false};
constexpr Person kOursByRoot{1001, "cognito-users", true};

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
             "success", false, State::fault, "gets in by something else although Cognito refused"},
    Scenario{"pam-auth-unavailable", "no daemon, no password: no way in", "auth", kOurs,
             kUnavailable, "auth_err", false, State::fault,
             "gets in without any password while cognitod is down"},
    Scenario{"pam-auth-accepted", "a sign-in with Cognito is enough", "auth", kOurs, kSuccess,
             "auth_err", true, State::fault, "is refused although Cognito said yes"},
    Scenario{"pam-auth-root", "root does not depend on the module", "auth", kRoot, kMissing,
             "success", true, State::fault,
             "root cannot sign in with its own password if the module is missing: the jump over "
             "uid < 1000 is missing"},
    Scenario{"pam-auth-others", "other users sign in as before", "auth", kOther, kIgnore, "success",
             true, State::fault, "a user who is not ours cannot sign in"},
    Scenario{"pam-auth-break-glass", "a local password counts while the daemon is down", "auth",
             kOurs, kUnavailable, "success", true, State::warning,
             "cannot use the local password while cognitod is down"},
    Scenario{"pam-auth-module-missing", "without the module our users are refused", "auth", kOurs,
             kMissing, "success", false, State::warning,
             "gets in with the local password alone if the module cannot be loaded"},
    Scenario{"pam-auth-others-module", "other users do not depend on the module", "auth", kOther,
             kMissing, "success", true, State::warning,
             "a user who is not ours cannot sign in if the module is missing"},
    Scenario{
        "pam-auth-jobs", "credentials alone do not depend on the module", "auth", kRoot, kMissing,
        "success", true, State::warning,
        "gives nobody credentials without a sign-in, as cron needs them for root's jobs, if the "
        "module is missing",
        true},
    Scenario{"pam-account-fail-open", "a refused account is out", "account", kOurs,
             kAccountRefusals, "success", false, State::fault,
             "gets in although Cognito says the account may not"},
    Scenario{"pam-account-local", "a local account that has expired is out", "account", kOurs,
             kSuccess, "acct_expired", false, State::fault,
             "gets in although the local account has expired: our line skips pam_unix"},
    Scenario{"pam-account-accepted", "an accepted account is in", "account", kOurs, kSuccess,
             "success", true, State::fault,
             "is out although Cognito and the local account say yes"},
    Scenario{"pam-account-root", "root's account does not depend on the module", "account", kRoot,
             kMissing, "success", true, State::fault,
             "root's account is refused if the module is missing: the jump over uid < 1000 is "
             "missing"},
    Scenario{"pam-account-others", "other accounts as before", "account", kOther, kIgnore,
             "success", true, State::fault, "the account of a user who is not ours is refused"},
    Scenario{"pam-account-others-module", "other accounts do not depend on the module", "account",
             kOther, kMissing, "success", true, State::warning,
             "the account of a user who is not ours is refused if the module is missing"},
    Scenario{"pam-account-break-glass", "a local password's account does not depend on cognitod",
             "account", kOurs, kUnavailable, "success", true, State::warning,
             "cannot use the local password while cognitod is down"},
    Scenario{"pam-account-module-missing", "without the module our users' accounts are refused",
             "account", kOurs, kMissing, "success", false, State::warning,
             "goes on by the local account alone if the module cannot be loaded"},
    Scenario{"pam-password-fail-open", "a refused change of password is final", "password", kOurs,
             kRefusals, "success", false, State::fault,
             "changes the local password although Cognito refused"},
    Scenario{"pam-password-root", "root sets local passwords", "password", kOursByRoot, kMissing,
             "success", true, State::warning,
             "root cannot set a local password if the module is missing"},
};

// Modules that hold no opinion of their own on who somebody is.
bool is_ignoring(std::string_view module) {
  constexpr std::array<std::string_view, 4> kSilent = {"pam_cap.so", "pam_warn.so",
                                                       "pam_faildelay.so", "pam_echo.so"};
  return std::ranges::find(kSilent, module) != kSilent.end();
}

// pam_succeed_if(8), for the conditions that profiles use. What is not known is not met.
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

std::string answer_of(const PamRule& rule, const Scenario& scenario, std::string_view cognito) {
  const std::string& module = rule.module;
  if (module == kModule) {
    if (cognito == "module_unknown" && rule.missing_is_ignored) return "ignore";
    return std::string(cognito);
  }
  if (module == "pam_unix.so") return std::string(scenario.unix);
  if (module == "pam_deny.so")
    return std::string_view(scenario.type) == "account" ? "acct_expired" : "auth_err";
  if (module == "pam_rootok.so") return scenario.person.caller_is_root ? "success" : "auth_err";
  if (module == "pam_succeed_if.so" && scenario.credentials_alone) return "ignore";
  if (module == "pam_succeed_if.so")
    return conditions_hold(rule.arguments, scenario.person) ? "success" : "auth_err";
  return is_ignoring(module) ? "ignore" : "success";
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

  // The shared files are judged by what includes them.
  std::set<std::string> services() const {
    std::set<std::string> names;
    for (const char* directory : {"/etc/pam.d", "/usr/lib/pam.d"})
      for (std::string& name : system_.list(directory)) names.insert(std::move(name));
    std::erase_if(names, [](const std::string& name) {
      return name.starts_with("common-") || name.contains('~') || name.contains(".dpkg-") ||
             name.contains(".pam-old");
    });
    return names;
  }

  std::vector<std::string> services_naming_us(const std::string& type) {
    std::vector<std::string> found;
    for (const std::string& service : services())
      if (stack(service, type).names(kModule)) found.push_back(service);
    return found;
  }
  std::vector<std::string> services_with_auth() { return services_naming_us("auth"); }

  Finding line_check() {
    const Check check{"pam-lines", "the module stands in the PAM stacks"};
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
    for (const char* service : {"sshd", "sudo", "su", "login", "lightdm", "gdm-password"}) {
      if (!system_.status("/etc/pam.d/" + std::string(service))) continue;
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

  Finding judge(const Scenario& scenario) {
    const Check check{scenario.id, scenario.title};
    Scenario here = scenario;
    if (!scenario.person.group.empty()) here.person.group = our_group_;
    std::string bad;
    std::string by;
    for (const std::string& service : services_naming_us(scenario.type)) {
      const PamStack& rules = stack(service, scenario.type);
      for (const std::string_view code : scenario.cognito) {
        const PamEnding ending = walk_pam_stack(
            rules.rules, [&](const PamRule& rule) { return answer_of(rule, here, code); });
        if (ending.success() == scenario.must_succeed) continue;
        bad += (bad.empty() ? "" : ", ") + service;
        if (by.empty() && ending.decided_by != nullptr)
          by = " (" + ending.decided_by->place + ", " + ending.decided_by->module + ")";
        break;
      }
    }
    if (bad.empty()) return check.ok();
    return {check.id, check.title, scenario.if_not, bad + ": " + scenario.what + by,
            kProfileRemedy};
  }

  // nullok lets an empty password in, which would count while the daemon is down.
  Finding empty_password_check() {
    const Check check{"pam-empty-password", "no user of ours has an empty local password"};
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

  Finding type_check(const std::string& type, const std::string& why) {
    const Check check{"pam-" + type + "-line", "the module stands in the " + type + " stacks"};
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
