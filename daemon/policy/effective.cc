#include "daemon/policy/effective.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/policy/reauth.h"
#include "daemon/policy/service_profile.h"
#include "daemon/policy/setting_names.h"
#include "daemon/policy/settings.h"
#include "daemon/policy/values.h"

namespace pamcognito::policy {
namespace {

constexpr std::string_view kService = "service";
constexpr std::string_view kClientMetadata = "client_metadata";

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string yes_no(bool value) {
  return value ? "yes" : "no";
}

std::string to_text(Qr qr) {
  switch (qr) {
    case Qr::none:
      return "no";
    case Qr::half_blocks:
      return "yes";
    case Qr::ascii:
      return "ascii";
  }
  return "no";
}

// The value that counts if no file has the key of [service NAME].
std::string service_default(const Config& config, std::string_view service, std::string_view key) {
  const ServiceProfile profile = service_profile(&config, service);
  const ReauthRule rule = reauth_rule(config, service);
  if (key == "never_signed_in") return std::string(to_string(profile.never_signed_in));
  if (key == "single_prompt") return yes_no(profile.single_prompt);
  if (key == "show_code") return yes_no(profile.show_code);
  if (key == "qr") return to_text(profile.qr);
  if (key == "local_seat") return yes_no(profile.local_seat);
  if (key == "sign_in_timeout") return format_duration(profile.sign_in_timeout);
  if (key == "reauth") return std::string(to_string(rule.mode));
  if (key == "reauth_from") return std::string(to_string(rule.from));
  if (key == "mfa_max_age") return format_duration(rule.mfa_max_age);
  return {};
}

// The value that other keys give, or the default.
std::string derived(const Config& config, const KnownSetting& setting) {
  const auto is = [&](std::string_view section, std::string_view key) {
    return setting.section == section && setting.key == key;
  };
  if (is("pool", "region")) return config.pool.region;
  if (is("pool", "endpoint")) return config.pool.endpoint;
  if (is("pool", "issuer")) return joined(config.pool.issuers);
  if (is("pool", "jwks_uri")) return joined(config.pool.jwks_uris);
  if (is("pool", "ca_file")) return config.pool.ca_file;
  if (is("limits", "failures_unknown_origin"))
    return std::to_string(config.limits.failures_unknown_origin);
  if (is("limits", "first_logins_per_source"))
    return std::to_string(config.limits.first_logins_per_source);
  return std::string(setting.standard);
}

EffectiveSetting setting_of(const Config& config, const std::string& section,
                            const KnownSetting& known) {
  const auto given = config.given.find({section, std::string(known.key)});
  if (given != config.given.end())
    return {section, std::string(known.key), given->second.value, given->second.place};
  const std::string_view service = service_of_section(section);
  return {section, std::string(known.key),
          service.empty() ? derived(config, known) : service_default(config, service, known.key),
          std::string(kDefaultOrigin)};
}

bool is_known(const std::vector<KnownSetting>& known, std::string_view section,
              std::string_view key) {
  return std::ranges::any_of(
      known, [&](const KnownSetting& each) { return each.section == section && each.key == key; });
}

}  // namespace

std::vector<EffectiveSetting> effective_settings(const Config& config) {
  const std::vector<KnownSetting> known = known_settings();
  std::vector<EffectiveSetting> settings;
  for (const KnownSetting& each : known) {
    if (each.section != kService)
      settings.push_back(setting_of(config, std::string(each.section), each));
  }
  for (const auto& [name, given] : config.given) {
    const auto& [section, key] = name;
    const bool is_pair = section == kClientMetadata && !is_known(known, section, key);
    if (is_pair || !service_of_section(section).empty())
      settings.push_back({section, key, given.value, given.place});
  }
  // A pair of [client_metadata] belongs to the keys of its section.
  std::vector<std::string> sections;
  for (const EffectiveSetting& each : settings)
    if (std::ranges::find(sections, each.section) == sections.end())
      sections.push_back(each.section);
  std::vector<EffectiveSetting> ordered;
  for (const std::string& section : sections)
    std::ranges::copy_if(settings, std::back_inserter(ordered),
                         [&](const EffectiveSetting& each) { return each.section == section; });
  return ordered;
}

std::optional<EffectiveSetting> effective_setting(const Config& config, std::string_view section,
                                                  std::string_view key) {
  const NamedSetting named = by_present_name(section, key, {});
  const std::string_view service = service_of_section(named.section);
  const std::string_view table = service.empty() ? std::string_view(named.section) : kService;
  for (const KnownSetting& each : known_settings())
    if (each.section == table && each.key == named.key &&
        (service.empty() || is_service_name(service)))
      return setting_of(config, named.section, each);
  const auto pair = config.given.find({named.section, named.key});
  if (pair == config.given.end()) return std::nullopt;
  return EffectiveSetting{named.section, named.key, pair->second.value, pair->second.place};
}

}  // namespace pamcognito::policy
