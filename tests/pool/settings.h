#pragma once

#include <json/value.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace pamcognito::pool {

// The names that the API gives to the second factors.
inline constexpr char kSms[] = "SMS_MFA";
inline constexpr char kEmail[] = "EMAIL_OTP";
inline constexpr char kTotp[] = "SOFTWARE_TOKEN_MFA";

// A pool that tracks devices: DeviceConfiguration of the API.
struct DeviceConfiguration {
  bool challenge_required_on_new_device = false;
  bool device_only_remembered_on_user_prompt = false;
};

// One user pool's settings; README.md describes each.
struct PoolSettings {
  std::string id = "eu-west-1_CogPool01";
  std::string mfa_configuration = "OPTIONAL";
  std::vector<std::string> mfa_types = {kSms, kTotp, kEmail};
  std::vector<std::string> alias_attributes = {"email", "phone_number", "preferred_username"};
  bool alias_before_username = false;
  bool case_sensitive = true;
  int64_t latency_ms = 0;
  int64_t srp_answer_s = 8;
  int64_t timestamp_tolerance_s = 300;
  bool srp_session = false;
  int64_t sms_code_digits = 6;
  int64_t email_code_digits = 8;
  bool totp_single_use = true;
  bool lockout = true;
  bool client_errors_400 = false;
  // The factors that MFA_SETUP offers; empty for all of mfa_types.
  std::vector<std::string> mfas_can_setup;
  bool verify_answers_error = false;
  int64_t password_min_length = 8;
  bool password_lowercase = true;
  bool password_uppercase = true;
  bool password_numbers = true;
  bool password_symbols = true;
  // How many passwords, the present one included, may not be chosen again.
  int64_t password_history = 0;
  int64_t temporary_password_days = 7;
  // The secret that AssociateSoftwareToken returns, base32; "": a new secret each time.
  std::string totp_secret;
  std::vector<std::string> required_attributes;
  std::vector<std::string> account_recovery = {"verified_email", "verified_phone_number"};
  int64_t confirmation_code_digits = 6;
  int64_t reset_code_s = 3600;
  int64_t sign_up_code_s = 24LL * 3600;
  // Calls in an hour for one user; 0: no limit.
  int64_t forgot_password_limit = 5;
  int64_t confirm_forgot_password_limit = 5;
  int64_t resend_limit = 5;
  int64_t confirm_sign_up_limit = 15;
  int64_t change_password_limit = 5;
  int64_t attribute_code_limit = 5;
  int64_t verify_attribute_limit = 15;
  int64_t attribute_code_s = 24LL * 3600;
  // Wrong answers to one code that was sent; 0: no limit.
  int64_t wrong_codes_limit = 0;
  // Attributes whose change sends a code at once, and to which sign-up sends its code.
  std::vector<std::string> auto_verified_attributes = {"email", "phone_number"};
  bool admin_create_user_only = false;
  // The PreAuthentication trigger: the text of its refusal, "" for none.
  std::string pre_authentication_refusal;
  // The values that the trigger requires in InitiateAuth's ClientMetadata: an object of texts.
  Json::Value pre_authentication_requires_metadata = Json::Value(Json::objectValue);
  // Absent: the pool makes no device keys.
  std::optional<DeviceConfiguration> device_configuration;
  // Sign-ins that one user may have tokens of, the oldest is revoked for the next; 0: no limit.
  int64_t token_sessions_per_user = 0;
  // Switches for behaviour of the service that is unknown, or differs between pools.
  int64_t session_characters = 965;
  std::string unconfirmed_told = "respond";
  bool get_tokens_tells_status = false;
  std::string unconfirmed_device_refresh = "any";
  std::string disable_unset_factor = "messages";
  std::string stored_case = "lower_names";
  std::string missing_number = "exception";
  std::string imported_users = "invalid_parameter";
  std::string expired_password_text = "temporary_password";
  std::string list_limit_counts = "matches";

  // The part of the id after the underscore: what SRP hashes.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string region() const;
};

// One app client.
struct Client {
  std::string id = "1cognitopool2client3id45";
  std::optional<std::string> secret;
  std::vector<std::string> auth_flows = {"ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH",
                                         "ALLOW_REFRESH_TOKEN_AUTH"};
  std::string prevent_user_existence_errors = "ENABLED";
  // The attributes that its users may write; empty for all standard ones.
  std::vector<std::string> write_attributes;
  int64_t auth_session_validity_s = 180;
  int64_t access_token_validity_s = 3600;
  int64_t id_token_validity_s = 3600;
  int64_t refresh_token_validity_s = 30LL * 24 * 3600;
  bool enable_token_revocation = true;
  bool refresh_token_rotation = false;
  int64_t retry_grace_period_s = 0;

  [[nodiscard]] bool allows(const std::string& flow) const;
  // "Unknown user" must look like "wrong password".
  [[nodiscard]] bool hides_users() const { return prevent_user_existence_errors == "ENABLED"; }
};

[[nodiscard]] std::expected<void, std::string> update(PoolSettings& settings,
                                                      const Json::Value& from);
[[nodiscard]] std::expected<void, std::string> update(Client& client, const Json::Value& from);
[[nodiscard]] Json::Value to_json(const PoolSettings& settings);
[[nodiscard]] Json::Value to_json(const Client& client);

[[nodiscard]] bool contains(const std::vector<std::string>& list, const std::string& item);

}  // namespace pamcognito::pool
