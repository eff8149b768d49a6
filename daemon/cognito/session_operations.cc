// Calls that keep a sign-in's tokens alive and end them: refreshes and devices.
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <expected>
#include <string>
#include <utility>

#include "daemon/cognito/base64.h"
#include "daemon/cognito/cognito_user_pool.h"
#include "daemon/cognito/secret_hash.h"
#include "daemon/cognito/srp.h"

namespace pamcognito::cognito {
namespace {

using runtime::Task;

constexpr std::size_t kDevicePasswordBytes = 40;  // as the field's clients make them
constexpr std::size_t kDeviceSaltBytes = 16;

template <std::size_t Size>
bool fill_randomly(std::array<unsigned char, Size>& bytes) {
  return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
}

// The verifier of a password that is forgotten at once.
PoolResult<srp::DeviceVerifier> verifier_of_random_password(const std::string& device_group_key,
                                                            const std::string& device_key) {
  std::array<unsigned char, kDevicePasswordBytes> password{};
  std::array<unsigned char, kDeviceSaltBytes> salt{};
  if (!fill_randomly(password) || !fill_randomly(salt)) return std::unexpected(openssl_failed());
  const auto verifier =
      srp::device_verifier(device_group_key, device_key, base64_encode(password), salt);
  OPENSSL_cleanse(password.data(), password.size());
  if (!verifier) return std::unexpected(openssl_failed());
  return *verifier;
}

// The tokens of a refresh. A refresh token that came back unchanged was not rotated.
PoolResult<Tokens> read_refreshed(const ApiAnswer& answer, const RefreshProof& proof,
                                  runtime::MonotonicTime received) {
  auto step = read_auth_answer(answer, proof.username, received);
  if (!step) return std::unexpected(std::move(step.error()));
  if (!step->tokens) return answer.bad_response("a refresh was answered with a challenge");
  if (step->tokens->refresh_token == proof.refresh_token) step->tokens->refresh_token.clear();
  return std::move(*step->tokens);
}

}  // namespace

Task<PoolResult<Tokens>> CognitoUserPool::refresh(RefreshProof proof, Call call) {
  if (refresh_by_ != RefreshBy::initiate_auth) {
    PoolResult<Tokens> tokens = co_await refresh_by_operation(&proof, call);
    const bool unknown = !tokens && tokens.error().kind == ErrorKind::unknown_operation;
    // Tokens prove that the endpoint knows the operation. From then on the other way is never
    // tried: where refresh tokens are rotated it must not be used.
    if (tokens) refresh_by_ = RefreshBy::operation;
    if (!unknown || refresh_by_ == RefreshBy::operation) co_return tokens;
  }
  PoolResult<Tokens> tokens = co_await refresh_by_initiate_auth(&proof, call);
  if (tokens) refresh_by_ = RefreshBy::initiate_auth;
  // The pool returns this after rotation was switched on. The next refresh tries the operation.
  if (!tokens && tokens.error().kind == ErrorKind::invalid_parameter) {
    refresh_by_ = RefreshBy::unknown;
  }
  co_return tokens;
}

Task<PoolResult<Tokens>> CognitoUserPool::refresh_by_operation(const RefreshProof* proof,
                                                               Call call) {
  JsonObjectWriter body;
  body.add("RefreshToken", proof->refresh_token).add("ClientId", config_.client_id);
  if (config_.client_secret) body.add("ClientSecret", config_.client_secret->reveal());
  if (!proof->device_key.empty()) body.add("DeviceKey", proof->device_key);
  PoolResult<ApiAnswer> answer =
      co_await api_.call(Operation::get_tokens_from_refresh_token, body.finish(), call);
  if (!answer) co_return without_password(std::move(answer.error()));
  co_return read_refreshed(*answer, *proof, clock_.now());
}

Task<PoolResult<Tokens>> CognitoUserPool::refresh_by_initiate_auth(const RefreshProof* proof,
                                                                   Call call) {
  StringMap parameters = {{"REFRESH_TOKEN", proof->refresh_token}};
  if (!proof->device_key.empty()) parameters["DEVICE_KEY"] = proof->device_key;
  if (config_.client_secret) {
    auto hash = secret_hash(config_.client_secret->reveal(), proof->username, config_.client_id);
    if (!hash) co_return std::unexpected(openssl_failed());
    parameters["SECRET_HASH"] = std::move(*hash);
  }
  PoolResult<ApiAnswer> answer =
      co_await api_.call(Operation::initiate_auth_refresh,
                         initiate_auth_body("REFRESH_TOKEN_AUTH", parameters, CallContext()), call);
  if (!answer) co_return without_password(std::move(answer.error()));
  co_return read_refreshed(*answer, *proof, clock_.now());
}

Task<PoolResult<void>> CognitoUserPool::confirm_device(std::string access_token,
                                                       std::string device_key,
                                                       std::string device_group_key,
                                                       std::string device_name, Call call) {
  const auto verifier = verifier_of_random_password(device_group_key, device_key);
  if (!verifier) co_return std::unexpected(verifier.error());
  JsonObjectWriter body;
  body.add("AccessToken", access_token)
      .add("DeviceKey", device_key)
      .begin_object("DeviceSecretVerifierConfig")
      .add("PasswordVerifier", verifier->password_verifier)
      .add("Salt", verifier->salt)
      .end_object();
  if (!device_name.empty() && is_utf8(device_name)) body.add("DeviceName", device_name);
  PoolResult<void> result =
      co_await call_without_result(Operation::confirm_device, body.finish(), call);
  // The pool made this key for this sign-in: if it is confirmed already, we did it, in a sending
  // whose answer was lost.
  if (!result && result.error().kind == ErrorKind::device_key_exists) co_return PoolResult<void>();
  if (!result) co_return without_password(std::move(result.error()));
  co_return result;
}

Task<PoolResult<void>> CognitoUserPool::forget_device(std::string access_token,
                                                      std::string device_key, Call call) {
  JsonObjectWriter body;
  body.add("AccessToken", access_token).add("DeviceKey", device_key);
  PoolResult<void> result =
      co_await call_without_result(Operation::forget_device, body.finish(), call);
  // The device is gone already: an earlier sending removed it, or an administrator.
  if (!result && result.error().kind == ErrorKind::resource_not_found) co_return PoolResult<void>();
  if (!result) co_return without_password(std::move(result.error()));
  co_return result;
}

}  // namespace pamcognito::cognito
