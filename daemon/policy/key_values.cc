#include "daemon/policy/key_values.h"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <utility>

#include "common/ascii.h"
#include "daemon/cognito/pool_config.h"
#include "daemon/policy/service_profile.h"
#include "daemon/policy/values.h"

namespace pamcognito::policy {

using cognito::Method;
using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;

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
  if (words->empty()) {
    return std::unexpected("is empty: name at least one of totp, email, sms, custom");
  }
  std::vector<Method> methods;
  for (const std::string& word : *words) {
    const auto method = parse_choice<Method>(word, {{"totp", Method::totp},
                                                    {"email", Method::email},
                                                    {"sms", Method::sms},
                                                    {"custom", Method::custom}});
    if (!method) return std::unexpected("has " + word + ", which " + method.error());
    methods.push_back(*method);
  }
  return methods;
}

ValueResult<std::string> parse_client_id(std::string_view value) {
  constexpr std::size_t kMaxClientId = 128;
  const bool fits =
      !value.empty() && value.size() <= kMaxClientId && std::ranges::all_of(value, [](char c) {
        return ascii::is_alphanumeric(c) || c == '_' || c == '+';
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

ValueResult<std::string> parse_url_text(std::string_view value) {
  return parse_word(value, 1024);
}

ValueResult<Qr> parse_qr(std::string_view value) {
  return parse_choice<Qr>(value,
                          {{"no", Qr::none}, {"yes", Qr::half_blocks}, {"ascii", Qr::ascii}});
}

ValueResult<std::string> parse_app_label(std::string_view value) {
  constexpr std::size_t kMaxIssuer = 64;
  if (value.find(':') != std::string_view::npos) return std::unexpected("has a colon in it");
  return parse_text(value, kMaxIssuer);
}

ValueResult<std::string> parse_language(std::string_view value) {
  if (is_language(value)) return std::string(value);
  return std::unexpected("is not the name of a language, such as de or pt_BR");
}

ValueResult<std::string> parse_help(std::string_view value) {
  constexpr std::size_t kMaxHelp = 160;  // two lines of a terminal
  return parse_text(value, kMaxHelp);
}

ValueResult<std::vector<std::string>> parse_services(std::string_view value) {
  auto services = parse_list(value);
  if (!services) return services;
  for (const std::string& service : *services) {
    if (!is_service_name(service)) {
      return std::unexpected("names " + service + ", which is no file in /etc/pam.d");
    }
    if (has_built_in_profile(service)) {
      return std::unexpected("names " + service +
                             ", which people sign in by: make a PAM service for resets alone");
    }
  }
  return services;
}

ValueResult<std::vector<std::string>> parse_parameters(std::string_view value) {
  constexpr std::size_t kMaxNames = 8;
  constexpr std::size_t kMaxName = 64;
  auto names = parse_list(value);
  if (!names) return names;
  if (names->size() > kMaxNames) return std::unexpected("names more than 8 parameters");
  for (const std::string& name : *names) {
    if (name.size() > kMaxName) return std::unexpected("has a name of more than 64 bytes");
  }
  return names;
}

ValueResult<seconds> parse_window(std::string_view value) {
  return parse_duration(value, minutes(1), days(1));
}

}  // namespace pamcognito::policy
