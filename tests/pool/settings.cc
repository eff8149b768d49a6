#include "tests/pool/settings.h"

#include <algorithm>

#include "tests/pool/json_reader.h"
#include "tests/pool/totp.h"

namespace pamcognito::pool {

std::string PoolSettings::name() const {
  return id.substr(id.find('_') + 1);
}

std::string PoolSettings::region() const {
  return id.substr(0, id.find('_'));
}

bool Client::allows(const std::string& flow) const {
  return contains(auth_flows, "ALLOW_" + flow) || contains(auth_flows, flow);
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::ranges::find(list, item) != list.end();
}

namespace {

constexpr int64_t kShortestSession = 20;  // of the API's model
constexpr int64_t kLongestSession = 8192;

bool is_map_of_texts(const Json::Value& value) {
  return value.isObject() &&
         std::ranges::all_of(value, [](const Json::Value& text) { return text.isString(); });
}

std::expected<std::optional<DeviceConfiguration>, std::string> read_device_configuration(
    const Json::Value& from) {
  if (from.isNull()) return std::nullopt;
  DeviceConfiguration read;
  JsonReader reader(from, "device_configuration");
  reader.read("challenge_required_on_new_device", read.challenge_required_on_new_device)
      .read("device_only_remembered_on_user_prompt", read.device_only_remembered_on_user_prompt);
  if (const auto finished = reader.finish(); !finished) return std::unexpected(finished.error());
  return read;
}

Json::Value to_json(const std::optional<DeviceConfiguration>& devices) {
  if (!devices) return {};
  Json::Value out;
  out["challenge_required_on_new_device"] = devices->challenge_required_on_new_device;
  out["device_only_remembered_on_user_prompt"] = devices->device_only_remembered_on_user_prompt;
  return out;
}

}  // namespace

std::expected<void, std::string> update(PoolSettings& settings, const Json::Value& from) {
  PoolSettings next = settings;
  Json::Value devices = to_json(next.device_configuration);
  JsonReader reader(from, "pool settings");
  reader.read("id", next.id)
      .read_word("mfa_configuration", next.mfa_configuration, {"OFF", "OPTIONAL", "ON"})
      .read("mfa_types", next.mfa_types)
      .read("alias_attributes", next.alias_attributes)
      .read("alias_before_username", next.alias_before_username)
      .read("case_sensitive", next.case_sensitive)
      .read("latency_ms", next.latency_ms)
      .read("srp_answer_s", next.srp_answer_s)
      .read("timestamp_tolerance_s", next.timestamp_tolerance_s)
      .read("srp_session", next.srp_session)
      .read("sms_code_digits", next.sms_code_digits)
      .read("email_code_digits", next.email_code_digits)
      .read("totp_single_use", next.totp_single_use)
      .read("lockout", next.lockout)
      .read("client_errors_400", next.client_errors_400)
      .read("mfas_can_setup", next.mfas_can_setup)
      .read("verify_answers_error", next.verify_answers_error)
      .read("password_min_length", next.password_min_length)
      .read("password_lowercase", next.password_lowercase)
      .read("password_uppercase", next.password_uppercase)
      .read("password_numbers", next.password_numbers)
      .read("password_symbols", next.password_symbols)
      .read("password_history", next.password_history)
      .read("temporary_password_days", next.temporary_password_days)
      .read("totp_secret", next.totp_secret)
      .read("required_attributes", next.required_attributes)
      .read("account_recovery", next.account_recovery)
      .read("confirmation_code_digits", next.confirmation_code_digits)
      .read("reset_code_s", next.reset_code_s)
      .read("sign_up_code_s", next.sign_up_code_s)
      .read("forgot_password_limit", next.forgot_password_limit)
      .read("confirm_forgot_password_limit", next.confirm_forgot_password_limit)
      .read("resend_limit", next.resend_limit)
      .read("confirm_sign_up_limit", next.confirm_sign_up_limit)
      .read("change_password_limit", next.change_password_limit)
      .read("attribute_code_limit", next.attribute_code_limit)
      .read("verify_attribute_limit", next.verify_attribute_limit)
      .read("attribute_code_s", next.attribute_code_s)
      .read("wrong_codes_limit", next.wrong_codes_limit)
      .read("auto_verified_attributes", next.auto_verified_attributes)
      .read("admin_create_user_only", next.admin_create_user_only)
      .read("pre_authentication_refusal", next.pre_authentication_refusal)
      .read("pre_authentication_requires_metadata", next.pre_authentication_requires_metadata)
      .read("device_configuration", devices)
      .read("token_sessions_per_user", next.token_sessions_per_user)
      .read("session_characters", next.session_characters)
      .read_word("unconfirmed_told", next.unconfirmed_told, {"initiate", "respond", "password"})
      .read("get_tokens_tells_status", next.get_tokens_tells_status)
      .read_word("unconfirmed_device_refresh", next.unconfirmed_device_refresh,
                 {"any", "key", "never"})
      .read_word("disable_unset_factor", next.disable_unset_factor, {"messages", "all", "none"})
      .read_word("stored_case", next.stored_case, {"lower_names", "lower", "kept"})
      .read_word("missing_number", next.missing_number, {"exception", "setup"})
      .read_word("imported_users", next.imported_users, {"invalid_parameter", "guide"})
      .read_word("expired_password_text", next.expired_password_text,
                 {"temporary_password", "user_account"})
      .read_word("list_limit_counts", next.list_limit_counts, {"matches", "scanned"});
  if (const auto read = reader.finish(); !read) return read;
  if (next.id.find('_') == std::string::npos || next.name().empty()) {
    return std::unexpected("pool settings: \"id\" must look like eu-west-1_Example");
  }
  if (!next.totp_secret.empty() && !base32_decode(next.totp_secret)) {
    return std::unexpected("pool settings: \"totp_secret\" is not base32");
  }
  if (!is_map_of_texts(next.pre_authentication_requires_metadata)) {
    return std::unexpected(
        "pool settings: \"pre_authentication_requires_metadata\" must be an object of texts");
  }
  if (next.session_characters < kShortestSession || next.session_characters > kLongestSession) {
    return std::unexpected("pool settings: \"session_characters\" must be 20 to 8192");
  }
  const auto configuration = read_device_configuration(devices);
  if (!configuration) return std::unexpected(configuration.error());
  next.device_configuration = *configuration;
  settings = std::move(next);
  return {};
}

std::expected<void, std::string> update(Client& client, const Json::Value& from) {
  Client next = client;
  JsonReader reader(from, "client");
  reader.read("client_id", next.id)
      .read("client_secret", next.secret)
      .read("explicit_auth_flows", next.auth_flows)
      .read_word("prevent_user_existence_errors", next.prevent_user_existence_errors,
                 {"ENABLED", "LEGACY"})
      .read("write_attributes", next.write_attributes)
      .read("auth_session_validity_s", next.auth_session_validity_s)
      .read("access_token_validity_s", next.access_token_validity_s)
      .read("id_token_validity_s", next.id_token_validity_s)
      .read("refresh_token_validity_s", next.refresh_token_validity_s)
      .read("enable_token_revocation", next.enable_token_revocation)
      .read("refresh_token_rotation", next.refresh_token_rotation)
      .read("retry_grace_period_s", next.retry_grace_period_s);
  if (const auto read = reader.finish(); !read) return read;
  client = std::move(next);
  return {};
}

Json::Value to_json(const PoolSettings& settings) {
  Json::Value out;
  out["id"] = settings.id;
  out["mfa_configuration"] = settings.mfa_configuration;
  out["mfa_types"] = to_json(settings.mfa_types);
  out["alias_attributes"] = to_json(settings.alias_attributes);
  out["alias_before_username"] = settings.alias_before_username;
  out["case_sensitive"] = settings.case_sensitive;
  out["latency_ms"] = Json::Int64{settings.latency_ms};
  out["srp_answer_s"] = Json::Int64{settings.srp_answer_s};
  out["timestamp_tolerance_s"] = Json::Int64{settings.timestamp_tolerance_s};
  out["srp_session"] = settings.srp_session;
  out["sms_code_digits"] = Json::Int64{settings.sms_code_digits};
  out["email_code_digits"] = Json::Int64{settings.email_code_digits};
  out["totp_single_use"] = settings.totp_single_use;
  out["lockout"] = settings.lockout;
  out["client_errors_400"] = settings.client_errors_400;
  out["mfas_can_setup"] = to_json(settings.mfas_can_setup);
  out["verify_answers_error"] = settings.verify_answers_error;
  out["password_min_length"] = Json::Int64{settings.password_min_length};
  out["password_lowercase"] = settings.password_lowercase;
  out["password_uppercase"] = settings.password_uppercase;
  out["password_numbers"] = settings.password_numbers;
  out["password_symbols"] = settings.password_symbols;
  out["password_history"] = Json::Int64{settings.password_history};
  out["temporary_password_days"] = Json::Int64{settings.temporary_password_days};
  out["totp_secret"] = settings.totp_secret;
  out["required_attributes"] = to_json(settings.required_attributes);
  out["account_recovery"] = to_json(settings.account_recovery);
  out["confirmation_code_digits"] = Json::Int64{settings.confirmation_code_digits};
  out["reset_code_s"] = Json::Int64{settings.reset_code_s};
  out["sign_up_code_s"] = Json::Int64{settings.sign_up_code_s};
  out["forgot_password_limit"] = Json::Int64{settings.forgot_password_limit};
  out["confirm_forgot_password_limit"] = Json::Int64{settings.confirm_forgot_password_limit};
  out["resend_limit"] = Json::Int64{settings.resend_limit};
  out["confirm_sign_up_limit"] = Json::Int64{settings.confirm_sign_up_limit};
  out["change_password_limit"] = Json::Int64{settings.change_password_limit};
  out["attribute_code_limit"] = Json::Int64{settings.attribute_code_limit};
  out["verify_attribute_limit"] = Json::Int64{settings.verify_attribute_limit};
  out["attribute_code_s"] = Json::Int64{settings.attribute_code_s};
  out["wrong_codes_limit"] = Json::Int64{settings.wrong_codes_limit};
  out["auto_verified_attributes"] = to_json(settings.auto_verified_attributes);
  out["admin_create_user_only"] = settings.admin_create_user_only;
  out["pre_authentication_refusal"] = settings.pre_authentication_refusal;
  out["pre_authentication_requires_metadata"] = settings.pre_authentication_requires_metadata;
  out["device_configuration"] = to_json(settings.device_configuration);
  out["token_sessions_per_user"] = Json::Int64{settings.token_sessions_per_user};
  out["session_characters"] = Json::Int64{settings.session_characters};
  out["unconfirmed_told"] = settings.unconfirmed_told;
  out["get_tokens_tells_status"] = settings.get_tokens_tells_status;
  out["unconfirmed_device_refresh"] = settings.unconfirmed_device_refresh;
  out["disable_unset_factor"] = settings.disable_unset_factor;
  out["stored_case"] = settings.stored_case;
  out["missing_number"] = settings.missing_number;
  out["imported_users"] = settings.imported_users;
  out["expired_password_text"] = settings.expired_password_text;
  out["list_limit_counts"] = settings.list_limit_counts;
  return out;
}

Json::Value to_json(const Client& client) {
  Json::Value out;
  out["client_id"] = client.id;
  out["client_secret"] = client.secret ? Json::Value(*client.secret) : Json::Value();
  out["explicit_auth_flows"] = to_json(client.auth_flows);
  out["prevent_user_existence_errors"] = client.prevent_user_existence_errors;
  out["write_attributes"] = to_json(client.write_attributes);
  out["auth_session_validity_s"] = Json::Int64{client.auth_session_validity_s};
  out["access_token_validity_s"] = Json::Int64{client.access_token_validity_s};
  out["id_token_validity_s"] = Json::Int64{client.id_token_validity_s};
  out["refresh_token_validity_s"] = Json::Int64{client.refresh_token_validity_s};
  out["enable_token_revocation"] = client.enable_token_revocation;
  out["refresh_token_rotation"] = client.refresh_token_rotation;
  out["retry_grace_period_s"] = Json::Int64{client.retry_grace_period_s};
  return out;
}

}  // namespace pamcognito::pool
