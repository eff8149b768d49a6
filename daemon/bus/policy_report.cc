#include "daemon/bus/policy_report.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

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

void add_identity(const policy::Config& config, const Known& known, const std::string& user,
                  Answers& answers) {
  answers.emplace_back("pool-user-name", policy::cognito_username(config.access, user),
                       "cognito_username = " + config.access.cognito_username + " of [access]");
  if (known.user != nullptr) {
    answers.emplace_back("account", known.user->sub,
                         known.user->pinned_by == sessions::PinnedBy::root
                             ? "pinned by root"
                             : "pinned by the first sign-in");
    return;
  }
  switch (config.access.identity) {
    case policy::Identity::username:
      answers.emplace_back("account", "the one whose user name is the name above",
                           "identity = username of [access]");
      return;
    case policy::Identity::email:
      answers.emplace_back("account", "the one whose verified e-mail address is the name above",
                           "identity = email of [access]");
      return;
    case policy::Identity::pinned:
      answers.emplace_back("account", "none: root has pinned none",
                           "identity = pinned of [access]");
      return;
  }
}

void add_access(const policy::Config& config, const Known& known, const std::string& user,
                const std::string& service, Answers& answers) {
  const bool has_groups = known.user != nullptr && known.user->verified_at != 0;
  const std::vector<std::string> groups =
      has_groups ? known.user->groups : std::vector<std::string>();
  answers.emplace_back("groups", joined(groups),
                       has_groups ? "of the last sign-in"
                       : known.user != nullptr
                           ? "none that count: pinned by root, or refused by the pool since"
                           : "never seen: nobody knows any");
  if (known.user != nullptr && known.user->account_status == sessions::AccountStatus::disabled) {
    answers.emplace_back("may-sign-in", "no", "the account is disabled in the pool");
    return;
  }
  const policy::AccessVerdict verdict = policy::explain_access(config, user, service, groups);
  answers.emplace_back("may-sign-in",
                       verdict.permitted ? "yes" : (has_groups ? "no" : "depends-on-groups"),
                       verdict.rule);
}

void add_second_factor(const policy::Config& config, Answers& answers) {
  std::string methods;
  for (const cognito::Method method : config.mfa.methods)
    methods += (methods.empty() ? "" : " ") + std::string(to_string(method));
  answers.emplace_back("second-factor", config.mfa.require ? "required" : "not-required",
                       config.mfa.require ? "require = yes of [mfa]" : "require = no of [mfa]");
  answers.emplace_back("accepted-factors", methods, "methods of [mfa]");
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

std::string answer_of(const policy::ReauthVerdict& verdict) {
  std::string answer(policy::to_string(verdict.kind));
  if (verdict.ask_pool) answer += ", after the pool was asked";
  return answer;
}

// For each session of the service: does a login from its address go by it?
void add_origin(const Core& core, const policy::ReauthRule& rule, const Known& known,
                const sessions::Session& session, const std::string& service, Answers& answers) {
  const policy::ReauthVerdict verdict =
      verdict_of(core, rule, known, session, service, In::login_from_its_address);
  answers.emplace_back("login-from-" + (session.address.empty() ? session.origin : session.address),
                       answer_of(verdict), std::string(verdict.reason));
}

void add_reauthentication(const Core& core, const Known& known, const std::string& service,
                          Answers& answers) {
  const policy::ReauthRule rule = policy::reauth_rule(*core.config, service);
  const auto section = core.config->services.find(service);
  const bool is_given =
      section != core.config->services.end() && section->second.reauth.has_value();
  const std::string name(policy::to_string(rule.mode));
  answers.emplace_back(
      "reauth", name,
      is_given ? "reauth = " + name + " of [" + policy::section_of_service(service) + "]"
               : "built in: reauth = " + name);
  if (rule.from != policy::ReauthFrom::login)
    answers.emplace_back("reauth-from", std::string(policy::to_string(rule.from)),
                         "reauth_from of [" + policy::section_of_service(service) + "]");
  if (rule.mode != policy::Reauth::full)
    answers.emplace_back("reauth-for-s", std::to_string(rule.mfa_max_age.count()),
                         "mfa_max_age of [" + policy::section_of_service(service) + "]");
  if (known.sessions.empty()) {
    answers.emplace_back("session", "none", "the next sign-in is a full one");
    return;
  }
  for (const sessions::Session& session : known.sessions) {
    const policy::ReauthVerdict verdict =
        verdict_of(core, rule, known, session, service, In::own_login);
    answers.emplace_back("session-by-" + session.service, answer_of(verdict),
                         std::string(verdict.reason));
    if (rule.from == policy::ReauthFrom::origin)
      add_origin(core, rule, known, session, service, answers);
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

  Answers answers;
  if (!core.known.is_readable())
    answers.emplace_back("identities", "cannot be read: nobody signs in", "see the log");
  add_identity(config, known, user, answers);
  add_access(config, known, user, service, answers);
  add_second_factor(config, answers);
  add_reauthentication(core, known, service, answers);
  answers.emplace_back(
      "never-signed-in",
      std::string(to_string(policy::service_profile(&config, service).never_signed_in)),
      policy::explain_never_signed_in(&config, service));
  return answers;
}

}  // namespace pamcognito::bus
