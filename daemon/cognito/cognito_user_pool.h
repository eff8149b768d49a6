#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "daemon/cognito/api_client.h"
#include "daemon/cognito/auth_answer.h"
#include "daemon/cognito/http.h"
#include "daemon/cognito/key_cache.h"
#include "daemon/cognito/key_pair_stock.h"
#include "daemon/cognito/pool_config.h"
#include "daemon/cognito/reaching_http.h"
#include "daemon/cognito/token_verifier.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/worker.h"

namespace pamcognito::cognito {

// A real user pool. API:
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
class CognitoUserPool final : public UserPool {
 public:
  // The references outlive this. `config` has been checked by the loader.
  CognitoUserPool(runtime::EventLoop& loop, runtime::Clock& clock, std::unique_ptr<Http> http,
                  PoolConfig config, std::unique_ptr<ReachingHttp> reaching = nullptr);

  [[nodiscard]] ReachabilityReport reachability() const override;
  void note_earlier_contact() override;
  void prewarm() override;
  runtime::Task<PoolResult<AuthStep>> sign_in(std::string username, const Secret* password,
                                              const CallContext* context, Call call) override;
  runtime::Task<PoolResult<AuthStep>> respond(Challenge challenge, StringMap responses,
                                              const CallContext* context, Call call) override;
  runtime::Task<PoolResult<VerifiedTokens>> verify(const Tokens* tokens, Call call) override;
  runtime::Task<PoolResult<void>> revoke(std::string refresh_token, Call call) override;

  // session_operations.cc
  runtime::Task<PoolResult<Tokens>> refresh(RefreshProof proof, Call call) override;
  runtime::Task<PoolResult<void>> confirm_device(std::string access_token, std::string device_key,
                                                 std::string device_group_key,
                                                 std::string device_name, Call call) override;
  runtime::Task<PoolResult<void>> forget_device(std::string access_token, std::string device_key,
                                                Call call) override;

  // account_operations.cc
  runtime::Task<PoolResult<SoftwareToken>> associate_software_token(SetUpProof proof,
                                                                    Call call) override;
  runtime::Task<PoolResult<SoftwareTokenCheck>> verify_software_token(SetUpProof proof,
                                                                      std::string code,
                                                                      std::string device_name,
                                                                      Call call) override;
  runtime::Task<PoolResult<UserState>> get_user(std::string access_token, Call call) override;
  runtime::Task<PoolResult<void>> set_mfa_preference(std::string access_token,
                                                     MfaPreference preference, Call call) override;
  runtime::Task<PoolResult<CodeDelivery>> forgot_password(std::string username,
                                                          const CallContext* context,
                                                          Call call) override;
  runtime::Task<PoolResult<void>> confirm_forgot_password(std::string username, std::string code,
                                                          const Secret* new_password,
                                                          const CallContext* context,
                                                          Call call) override;
  runtime::Task<PoolResult<CodeDelivery>> resend_confirmation_code(std::string username,
                                                                   const CallContext* context,
                                                                   Call call) override;
  runtime::Task<PoolResult<void>> confirm_sign_up(std::string username, std::string code,
                                                  const CallContext* context, Call call) override;
  runtime::Task<PoolResult<void>> change_password(std::string access_token, const Secret* previous,
                                                  const Secret* proposed, Call call) override;

 private:
  runtime::Task<PoolResult<AuthStep>> sign_in_by_srp(std::string username, const Secret* password,
                                                     const CallContext* context, Call call);
  runtime::Task<PoolResult<AuthStep>> sign_in_by_password(std::string username,
                                                          const Secret* password,
                                                          const CallContext* context, Call call);
  runtime::Task<PoolResult<AuthStep>> sign_in_by_custom_challenge(std::string username,
                                                                  const CallContext* context,
                                                                  Call call);
  // ForgotPassword and ResendConfirmationCode, which ask and answer alike.
  runtime::Task<PoolResult<CodeDelivery>> send_code(Operation operation, std::string username,
                                                    const CallContext* context, Call call);
  // An operation that answers with nothing. The error's password_sent: did the request go out?
  runtime::Task<PoolResult<void>> call_without_result(Operation operation, std::string body,
                                                      Call call);
  runtime::Task<PoolResult<Tokens>> refresh_by_operation(const RefreshProof* proof, Call call);
  runtime::Task<PoolResult<Tokens>> refresh_by_initiate_auth(const RefreshProof* proof, Call call);
  runtime::Task<void> open_connection();

  // AuthParameters or ChallengeResponses for `username`, with SECRET_HASH where the client needs
  // it.
  PoolResult<StringMap> with_user(StringMap parameters, const std::string& username) const;
  // The same for an operation that has ClientId, Username and SecretHash as members of its own.
  PoolResult<JsonObjectWriter> body_with_user(const std::string& username) const;
  PoolResult<StringMap> password_claim(const PasswordVerifierChallenge& verifier,
                                       const srp::KeyPair& pair, const Secret& password) const;
  std::string initiate_auth_body(const char* flow, const StringMap& parameters,
                                 const CallContext& context) const;
  std::string respond_body(const std::string& challenge, const std::string& session,
                           const StringMap& responses, const CallContext& context) const;

  runtime::EventLoop& loop_;
  runtime::Clock& clock_;
  PoolConfig config_;
  std::unique_ptr<Http> http_;
  std::unique_ptr<ReachingHttp> reaching_;  // over http_; may be null
  ApiClient api_;
  KeyCache keys_;
  TokenVerifier verifier_;
  KeyPairStock key_pairs_;
  std::string prewarm_jwks_uri_;  // one at the API's own origin, or empty
  runtime::MonotonicTime next_prewarm_{};
  runtime::EventLoop::Spawned prewarming_;
  // How this endpoint refreshes tokens, as far as it has shown it.
  enum class RefreshBy : std::uint8_t { unknown, operation, initiate_auth };
  RefreshBy refresh_by_ = RefreshBy::unknown;
};

// The file with the pool's known addresses.
struct PoolMemory {
  runtime::Worker& disk;
  std::string file;

  PoolMemory(runtime::Worker& disk_, std::string file_) : disk(disk_), file(std::move(file_)) {}
};

// The pool of `config` over libcurl. The error says what of it cannot be used (ca_file). With a
// memory its reachability is watched in the background (reaching_http.h); without one it is not,
// and it is never proved unreachable.
std::expected<std::unique_ptr<UserPool>, std::string> make_user_pool(
    runtime::EventLoop& loop, runtime::Clock& clock, const PoolConfig& config,
    const PoolMemory* memory = nullptr);

}  // namespace pamcognito::cognito
