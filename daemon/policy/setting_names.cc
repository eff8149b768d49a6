#include "daemon/policy/setting_names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pamcognito::policy {
namespace {

constexpr std::string_view kServicePrefix = "service ";
constexpr std::string_view kLocker = "locker";
constexpr std::string_view kService = "service";  // in the table: each [service NAME]

using Words = std::array<std::pair<std::string_view, std::string_view>, 4>;
constexpr Words kSameWords{};

// A key that has another name since 0.2.0, and its words that have.
struct Renaming {
  std::string_view old_section;
  std::string_view old_key;
  std::string_view section;
  std::string_view key;
  Words words = kSameWords;
};

constexpr std::array kRenamings = {
    Renaming{"access", "username", "access", "cognito_username"},
    Renaming{"access", "identity", "access", "identity", {{{"file", "pinned"}}}},
    Renaming{"mfa", "issuer", "mfa", "app_label"},
    Renaming{"mfa", "choose", "mfa", "ask_method", {{{"policy", "no"}, {"ask", "yes"}}}},
    Renaming{"mfa",
             "enrol",
             "mfa",
             "enroll",
             {{{"no", "never"},
               {"pool", "when-required"},
               {"local", "at-console"},
               {"yes", "anywhere"}}}},
    Renaming{"custom_challenge", "echo", "custom_challenge", "show_answer"},
    Renaming{"texts", "trigger_refusal", "texts", "show_trigger_message"},
    Renaming{"session",
             "end_with",
             "session",
             "end_on_logout",
             {{{"lifetime", "no"}, {"last-logout", "yes"}}}},
    Renaming{"account", "facts_max_age", "keys", "last_sign_in_max_age"},
    Renaming{kService, "unknown", kService, "never_signed_in"},
    Renaming{kService, "deadline", kService, "sign_in_timeout"},
    Renaming{kService, "prompts", kService, "single_prompt", {{{"one", "yes"}, {"many", "no"}}}},
    Renaming{kService, "echo", kService, "show_code"},
    Renaming{kService, "console", kService, "local_seat"},
};

std::string line_of(std::string_view section, std::string_view key, std::string_view value) {
  std::string text = "[" + std::string(section) + "] " + std::string(key);
  if (!value.empty()) text.append(" = ").append(value);
  return text;
}

}  // namespace

std::string_view service_of_section(std::string_view section) {
  if (!section.starts_with(kServicePrefix)) return {};
  return service_by_name(section.substr(kServicePrefix.size()));
}

std::string section_of_service(std::string_view service) {
  return std::string(kServicePrefix).append(service == kUserService ? kLocker : service);
}

std::string_view service_by_name(std::string_view name) {
  return name == kLocker ? kUserService : name;
}

std::string present_section(std::string_view section) {
  const std::string_view service = service_of_section(section);
  return service.empty() ? std::string(section) : section_of_service(service);
}

bool is_former_section(std::string_view section) {
  return std::ranges::any_of(kRenamings,
                             [&](const Renaming& each) { return each.old_section == section; }) &&
         std::ranges::none_of(kRenamings,
                              [&](const Renaming& each) { return each.section == section; });
}

NamedSetting by_present_name(std::string_view section, std::string_view key,
                             std::string_view value) {
  NamedSetting setting{present_section(section), std::string(key), std::string(value), {}};
  const bool is_service = !service_of_section(section).empty();
  const std::string_view table = is_service ? kService : section;
  const auto found = std::ranges::find_if(kRenamings, [&](const Renaming& each) {
    return each.old_section == table && each.old_key == key;
  });
  if (found == kRenamings.end()) return setting;
  if (!is_service) setting.section = found->section;
  setting.key = found->key;
  const auto word = std::ranges::find_if(
      found->words, [&](const auto& each) { return !each.first.empty() && each.first == value; });
  const bool has_new_word = word != found->words.end();
  if (has_new_word) setting.value = word->second;
  if (!has_new_word && found->old_key == found->key) return setting;
  setting.renamed = line_of(section, key, has_new_word ? value : std::string_view()) + " is now " +
                    line_of(setting.section, setting.key,
                            has_new_word ? std::string_view(setting.value) : std::string_view());
  return setting;
}

}  // namespace pamcognito::policy
