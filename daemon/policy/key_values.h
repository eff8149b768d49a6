#pragma once

#include <chrono>
#include <expected>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/policy/config.h"
#include "daemon/policy/values.h"

// Parsers of single keys of cognitod.conf, made of the grammars in values.h. Their error texts
// continue a sentence that begins with the key's name.
namespace pamcognito::policy {

// A word of the file.
template <class T>
struct Word {
  std::string_view word;
  T meaning;
};

template <class T>
ValueResult<T> parse_choice(std::string_view value, std::initializer_list<Word<T>> words) {
  std::string known;
  for (const auto& [word, meaning] : words) {
    if (word == value) return meaning;
    known += (known.empty() ? "" : " or ") + std::string(word);
  }
  return std::unexpected("is not " + known);
}

// [pool]
ValueResult<std::string> parse_client_id(std::string_view value);
ValueResult<std::string> parse_path(std::string_view value);
ValueResult<std::string> parse_proxy(std::string_view value);
// A URL's own grammar is the endpoint code's; here only what no line may do.
ValueResult<std::string> parse_url_text(std::string_view value);

// [access]
ValueResult<std::vector<std::string>> parse_groups(std::string_view value);
ValueResult<std::string> parse_username_template(std::string_view value);

// [mfa]
ValueResult<std::vector<cognito::Method>> parse_methods(std::string_view value);
// A colon is refused: it separates issuer and account in the label of an otpauth URI.
ValueResult<std::string> parse_app_label(std::string_view value);

// [custom_challenge]: names of public parameters, which the pool's trigger chooses.
ValueResult<std::vector<std::string>> parse_parameters(std::string_view value);

// [password]
ValueResult<std::vector<std::string>> parse_services(std::string_view value);

// [texts]
ValueResult<std::string> parse_language(std::string_view value);
ValueResult<std::string> parse_help(std::string_view value);

// [limits]
ValueResult<std::chrono::seconds> parse_window(std::string_view value);

// [service X]
ValueResult<Qr> parse_qr(std::string_view value);

}  // namespace pamcognito::policy
