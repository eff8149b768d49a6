#pragma once

#include <json/value.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/pool/api.h"
#include "tests/pool/json_reader.h"

// Tools of the pool's own tests: a pool with a few users, driven without a socket.
namespace pamcognito::pool {

inline constexpr char kOpenClient[] = "1open2client3id";
inline constexpr char kLegacyClient[] = "2legacy3client4id";
inline constexpr char kSecretClient[] = "3secret4client5id";
inline constexpr char kRotatingClient[] = "4rotating5client6id";

// The answer of one call, read.
struct Reply {
  int status = 0;
  Json::Value body;
  HttpAnswer raw;

  [[nodiscard]] std::string error() const { return string_at(body, "__type"); }
  [[nodiscard]] std::string message() const { return string_at(body, "message"); }
  [[nodiscard]] std::string challenge() const { return string_at(body, "ChallengeName"); }
  [[nodiscard]] std::string session() const { return string_at(body, "Session"); }
  [[nodiscard]] std::string parameter(const std::string& name) const {
    return string_at(body["ChallengeParameters"], name);
  }
  // A member of AuthenticationResult, "" when there are no tokens.
  [[nodiscard]] std::string token(const std::string& name) const {
    return string_at(body["AuthenticationResult"], name);
  }
};

// How a request is signed; a test changes what it spoils.
struct Signing {
  std::string access_key_id = "AKIDUNITTEST";
  std::string secret = "unit/test+secret";
  std::string session_token;
  std::string region = "eu-west-1";
  std::string service = "cognito-idp";
  std::string terminator = "aws4_request";
  // Added to the time of the signature, and besides to the date in the scope.
  int64_t skew_s = 0;
  int64_t scope_skew_s = 0;
  // A header that is sent and not signed.
  std::string unsigned_header;
  std::vector<std::pair<std::string, std::string>> more_headers;
};

class PoolUnderTest {
 public:
  PoolUnderTest();

  Reply call(const std::string& operation, const Json::Value& body);
  // A request that is signed, unless `spoil` changes it afterwards.
  using Spoil = void (*)(HttpRequest& request);
  Reply signed_call(const std::string& operation, const std::string& body, const Signing& how = {},
                    Spoil spoil = nullptr);
  Reply call_text(const std::string& operation, const std::string& body);
  // JSON text in, so that tests read like the wire.
  Reply initiate(const std::string& client, const std::string& flow,
                 const std::string& parameters_json);
  Reply respond(const std::string& client, const std::string& challenge, const std::string& session,
                const std::string& responses_json);
  // The whole password step by the password flow at the legacy client.
  Reply password_step(const std::string& username, const std::string& password);
  // InitiateAuth and PASSWORD_VERIFIER by SRP; `spoiled` breaks the proof.
  Reply srp_step(const std::string& client, const std::string& username,
                 const std::string& password, bool spoiled = false);
  // Tokens of a user without second factor.
  Reply tokens_for(const std::string& client, const std::string& username,
                   const std::string& password);

  Pool pool;
};

[[nodiscard]] Json::Value json(const std::string& text);
// SRP from the client's side, for a challenge's parameters.
struct SrpClient {
  SrpClient();
  [[nodiscard]] std::string signature(const std::string& pool_name, const Json::Value& challenge,
                                      const std::string& password,
                                      const std::string& timestamp) const;
  BigNumber secret;
  BigNumber public_value;
};
// TIMESTAMP's form of a Unix time.
[[nodiscard]] std::string timestamp_of(int64_t unix_s);

}  // namespace pamcognito::pool
