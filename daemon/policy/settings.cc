#include "daemon/policy/settings.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <utility>

#include "common/user_name.h"
#include "daemon/policy/values.h"

namespace pamcognito::policy {
namespace {

using Applied = std::expected<void, std::string>;
using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

// Where a row's value goes. `service` is set in [service NAME] only.
struct Target {
  Draft& draft;
  ServiceConfig* service;
};
using Apply = Applied (*)(Target target, std::string_view value);

struct Row {
  std::string_view section;
  std::string_view key;
  Apply apply;
};

constexpr std::string_view kService = "service";
constexpr std::string_view kNotBuilt = "is not available in this version: remove the line";

template <class Place, class Value>
Applied put(Place& place, ValueResult<Value> value) {
  if (!value) return std::unexpected(std::move(value.error()));
  place = std::move(*value);
  return {};
}

// A word of the file; without a meaning where this version does not have it yet.
template <class T>
struct Word {
  std::string_view word;
  std::optional<T> meaning;
};

template <class T>
ValueResult<T> parse_choice(std::string_view value, std::initializer_list<Word<T>> words) {
  std::string known;
  for (const auto& [word, meaning] : words) {
    if (word == value && meaning) return *meaning;
    if (word == value) {
      return std::unexpected(std::string(word) + " is not available in this version");
    }
    if (meaning) known += (known.empty() ? "" : " or ") + std::string(word);
  }
  return std::unexpected("is not " + known);
}

// For a key of which only the safe value is built: that one is accepted, and changes nothing.
Applied accept_only(std::string_view value, std::string_view built,
                    std::initializer_list<std::string_view> later) {
  if (value == built) return {};
  if (std::ranges::find(later, value) == later.end()) {
    return std::unexpected("is not " + std::string(built));
  }
  return std::unexpected(std::string(value) + " is not available in this version: use " +
                         std::string(built));
}

Applied not_built(Target, std::string_view) {
  return std::unexpected(std::string(kNotBuilt));
}

ValueResult<std::vector<std::string>> parse_groups(std::string_view value) {
  constexpr std::size_t kMaxGroup = 512;  // 128 characters of UTF-8
  auto groups = parse_list(value);
  if (!groups) return groups;
  for (const std::string& group : *groups) {
    if (group.size() > kMaxGroup) return std::unexpected("has a name of more than 512 bytes");
    if (group == "*") {
      return std::unexpected("does not know *: name the groups, or set allow_users = *");
    }
  }
  return groups;
}

Applied put_allowed_users(AccessConfig& access, std::string_view value) {
  auto users = parse_list(value);
  if (!users) return std::unexpected(std::move(users.error()));
  const bool all = std::ranges::find(*users, "*") != users->end();
  if (all && users->size() > 1) {
    return std::unexpected("names users beside *: keep the * or the names");
  }
  for (const std::string& user : *users) {
    if (!all && !is_valid_user_name(user)) {
      return std::unexpected("names " + user + ", which is not a Linux user name");
    }
  }
  access.allow_all = all;
  access.allow_users = all ? std::vector<std::string>{} : std::move(*users);
  return {};
}

ValueResult<std::string> parse_username_template(std::string_view value) {
  constexpr std::size_t kMaxUsername = 128;
  auto text = parse_word(value, kMaxUsername);
  if (!text) return text;
  bool has_name = false;
  for (std::size_t i = 0; i < text->size(); ++i) {
    if ((*text)[i] != '%') continue;
    const char next = ++i < text->size() ? (*text)[i] : '\0';
    if (next != 'u' && next != '%') {
      return std::unexpected(
          "has a % that is neither %u (the Linux name) nor %% (a per cent sign)");
    }
    has_name = has_name || next == 'u';
  }
  if (!has_name)
    return std::unexpected("lacks %u: every Linux user would be the same Cognito user");
  return text;
}

ValueResult<std::vector<Method>> parse_methods(std::string_view value) {
  const auto words = parse_list(value);
  if (!words) return std::unexpected(words.error());
  if (words->empty()) return std::unexpected("is empty: name at least one of totp, email, sms");
  std::vector<Method> methods;
  for (const std::string& word : *words) {
    const auto method = parse_choice<Method>(word, {{"totp", Method::totp},
                                                    {"email", Method::email},
                                                    {"sms", Method::sms},
                                                    {"custom", std::nullopt}});
    if (!method) return std::unexpected("has " + word + ", which " + method.error());
    methods.push_back(*method);
  }
  return methods;
}

ValueResult<std::string> parse_client_id(std::string_view value) {
  constexpr std::size_t kMaxClientId = 128;
  const bool fits =
      !value.empty() && value.size() <= kMaxClientId && std::ranges::all_of(value, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '+';
      });
  if (fits) return std::string(value);
  return std::unexpected("is not an app client id: copy it from the pool's app client page");
}

ValueResult<std::string> parse_path(std::string_view value) {
  constexpr std::size_t kMaxPath = 1024;
  if (!value.starts_with('/')) return std::unexpected("is not a path that starts with /");
  if (value.size() > kMaxPath) return std::unexpected("is longer than 1024 bytes");
  return std::string(value);
}

ValueResult<std::string> parse_proxy(std::string_view value) {
  const std::string problem = cognito::check_proxy(value);
  if (problem.empty()) return std::string(value);
  return std::unexpected(problem);
}

// A URL's own grammar is the endpoint code's; here only what no line may do.
ValueResult<std::string> parse_url_text(std::string_view value) {
  return parse_word(value, 1024);
}

// "many" where the module may ask as often as it needs to.
ValueResult<bool> parse_one_prompt(std::string_view value) {
  return parse_choice<bool>(value, {{"one", true}, {"many", false}});
}

Applied put_service_groups(ServiceConfig& service, std::string_view value) {
  auto groups = parse_groups(value);
  if (groups && groups->empty()) {
    return std::unexpected("is empty: name the groups that the service is for, or remove the line");
  }
  return put(service.allow_groups, std::move(groups));
}

ValueResult<seconds> parse_window(std::string_view value) {
  return parse_duration(value, minutes(1), days(1));
}

constexpr std::array kRows = {
    Row{"pool", "region",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.region, parse_word(v, 64));
        }},
    Row{"pool", "user_pool_id",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.user_pool_id, parse_word(v, 64));
        }},
    Row{"pool", "client_id",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.client_id, parse_client_id(v));
        }},
    Row{"pool", "client_secret",
        [](Target, std::string_view) -> Applied {
          return std::unexpected(
              "does not belong in a file that everybody may read: remove the line, and pass the "
              "secret as the systemd credential client_secret");
        }},
    Row{"pool", "auth_flow",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.auth_flow,
                     parse_choice<AuthFlow>(
                         v, {{"srp", AuthFlow::srp}, {"password", AuthFlow::password}}));
        }},
    Row{"pool", "endpoint",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.endpoint, parse_url_text(v));
        }},
    Row{"pool", "issuer",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.issuer, parse_url_text(v));
        }},
    Row{"pool", "jwks_uri",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.jwks_uri, parse_url_text(v));
        }},
    Row{"pool", "fips",
        [](Target t, std::string_view v) { return put(t.draft.endpoint.fips, parse_yes_no(v)); }},
    Row{"pool", "proxy",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.proxy, parse_proxy(v));
        }},
    Row{"pool", "ca_file",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.ca_file, parse_path(v));
        }},
    Row{"pool", "user_context",
        [](Target, std::string_view v) { return accept_only(v, "no", {"remote-host"}); }},

    Row{"access", "allow_groups",
        [](Target t, std::string_view v) {
          return put(t.draft.config.access.allow_groups, parse_groups(v));
        }},
    Row{"access", "allow_users",
        [](Target t, std::string_view v) { return put_allowed_users(t.draft.config.access, v); }},
    Row{"access", "username",
        [](Target t, std::string_view v) {
          return put(t.draft.config.access.username, parse_username_template(v));
        }},
    Row{"access", "identity",
        [](Target t, std::string_view v) {
          return put(t.draft.config.access.identity,
                     parse_choice<Identity>(v, {{"username", Identity::username},
                                                {"email", Identity::email},
                                                {"file", std::nullopt}}));
        }},

    Row{"mfa", "require",
        [](Target t, std::string_view v) {
          return put(t.draft.config.mfa.require, parse_yes_no(v));
        }},
    Row{"mfa", "methods",
        [](Target t, std::string_view v) {
          return put(t.draft.config.mfa.methods, parse_methods(v));
        }},
    Row{"mfa", "choose",
        [](Target t, std::string_view v) {
          return put(t.draft.config.mfa.choose,
                     parse_choice<Choose>(v, {{"policy", Choose::policy}, {"ask", Choose::ask}}));
        }},
    Row{"mfa", "enrol",
        [](Target, std::string_view v) { return accept_only(v, "no", {"pool", "local", "yes"}); }},

    Row{"session", "lifetime", not_built},
    Row{"session", "revalidate", not_built},
    Row{"session", "unreachable_grace", not_built},
    Row{"session", "end_with", not_built},

    Row{"account", "facts_max_age",
        [](Target t, std::string_view v) {
          return put(t.draft.config.account.facts_max_age,
                     parse_duration(v, seconds(0), days(365)));
        }},

    Row{"limits", "failures",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.failures, parse_count(v, 1, 20));
        }},
    Row{"limits", "failures_unknown_origin",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.failures_unknown_origin, parse_count(v, 1, 20));
        }},
    Row{"limits", "failure_window",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.failure_window, parse_window(v));
        }},
    Row{"limits", "messages",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.messages, parse_count(v, 1, 50));
        }},
    Row{"limits", "messages_unanswered",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.messages_unanswered, parse_count(v, 1, 50));
        }},
    Row{"limits", "message_window",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.message_window, parse_window(v));
        }},

    Row{kService, "allow_groups",
        [](Target t, std::string_view v) { return put_service_groups(*t.service, v); }},
    Row{kService, "unknown",
        [](Target t, std::string_view v) {
          return put(t.service->unknown,
                     parse_choice<UnknownAccount>(v, {{"deny", UnknownAccount::deny},
                                                      {"allow", UnknownAccount::allow},
                                                      {"allow-root", UnknownAccount::allow_root}}));
        }},
    Row{kService, "prompts",
        [](Target t,
           std::string_view v) { return put(t.service->one_prompt, parse_one_prompt(v)); }},
    Row{kService, "echo",
        [](Target t, std::string_view v) { return put(t.service->echo_code, parse_yes_no(v)); }},
    Row{kService, "deadline",
        [](Target t,
           std::string_view
               v) { return put(t.service->deadline, parse_duration(v, seconds(10), seconds(900))); }},
    Row{kService, "reauth",
        [](Target, std::string_view v) { return accept_only(v, "full", {"password", "none"}); }},
    Row{kService, "mfa_max_age", not_built},
};

// The NAME of "service NAME"; empty for other sections.
std::string_view service_of(std::string_view section) {
  constexpr std::string_view kPrefix = "service ";
  return section.starts_with(kPrefix) ? section.substr(kPrefix.size()) : std::string_view();
}

std::string known_keys(std::string_view section) {
  std::string keys;
  for (const Row& row : kRows) {
    if (row.section != section || row.apply == not_built) continue;
    if (row.key == "client_secret") continue;
    keys += (keys.empty() ? "" : ", ") + std::string(row.key);
  }
  return keys;
}

}  // namespace

std::string check_section(std::string_view section) {
  if (const auto service = service_of(section); !service.empty()) {
    if (is_service_name(service)) return {};
    return "is not [service NAME] with the name of a file in /etc/pam.d";
  }
  const bool known =
      section != kService && std::ranges::find(kRows, section, &Row::section) != kRows.end();
  return known ? ""
               : "is not a section: there are [pool], [access], [mfa], [account], [limits] and "
                 "[service NAME]";
}

std::expected<void, std::string> apply_setting(Draft& draft, std::string_view section,
                                               std::string_view key, std::string_view value) {
  const std::string_view service = service_of(section);
  const std::string_view table = service.empty() ? section : kService;
  const auto row = std::ranges::find_if(
      kRows, [&](const Row& each) { return each.section == table && each.key == key; });
  if (row == kRows.end()) {
    const std::string keys = known_keys(table);
    if (keys.empty()) return std::unexpected(std::string(kNotBuilt));
    return std::unexpected("is not a key of this section: there are " + keys);
  }
  ServiceConfig* const of_service =
      service.empty() ? nullptr : &draft.config.services[std::string(service)];
  return row->apply({draft, of_service}, value);
}

}  // namespace pamcognito::policy
