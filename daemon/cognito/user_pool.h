#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/secret.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/task.h"

// The user pool as sign-ins and sessions see it: operations and their results, nothing of HTTP or
// JSON. cognito_user_pool.h talks to a real one; tests script their own.
namespace pamcognito::cognito {

// The exceptions that the service model names for the operations used here, and the failures that
// are not answers. error_table.cc has a row for each.
enum class ErrorKind : std::uint8_t {
  // named by the service
  alias_exists,
  code_delivery_failure,
  code_mismatch,
  concurrent_modification,
  device_key_exists,
  enable_software_token_mfa,
  expired_code,
  feature_unavailable_in_tier,
  forbidden,
  internal_error,
  invalid_email_role_access_policy,
  invalid_lambda_response,
  invalid_parameter,
  invalid_password,
  invalid_sms_role_access_policy,
  invalid_sms_role_trust_relationship,
  invalid_user_pool_configuration,
  limit_exceeded,
  mfa_method_not_found,
  not_authorized,
  operation_not_enabled,
  password_history_policy_violation,
  password_reset_required,
  refresh_token_reuse,
  resource_not_found,
  software_token_mfa_not_found,
  too_many_failed_attempts,
  too_many_requests,
  unauthorized,
  unexpected_lambda,
  unsupported_operation,
  unsupported_token_type,
  user_lambda_validation,
  user_not_confirmed,
  user_not_found,
  username_exists,
  unknown_exception,           // named, but by a name that this version does not know
  unknown_operation,           // this endpoint does not know the operation
  user_disabled,               // NotAuthorizedException "User is disabled."
  temporary_password_expired,  // NotAuthorizedException: an admin must set a new one
  blocked_by_risk,             // NotAuthorizedException by which threat protection blocks a sign-in
  attempts_exceeded,           // NotAuthorizedException: the pool's lock after failed attempts
  imported_user,     // InvalidParameterException of InitiateAuth: no password was chosen yet
  waf_blocked,       // 403 without an exception's name: a web ACL in front of the pool
  captcha_required,  // 405: a web ACL wants a CAPTCHA or a challenge solved
  // not answers
  not_connected,    // name, TCP or TLS failed before anything was sent
  unreachable,      // the same, while the pool is proved unreachable (reachability.h)
  connection_cut,   // sent, no whole answer
  timed_out,        // sent, no answer within the deadline
  bad_response,     // an answer that breaks the protocol
  tokens_rejected,  // an answer whose tokens fail verification
  local_shortage,   // not made: no time, memory, port or connection was left on this machine
  internal,         // cognitod's own fault, such as no memory
};

// No connection to the pool, so that nothing was sent.
[[nodiscard]] constexpr bool is_not_connected(ErrorKind kind) noexcept {
  return kind == ErrorKind::not_connected || kind == ErrorKind::unreachable;
}

struct PoolError {
  ErrorKind kind = ErrorKind::internal;
  std::string message;     // the service's text or cognitod's: for the log; never shown as is
  std::string request_id;  // x-amzn-RequestId, may be empty
  // The password, or a proof of it, left this machine in this call: it may count as an attempt.
  bool password_sent = false;

  PoolError() = default;
  explicit PoolError(ErrorKind kind_, std::string message_ = {}, std::string request_id_ = {})
      : kind(kind_), message(std::move(message_)), request_id(std::move(request_id_)) {}
};

template <class T>
using PoolResult = std::expected<T, PoolError>;

enum class ChallengeName : std::uint8_t {
  sms_mfa,
  email_otp,
  software_token_mfa,
  select_mfa_type,
  mfa_setup,
  new_password_required,
  custom_challenge,
  other,  // wire_name has its name
};

// A question of the pool. `challenge_session` is single-use after success; an error leaves it
// valid.
struct Challenge {
  ChallengeName name = ChallengeName::other;
  std::string wire_name;
  std::string challenge_session;
  std::string username;  // what later calls of this sign-in send: USER_ID_FOR_SRP, else USERNAME
  std::map<std::string, std::string> parameters;
  std::string request_id;
  runtime::MonotonicTime received{};  // when the challenge session began to age

  Challenge() = default;
};

// The tokens of a completed sign-in. The strings are wiped when they are freed (runtime/wiping.cc).
struct Tokens {
  std::string access_token;
  std::string id_token;
  std::string refresh_token;
  std::string device_key;        // NewDeviceMetadata; may be empty
  std::string device_group_key;  // NewDeviceMetadata; may be empty
  std::string request_id;

  Tokens() = default;
};

// The state of a sign-in after a call: exactly one of the two is set. Small, because the frames of
// a waiting sign-in have room for several.
struct AuthStep {
  std::unique_ptr<Challenge> challenge;
  std::unique_ptr<Tokens> tokens;

  explicit AuthStep(Challenge next) : challenge(std::make_unique<Challenge>(std::move(next))) {}
  explicit AuthStep(Tokens done) : tokens(std::make_unique<Tokens>(std::move(done))) {}
};

// The claims that both tokens agree on, after signature, issuer, audience, use and times were
// verified.
struct VerifiedTokens {
  std::string sub;
  std::string username;  // `username` and `cognito:username`, which agree
  std::string email;
  bool email_verified = false;
  std::vector<std::string> groups;  // of the access token

  VerifiedTokens() = default;
};

using StringMap = std::map<std::string, std::string>;

// Data that accompanies each call of one sign-in, beside the call's own parameters.
struct CallContext {
  StringMap client_metadata;   // ClientMetadata: for the pool's Lambda triggers
  std::string remote_address;  // UserContextData.IpAddress, a literal address; empty: not sent

  CallContext() = default;
};

// The calls of one flow, for its line in the log: operation, how it ended, how long it took, and
// the pool's request id. Bounded: the last calls of a long flow are left out.
class CallTrace {
 public:
  void note(std::string_view operation, std::string_view ending, std::chrono::milliseconds took,
            std::string_view request_id);
  // The calls of another flow, for which this one waited too.
  void add(const CallTrace& other);
  // "InitiateAuth ok 52ms 6f1c…; RespondToAuthChallenge not-authorized 48ms 77ab…"
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

// How a call is bounded, and where it is noted; `trace` may be null, else it outlives the call.
struct Call {
  runtime::MonotonicTime deadline;
  CallTrace* trace;

  // Most callers have a deadline only.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Call(runtime::MonotonicTime deadline_, CallTrace* trace_ = nullptr)
      : deadline(deadline_), trace(trace_) {}
};

// A refresh token, and what its refresh needs besides.
struct RefreshProof {
  std::string refresh_token;
  std::string username;    // of the tokens: SECRET_HASH of REFRESH_TOKEN_AUTH
  std::string device_key;  // of a confirmed device; may be empty

  RefreshProof() = default;
};

// By what a person who sets up TOTP is known to the pool: exactly one is not empty.
struct SetUpProof {
  std::string challenge_session;  // of MFA_SETUP
  std::string access_token;

  static SetUpProof by_challenge_session(std::string challenge_session) {
    return {std::move(challenge_session), {}};
  }
  static SetUpProof by_access_token(std::string token) { return {{}, std::move(token)}; }

 private:
  SetUpProof(std::string session_, std::string access_token_)
      : challenge_session(std::move(session_)), access_token(std::move(access_token_)) {}
};

// AssociateSoftwareToken's answer.
struct SoftwareToken {
  std::string secret_code;        // base32, as the otpauth URI takes it
  std::string challenge_session;  // set-up by challenge session: the one to go on with

  SoftwareToken() = default;
};

// VerifySoftwareToken's answer.
struct SoftwareTokenCheck {
  bool verified = false;          // Status SUCCESS; an answer 200 with ERROR is a wrong code
  std::string challenge_session;  // set-up by challenge session: the one to go on with; may be
                                  // empty after ERROR

  SoftwareTokenCheck() = default;
};

// GetUser's answer, as far as it is used. Factors by their wire names (SOFTWARE_TOKEN_MFA …).
struct UserState {
  std::vector<std::string> enabled_factors;  // UserMFASettingList, else SMS of MFAOptions
  std::string preferred_factor;              // PreferredMfaSetting; may be empty

  UserState() = default;
};

struct FactorPreference {
  bool enabled;
  bool preferred;  // always sent: what its absence means is not documented
};

// SetUserMFAPreference: only the factors that change.
struct MfaPreference {
  std::optional<FactorPreference> sms;
  std::optional<FactorPreference> totp;
  std::optional<FactorPreference> email;

  MfaPreference() = default;
};

// CodeDeliveryDetails: where a code went. Foreign text.
struct CodeDelivery {
  std::string medium;       // SMS or EMAIL
  std::string destination;  // masked

  CodeDelivery() = default;
};

// One configured user pool. Every call ends by its deadline, retries included, and sends nothing
// that the caller did not ask for. Destroying the task abandons the call. `context` and secrets
// given by pointer outlive the task; neither is null.
// For an administrator.
struct ReachabilityReport {
  std::string_view state = "unknown";  // reachable, in-doubt, unreachable, by-proxy
  std::time_t since = 0;               // in doubt or unreachable since; seconds since the epoch
  std::size_t addresses = 0;           // that are remembered
  std::size_t fresh_addresses = 0;     // of these, those whose failure proves something
  std::time_t verified_at = 0;         // when one was last verified
};

class UserPool {
 public:
  UserPool() = default;
  UserPool(const UserPool&) = delete;
  UserPool& operator=(const UserPool&) = delete;
  virtual ~UserPool() = default;

  [[nodiscard]] virtual ReachabilityReport reachability() const { return {}; }
  // A user has signed in on this machine before, so it has reached a pool.
  virtual void note_earlier_contact() {}

  // A connection is opened, if none is idle, while the person types. Never fails, returns at once.
  virtual void prewarm() = 0;

  // The first factor: InitiateAuth and the answer to PASSWORD_VERIFIER (auth_flow = srp and
  // custom-srp), or InitiateAuth with the password (auth_flow = password). With auth_flow = custom
  // InitiateAuth alone: the password is not used, the custom challenge that follows asks for it.
  virtual runtime::Task<PoolResult<AuthStep>> sign_in(std::string username, const Secret* password,
                                                      const CallContext* context, Call call) = 0;

  // RespondToAuthChallenge. `responses` without USERNAME and SECRET_HASH, which are added here.
  virtual runtime::Task<PoolResult<AuthStep>> respond(Challenge challenge, StringMap responses,
                                                      const CallContext* context, Call call) = 0;

  // Verifies both tokens; may fetch the pool's keys.
  virtual runtime::Task<PoolResult<VerifiedTokens>> verify(const Tokens* tokens, Call call) = 0;

  // RevokeToken: the refresh token and all access tokens made from it.
  virtual runtime::Task<PoolResult<void>> revoke(std::string refresh_token, Call call) = 0;

  // GetTokensFromRefreshToken; REFRESH_TOKEN_AUTH where the endpoint does not know that. The
  // answer's refresh_token is empty unless the pool rotated it: then the old one ends, at once or
  // after the app client's grace period. The same call may be made again after a lost answer.
  virtual runtime::Task<PoolResult<Tokens>> refresh(RefreshProof proof, Call call) = 0;

  // ConfirmDevice of the device that NewDeviceMetadata named: from then on each refresh wants its
  // key. The device's password is random and forgotten: DEVICE_SRP_AUTH is never answered.
  virtual runtime::Task<PoolResult<void>> confirm_device(std::string access_token,
                                                         std::string device_key,
                                                         std::string device_group_key,
                                                         std::string device_name, Call call) = 0;
  virtual runtime::Task<PoolResult<void>> forget_device(std::string access_token,
                                                        std::string device_key, Call call) = 0;

  // AssociateSoftwareToken: a new secret. The one that the user has stays until a code of the new
  // one is verified.
  virtual runtime::Task<PoolResult<SoftwareToken>> associate_software_token(SetUpProof proof,
                                                                            Call call) = 0;
  // VerifySoftwareToken. `code`: six digits.
  virtual runtime::Task<PoolResult<SoftwareTokenCheck>> verify_software_token(
      SetUpProof proof, std::string code, std::string device_name, Call call) = 0;

  virtual runtime::Task<PoolResult<UserState>> get_user(std::string access_token, Call call) = 0;
  virtual runtime::Task<PoolResult<void>> set_mfa_preference(std::string access_token,
                                                             MfaPreference preference,
                                                             Call call) = 0;

  // ForgotPassword: sends a code.
  virtual runtime::Task<PoolResult<CodeDelivery>> forgot_password(std::string username,
                                                                  const CallContext* context,
                                                                  Call call) = 0;
  virtual runtime::Task<PoolResult<void>> confirm_forgot_password(std::string username,
                                                                  std::string code,
                                                                  const Secret* new_password,
                                                                  const CallContext* context,
                                                                  Call call) = 0;
  // ResendConfirmationCode: sends the code of a sign-up once more.
  virtual runtime::Task<PoolResult<CodeDelivery>> resend_confirmation_code(
      std::string username, const CallContext* context, Call call) = 0;
  virtual runtime::Task<PoolResult<void>> confirm_sign_up(std::string username, std::string code,
                                                          const CallContext* context,
                                                          Call call) = 0;
  virtual runtime::Task<PoolResult<void>> change_password(std::string access_token,
                                                          const Secret* previous,
                                                          const Secret* proposed, Call call) = 0;
};

}  // namespace pamcognito::cognito
