#include "daemon/policy/config.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/doctor/checks.h"
#include "cli/doctor/system.h"
#include "common/users_conf.h"
#include "daemon/policy/effective.h"
#include "daemon/prompts/catalogue.h"

namespace pamcognito::cli {
namespace {

// The column of the comment with a setting's origin, unless its value is longer.
constexpr std::size_t kOriginColumn = 40;

// "/etc/x.conf:7" as its file and line; line 0: there is none.
struct Place {
  std::string file;
  unsigned line = 0;
};

Place to_place(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {std::string(text), 0};
  const std::string_view digits = text.substr(colon + 1);
  unsigned line = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), line);
  if (error != std::errc() || end != digits.data() + digits.size()) return {std::string(text), 0};
  return {std::string(text.substr(0, colon)), line};
}

void put_place(Json::Value& object, std::string_view text) {
  const Place place = to_place(text);
  object["file"] = place.file;
  if (place.line != 0) object["line"] = place.line;
}

// "/etc/x.conf:7: wrong": `file`, `line` and `message`.
Json::Value report_to_json(const std::string& text) {
  Json::Value object;
  const std::size_t end = text.starts_with('/') ? text.find(": ") : std::string::npos;
  if (end != std::string::npos) put_place(object, std::string_view(text).substr(0, end));
  object["message"] = end == std::string::npos ? text : text.substr(end + 2);
  return object;
}

struct Reports {
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

void check_users_conf(const System& system, Reports& reports) {
  const std::string path = system.path(kUsersConfPath);
  const auto file = read_users_conf(path.c_str());
  if (!file) {
    reports.faults.push_back(file.error().reason);
    return;
  }
  if (file->absent) {
    reports.warnings.push_back(path + ": does not exist: nobody signs in with Cognito");
    return;
  }
  if (const std::string problem = missing_group_line(system, file->conf); !problem.empty())
    reports.warnings.push_back(path + ": " + problem);
}

void check_cognitod_conf(const System& system, Reports& reports) {
  const auto config = policy::load_config(system.path(policy::kConfigPath));
  if (!config) {
    reports.faults.push_back(config.error());
    return;
  }
  const auto language = prompts::use_language(prompts::kLocaleDirectory, config->texts.language);
  if (!language) reports.faults.push_back(language.error());
  for (const auto* more : {&config->warnings, &config->old_names})
    reports.warnings.insert(reports.warnings.end(), more->begin(), more->end());
}

Json::Value setting_to_json(const policy::EffectiveSetting& setting) {
  Json::Value object;
  object["section"] = setting.section;
  object["key"] = setting.key;
  object["value"] = setting.value;
  const bool is_default = setting.origin == policy::kDefaultOrigin;
  object["origin"] = is_default ? "default" : "file";
  if (!is_default) put_place(object, setting.origin);
  return object;
}

Result<policy::Config> load(const System& system) {
  auto config = policy::load_config(system.path(policy::kConfigPath));
  if (!config) return failure(ExitCode::failed, "invalid-configuration", config.error());
  return std::move(*config);
}

}  // namespace

ExitCode check_configuration(const Context& context) {
  const Output& out = context.out;
  const System system(context.root);
  Reports reports;
  check_users_conf(system, reports);
  check_cognitod_conf(system, reports);
  const bool valid = reports.faults.empty();

  Json::Value object;
  object["valid"] = valid;
  object["faults"] = Json::arrayValue;
  object["warnings"] = Json::arrayValue;
  for (const std::string& fault : reports.faults) {
    object["faults"].append(report_to_json(fault));
    out.line(out.paint(Style::bad, "fault: ") + out.paint(Style::plain, fault));
  }
  for (const std::string& warning : reports.warnings) {
    object["warnings"].append(report_to_json(warning));
    out.line(out.paint(Style::warning, "warning: ") + out.paint(Style::plain, warning));
  }
  out.object(object);
  out.line(valid ? "The configuration is valid." : "The configuration is not valid.");
  return valid ? ExitCode::ok : ExitCode::failed;
}

ExitCode show_configuration(const Context& context) {
  const Output& out = context.out;
  const auto config = load(System(context.root));
  if (!config) return out.fail(config.error());
  const std::vector<policy::EffectiveSetting> settings = policy::effective_settings(*config);

  Json::Value object;
  object["settings"] = Json::arrayValue;
  std::string section;
  for (const policy::EffectiveSetting& setting : settings) {
    object["settings"].append(setting_to_json(setting));
    if (setting.section != section) {
      if (!section.empty()) out.line();
      section = setting.section;
      out.line(out.paint(Style::strong, "[" + section + "]"));
    }
    std::string line = setting.key + " = " + setting.value;
    line.resize(std::max(line.size(), kOriginColumn), ' ');
    out.line(out.paint(Style::plain, line) + out.paint(Style::faint, "  # " + setting.origin));
  }
  out.object(object);
  return ExitCode::ok;
}

ExitCode get_setting(const Context& context, const std::string& section, const std::string& key) {
  const Output& out = context.out;
  const auto config = load(System(context.root));
  if (!config) return out.fail(config.error());
  std::string_view name = section;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  const auto setting = policy::effective_setting(*config, name, key);
  if (!setting)
    return out.fail({ExitCode::not_found, "no-such-setting",
                     "there is no setting [" + std::string(name) + "] " + key +
                         ": cognitoctl config show prints all"});
  out.object(setting_to_json(*setting));
  out.line(out.paint(Style::plain, setting->value));
  return ExitCode::ok;
}

}  // namespace pamcognito::cli
