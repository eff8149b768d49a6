#include "daemon/policy/settings.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "common/protocol_limits.h"
#include "common/user_name.h"
#include "daemon/policy/key_values.h"
#include "daemon/policy/setting_names.h"
#include "daemon/policy/values.h"

namespace pamcognito::policy {
namespace {

using cognito::AuthFlow;
using Applied = std::expected<void, std::string>;
using std::chrono::days;
using std::chrono::seconds;

// The destination of a row's value. `service` is set in [service NAME] only.
struct Target {
  Draft& draft;
  ServiceConfig* service;
};
using Apply = Applied (*)(Target target, std::string_view value);

struct Row {
  std::string_view section;
  std::string_view key;
  std::string_view standard;  // the default, as a file would have it; empty: none, or a derived one
  Apply apply;
};

constexpr std::string_view kService = "service";
constexpr std::string_view kClientMetadata = "client_metadata";

template <class Place, class Value>
Applied put(Place& place, ValueResult<Value> value) {
  if (!value) return std::unexpected(std::move(value.error()));
  place = std::move(*value);
  return {};
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

Applied put_sent_metadata(ClientMetadataConfig& metadata, std::string_view value) {
  const auto words = parse_list(value);
  if (!words) return std::unexpected(words.error());
  metadata.host = metadata.service = metadata.remote_host = false;
  for (const std::string& word : *words) {
    const auto fact = parse_choice<bool ClientMetadataConfig::*>(
        word, {{"host", &ClientMetadataConfig::host},
               {"service", &ClientMetadataConfig::service},
               {"remote-host", &ClientMetadataConfig::remote_host}});
    if (!fact) return std::unexpected("has " + word + ", which " + fact.error());
    metadata.*(*fact) = true;
  }
  return {};
}

// [client_metadata] NAME = VALUE. Every key but `send` is a name.
Applied put_metadata_pair(ClientMetadataConfig& metadata, std::string_view name,
                          std::string_view value) {
  constexpr std::size_t kMaxPairs = 16;
  constexpr std::size_t kMaxValue = 256;
  if (!is_service_name(name)) {
    return std::unexpected("is not a name: 1 to 64 of A-Z, a-z, 0-9, _, . and -");
  }
  auto text = parse_text(value, kMaxValue);
  if (!text) return std::unexpected(std::move(text.error()));
  metadata.pairs.insert_or_assign(std::string(name), std::move(*text));
  if (metadata.pairs.size() > kMaxPairs)
    return std::unexpected("is the 17th name: 16 are the most");
  return {};
}

Applied put_service_groups(ServiceConfig& service, std::string_view value) {
  auto groups = parse_groups(value);
  if (groups && groups->empty()) {
    return std::unexpected("is empty: name the groups that the service is for, or remove the line");
  }
  return put(service.allow_groups, std::move(groups));
}

constexpr std::array kRows = {
    Row{"pool", "region", "",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.region, parse_word(v, 64));
        }},
    Row{"pool", "user_pool_id", "",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.user_pool_id, parse_word(v, 64));
        }},
    Row{"pool", "client_id", "",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.client_id, parse_client_id(v));
        }},
    Row{"pool", "client_secret", "",
        [](Target, std::string_view) -> Applied {
          return std::unexpected(
              "does not belong in a file that everybody may read: remove the line, and pass the "
              "secret as the systemd credential client_secret");
        }},
    Row{"pool", "auth_flow", "srp",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.auth_flow,
                     parse_choice<AuthFlow>(v, {{"srp", AuthFlow::srp},
                                                {"password", AuthFlow::password},
                                                {"custom-srp", AuthFlow::custom_srp},
                                                {"custom", AuthFlow::custom}}));
        }},
    Row{"pool", "endpoint", "",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.endpoint, parse_url_text(v));
        }},
    Row{"pool", "issuer", "",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.issuer, parse_url_text(v));
        }},
    Row{"pool", "jwks_uri", "",
        [](Target t, std::string_view v) {
          return put(t.draft.endpoint.jwks_uri, parse_url_text(v));
        }},
    Row{"pool", "fips", "no",
        [](Target t, std::string_view v) { return put(t.draft.endpoint.fips, parse_yes_no(v)); }},
    Row{"pool", "proxy", "",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.proxy, parse_proxy(v));
        }},
    Row{"pool", "ca_file", "",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.ca_file, parse_path(v));
        }},
    Row{"pool", "user_context", "no",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.user_context,
                     parse_choice<bool>(v, {{"no", false}, {"remote-host", true}}));
        }},

    Row{"access", "allow_groups", "",
        [](Target t, std::string_view v) {
          return put(t.draft.config.access.allow_groups, parse_groups(v));
        }},
    Row{"access", "allow_users", "",
        [](Target t, std::string_view v) { return put_allowed_users(t.draft.config.access, v); }},
    Row{"access", "cognito_username", "%u",
        [](Target t, std::string_view v) {
          return put(t.draft.config.access.cognito_username, parse_username_template(v));
        }},
    Row{"access", "identity", "username",
        [](Target t, std::string_view v) {
          return put(t.draft.config.access.identity,
                     parse_choice<Identity>(v, {{"username", Identity::username},
                                                {"email", Identity::email},
                                                {"pinned", Identity::pinned}}));
        }},
    Row{"access", "case_sensitive", "yes",
        [](Target t, std::string_view v) {
          return put(t.draft.config.access.case_sensitive, parse_yes_no(v));
        }},

    Row{"mfa", "require", "yes",
        [](Target t, std::string_view v) {
          return put(t.draft.config.mfa.require, parse_yes_no(v));
        }},
    Row{"mfa", "methods", "totp email sms",
        [](Target t, std::string_view v) {
          return put(t.draft.config.mfa.methods, parse_methods(v));
        }},
    Row{"mfa", "ask_method", "no",
        [](Target t, std::string_view v) {
          return put(t.draft.config.mfa.ask_method, parse_yes_no(v));
        }},
    Row{"mfa", "enroll", "when-required",
        [](Target t, std::string_view v) {
          return put(t.draft.config.mfa.enroll,
                     parse_choice<Enroll>(v, {{"never", Enroll::never},
                                              {"when-required", Enroll::when_required},
                                              {"at-console", Enroll::at_console},
                                              {"anywhere", Enroll::anywhere}}));
        }},
    Row{"mfa", "app_label", "Cognito",
        [](Target t, std::string_view v) {
          return put(t.draft.config.mfa.app_label, parse_app_label(v));
        }},

    Row{kClientMetadata, "send", "",
        [](Target t, std::string_view v) {
          return put_sent_metadata(t.draft.config.client_metadata, v);
        }},

    Row{"custom_challenge", "prompt", "prompt",
        [](Target t, std::string_view v) {
          return put(t.draft.config.custom_challenge.prompt, parse_parameters(v));
        }},
    Row{"custom_challenge", "show_answer", "no",
        [](Target t, std::string_view v) {
          return put(t.draft.config.custom_challenge.show_answer, parse_yes_no(v));
        }},

    Row{"password", "self_service", "no",
        [](Target t, std::string_view v) {
          return put(t.draft.config.password.self_service, parse_yes_no(v));
        }},
    Row{"password", "reset_services", "",
        [](Target t, std::string_view v) {
          return put(t.draft.config.password.reset_services, parse_services(v));
        }},

    Row{"texts", "language", "en",
        [](Target t, std::string_view v) {
          return put(t.draft.config.texts.language, parse_language(v));
        }},
    Row{"texts", "help", "",
        [](Target t, std::string_view v) { return put(t.draft.config.texts.help, parse_help(v)); }},
    Row{"texts", "show_trigger_message", "no",
        [](Target t, std::string_view v) {
          return put(t.draft.config.texts.show_trigger_message, parse_yes_no(v));
        }},

    Row{"session", "lifetime", "12h",
        [](Target t, std::string_view v) {
          return put(t.draft.config.session.lifetime, parse_duration(v, seconds(0), days(30)));
        }},
    Row{"session", "revalidate", "5min",
        [](Target t, std::string_view v) {
          return put(t.draft.config.session.revalidate, parse_duration(v, seconds(0), days(1)));
        }},
    Row{"session", "unreachable_grace", "0",
        [](Target t, std::string_view v) {
          return put(t.draft.config.session.unreachable_grace,
                     parse_duration(v, seconds(0), days(7)));
        }},
    Row{"session", "end_on_logout", "no",
        [](Target t, std::string_view v) {
          return put(t.draft.config.session.end_on_logout, parse_yes_no(v));
        }},

    Row{"break_glass", "unreachable_after", "5min",
        [](Target t, std::string_view v) {
          return put(t.draft.config.pool.unreachable_after,
                     parse_duration(v, std::chrono::minutes(1), std::chrono::hours(1)));
        }},

    Row{"metrics", "textfile", "",
        [](Target t, std::string_view v) {
          return put(t.draft.config.metrics.textfile, parse_path(v));
        }},

    Row{"keys", "last_sign_in_max_age", "7d",
        [](Target t, std::string_view v) {
          return put(t.draft.config.keys.last_sign_in_max_age,
                     parse_duration(v, seconds(0), days(365)));
        }},

    Row{"limits", "failures", "4",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.failures, parse_count(v, 1, 20));
        }},
    Row{"limits", "failures_unknown_origin", "3",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.failures_unknown_origin, parse_count(v, 1, 20));
        }},
    Row{"limits", "failure_window", "15min",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.failure_window, parse_window(v));
        }},
    Row{"limits", "messages", "5",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.messages, parse_count(v, 1, 50));
        }},
    Row{"limits", "messages_unanswered", "2",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.messages_unanswered, parse_count(v, 1, 50));
        }},
    Row{"limits", "message_window", "15min",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.message_window, parse_window(v));
        }},
    Row{"limits", "first_logins", "60",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.first_logins, parse_count(v, 1, 600));
        }},
    Row{"limits", "first_logins_per_source", "20",
        [](Target t, std::string_view v) {
          return put(t.draft.config.limits.first_logins_per_source, parse_count(v, 1, 600));
        }},

    Row{kService, "allow_groups", "",
        [](Target t, std::string_view v) { return put_service_groups(*t.service, v); }},
    Row{kService, "never_signed_in", "",
        [](Target t, std::string_view v) {
          return put(t.service->never_signed_in,
                     parse_choice<NeverSignedIn>(v, {{"deny", NeverSignedIn::deny},
                                                      {"allow", NeverSignedIn::allow},
                                                      {"allow-root", NeverSignedIn::allow_root}}));
        }},
    Row{kService, "single_prompt", "",
        [](Target t,
           std::string_view v) { return put(t.service->single_prompt, parse_yes_no(v)); }},
    Row{kService, "show_code", "",
        [](Target t, std::string_view v) { return put(t.service->show_code, parse_yes_no(v)); }},
    Row{kService, "qr", "", [](Target t, std::string_view v) { return put(t.service->qr, parse_qr(v)); }},
    Row{kService, "local_seat", "",
        [](Target t, std::string_view v) { return put(t.service->local_seat, parse_yes_no(v)); }},
    Row{kService, "sign_in_timeout", "",
        [](Target t,
           std::string_view
               v) { return put(t.service->sign_in_timeout, parse_duration(v, seconds(10), protocol::kMaxConversationTime)); }},
    Row{kService, "reauth", "",
        [](Target t, std::string_view v) {
          return put(t.service->reauth, parse_choice<Reauth>(v, {{"full", Reauth::full},
                                                                 {"password", Reauth::password},
                                                                 {"none", Reauth::none}}));
        }},
    Row{kService, "reauth_from", "",
        [](Target t, std::string_view v) {
          return put(t.service->reauth_from,
                     parse_choice<ReauthFrom>(
                         v, {{"login", ReauthFrom::login}, {"origin", ReauthFrom::origin}}));
        }},
    Row{kService, "mfa_max_age", "",
        [](Target t, std::string_view v) {
          return put(t.service->mfa_max_age, parse_duration(v, seconds(0), days(30)));
        }},
};

std::string known_keys(std::string_view section) {
  std::string keys;
  for (const Row& row : kRows) {
    if (row.section != section || row.key == "client_secret") continue;
    keys += (keys.empty() ? "" : ", ") + std::string(row.key);
  }
  return keys;
}

}  // namespace

std::string check_section(std::string_view section) {
  if (const auto service = service_of_section(section); !service.empty()) {
    if (is_service_name(service)) return {};
    return "is not [service NAME] with the name of a file in /etc/pam.d";
  }
  const bool known =
      section != kService && std::ranges::find(kRows, section, &Row::section) != kRows.end();
  return known ? ""
               : "is not a section: there are [pool], [access], [mfa], [password], "
                 "[custom_challenge], [client_metadata], [texts], [session], [keys], [limits], "
                 "[break_glass], [metrics] and [service NAME]";
}

std::expected<void, std::string> apply_setting(Draft& draft, std::string_view section,
                                               std::string_view key, std::string_view value) {
  const std::string_view service = service_of_section(section);
  const std::string_view table = service.empty() ? section : kService;
  const auto row = std::ranges::find_if(
      kRows, [&](const Row& each) { return each.section == table && each.key == key; });
  if (row == kRows.end() && table == kClientMetadata) {
    return put_metadata_pair(draft.config.client_metadata, key, value);
  }
  if (row == kRows.end())
    return std::unexpected(is_former_section(table)
                               ? "is not a key of this section"
                               : "is not a key of this section: there are " + known_keys(table));
  ServiceConfig* const of_service =
      service.empty() ? nullptr : &draft.config.services[std::string(service)];
  return row->apply({draft, of_service}, value);
}

std::vector<KnownSetting> known_settings() {
  std::vector<KnownSetting> known;
  for (const Row& row : kRows)
    if (row.key != "client_secret") known.push_back({row.section, row.key, row.standard});
  return known;
}

}  // namespace pamcognito::policy
