#include "daemon/bus/policy_report.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/policy/access.h"
#include "daemon/policy/reauth.h"
#include "daemon/policy/service_profile.h"
#include "daemon/policy/setting_names.h"
#include "daemon/sessions/decisions.h"

namespace pamcognito::bus {
namespace {

using Answers = std::vector<PolicyAnswer>;
using std::chrono::seconds;

// The data about the user that cognitod has without asking the pool.
struct Known {
  const sessions::KnownUser* user = nullptr;  // null: never seen
  std::vector<sessions::Session> sessions;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

class Report {
 public:
  explicit Report(const policy::Config& config) : config_(config) {}

  void add(std::string question, std::string answer, std::string reason) {
    answers_.push_back({.question = std::move(question),
                        .answer = std::move(answer),
                        .section = {},
                        .key = {},
                        .reason = std::move(reason)});
  }
  // The setting decided. It is named if a file has it.
  void add(std::string question, std::string answer, const std::string& section,
           const std::string& key, std::string reason) {
    add(std::move(question), std::move(answer), std::move(reason));
    if (!config_.given.contains({section, key})) return;
    answers_.back().section = section;
    answers_.back().key = key;
  }
  // The same, with a reason that names the setting, or that it is built in.
  void add_setting(std::string question, std::string answer, const std::string& section,
                   const std::string& key) {
    const std::string name = key + " of [" + section + "]";
    const bool is_given = config_.given.contains({section, key});
    add(std::move(question), std::move(answer), section, key, is_given ? name : "default: " + name);
  }
  Answers take() { return std::move(answers_); }

 private:
  const policy::Config& config_;
  Answers answers_;
};

void add_identity(const policy::Config& config, const Known& known, const std::string& user,
                  Report& report) {
  report.add("pool-user-name", policy::cognito_username(config.access, user), "access",
             "cognito_username",
             "cognito_username = " + config.access.cognito_username + " of [access]");
  if (known.user != nullptr) {
    const bool is_disabled = known.user->account_status == sessions::AccountStatus::disabled;
    report.add("account", known.user->sub,
               known.user->pinned_by == sessions::PinnedBy::root ? "pinned by root"
                                                                 : "pinned by the first sign-in");
    report.add("account-state",
               is_disabled                    ? "disabled"
               : known.user->verified_at == 0 ? "not-verified"
                                              : "verified",
               is_disabled ? "by the last answer of the pool" : "by the last full sign-in");
    return;
  }
  std::string reason;
  switch (config.access.identity) {
    case policy::Identity::username:
      reason = "identity = username of [access]: the account with that user name";
      break;
    case policy::Identity::email:
      reason = "identity = email of [access]: the account with that verified e-mail address";
      break;
    case policy::Identity::pinned:
      reason = "identity = pinned of [access]: root has pinned none";
      break;
  }
  report.add("account", "", "access", "identity", std::move(reason));
  report.add("account-state", "never-signed-in", "nobody has signed in here with this name");
}

void add_access(const policy::Config& config, const Known& known, const std::string& user,
                const std::string& service, Report& report) {
  const bool has_groups = known.user != nullptr && known.user->verified_at != 0;
  const std::vector<std::string> groups =
      has_groups ? known.user->groups : std::vector<std::string>();
  report.add("groups", joined(groups),
             has_groups ? "of the last sign-in"
             : known.user != nullptr
                 ? "none that count: pinned by root, or refused by the pool since"
                 : "never seen: nobody knows any");
  if (known.user != nullptr && known.user->account_status == sessions::AccountStatus::disabled) {
    report.add("may-sign-in", "no", "the account is disabled in the pool");
    return;
  }
  const policy::AccessVerdict verdict = policy::explain_access(config, user, service, groups);
  report.add("may-sign-in", verdict.permitted ? "yes" : (has_groups ? "no" : "depends-on-groups"),
             verdict.section, verdict.key, verdict.rule);
}

void add_second_factor(const policy::Config& config, Report& report) {
  std::string methods;
  for (const cognito::Method method : config.mfa.methods)
    methods += (methods.empty() ? "" : " ") + std::string(to_string(method));
  report.add("second-factor", config.mfa.require ? "required" : "not-required", "mfa", "require",
             config.mfa.require ? "require = yes of [mfa]" : "require = no of [mfa]");
  report.add("accepted-factors", methods, "mfa", "methods", "methods of [mfa]");
}

// As if asked by a program that root runs, in the login of the session; with reauth_from = origin
// from the session's address.
enum class In : std::uint8_t { own_login, login_from_its_address };
policy::ReauthVerdict verdict_of(const Core& core, const policy::ReauthRule& rule,
                                 const Known& known, const sessions::Session& session,
                                 const std::string& service, In in) {
  policy::ReauthQuestion question = sessions::reauth_question(
      *core.config, rule, core.sessions, session, service, session.address, core.clock.boot_time());
  question.caller_is_root = true;
  question.same_login = in == In::own_login && session.binding.is_set();
  question.alive = known.user != nullptr && known.user->sub == session.sub &&
                   known.user->account_status == sessions::AccountStatus::good;
  return policy::decide_reauth(question);
}

// For each session of the service: does a login from its address go by it?
void add_origin(const Core& core, const policy::ReauthRule& rule, const Known& known,
                const sessions::Session& session, const std::string& service, Report& report) {
  const policy::ReauthVerdict verdict =
      verdict_of(core, rule, known, session, service, In::login_from_its_address);
  report.add("login-from-" + (session.address.empty() ? session.origin : session.address),
             std::string(policy::to_string(verdict.kind)), std::string(verdict.reason));
}

void add_reauthentication(const Core& core, const Known& known, const std::string& service,
                          Report& report) {
  const policy::ReauthRule rule = policy::reauth_rule(*core.config, service);
  const std::string section = policy::section_of_service(service);
  report.add_setting("reauth", std::string(policy::to_string(rule.mode)), section, "reauth");
  if (rule.mode != policy::Reauth::full) {
    report.add_setting("reauth-from", std::string(policy::to_string(rule.from)), section,
                       "reauth_from");
    report.add_setting("reauth-for-s", std::to_string(rule.mfa_max_age.count()), section,
                       "mfa_max_age");
  }
  if (known.sessions.empty()) {
    report.add("session", "none", "the next sign-in is a full one");
    return;
  }
  for (const sessions::Session& session : known.sessions) {
    const policy::ReauthVerdict verdict =
        verdict_of(core, rule, known, session, service, In::own_login);
    report.add("session-by-" + session.service, std::string(policy::to_string(verdict.kind)),
               std::string(verdict.reason));
    if (rule.from == policy::ReauthFrom::origin)
      add_origin(core, rule, known, session, service, report);
  }
}

}  // namespace

std::string address_that_counts(const Core& core, const sessions::Session& session) {
  if (!core.config || session.address.empty()) return {};
  const policy::ReauthRule rule = policy::reauth_rule(*core.config, session.service);
  Known known;
  known.user = core.known.find(session.user);
  const policy::ReauthVerdict verdict =
      verdict_of(core, rule, known, session, session.service, In::login_from_its_address);
  return verdict.kind == policy::Reauth::password ? session.address : std::string();
}

std::vector<PolicyAnswer> policy_report(const Core& core, const std::string& user,
                                        const std::string& service) {
  const policy::Config& config = *core.config;
  Known known;
  known.user = core.known.find(user);
  known.sessions = core.sessions.sessions_of(user);

  Report report(config);
  if (!core.known.is_readable())
    report.add("identities", "not-readable", "nobody signs in; see the log");
  add_identity(config, known, user, report);
  add_access(config, known, user, service, report);
  add_second_factor(config, report);
  add_reauthentication(core, known, service, report);
  report.add_setting(
      "never-signed-in",
      std::string(to_string(policy::service_profile(&config, service).never_signed_in)),
      policy::section_of_service(service), "never_signed_in");
  return report.take();
}

}  // namespace pamcognito::bus
