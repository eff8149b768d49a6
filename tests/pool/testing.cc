#include "tests/pool/testing.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <utility>

#include "tests/pool/sigv4.h"
#include "tests/pool/srp.h"

namespace pamcognito::pool {

namespace {

constexpr char kSeed[] = R"({
  "pool": {"id": "eu-west-1_UnitTest1"},
  "access_keys": [{"access_key_id": "AKIDUNITTEST", "secret_access_key": "unit/test+secret"}],
  "clients": [
    {"client_id": "1open2client3id"},
    {"client_id": "2legacy3client4id", "prevent_user_existence_errors": "LEGACY",
     "explicit_auth_flows": ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]},
    {"client_id": "3secret4client5id", "client_secret": "not a secret",
     "explicit_auth_flows": ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]},
    {"client_id": "4rotating5client6id", "refresh_token_rotation": true}],
  "users": [
    {"username": "plain", "password": "pw-plain", "groups": ["g1"],
     "attributes": {"email": "plain@example.com", "email_verified": "true"}},
    {"username": "totp", "password": "pw-totp",
     "mfa": {"enabled": ["SOFTWARE_TOKEN_MFA"], "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}},
    {"username": "sms", "password": "pw-sms", "attributes": {"phone_number": "+15550004567"},
     "mfa": {"enabled": ["SMS_MFA"]}},
    {"username": "mail", "password": "pw-mail",
     "attributes": {"email": "mail@example.com", "preferred_username": "postie"},
     "mfa": {"enabled": ["EMAIL_OTP"]}},
    {"username": "both", "password": "pw-both", "attributes": {"phone_number": "+15550001234"},
     "mfa": {"enabled": ["SMS_MFA", "SOFTWARE_TOKEN_MFA"],
             "totp_secret": "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"}}]})";

// A directory that goes with the program.
class KeyDirectory {
 public:
  KeyDirectory() {
    char name[] = "/tmp/cognito-pool-keys-XXXXXX";
    require_crypto(mkdtemp(name) != nullptr, "mkdtemp");
    path_ = name;
  }
  ~KeyDirectory() { std::filesystem::remove_all(path_); }
  KeyDirectory(const KeyDirectory&) = delete;
  KeyDirectory& operator=(const KeyDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// One pair of keys for all tests of a program: making them takes a fifth of a second.
TokenIssuer shared_issuer() {
  static const KeyDirectory kKeys;
  auto issuer = TokenIssuer::open(kKeys.path());
  require_crypto(issuer.has_value(), "token keys");
  issuer->set_issuer("https://127.0.0.1:1/eu-west-1_UnitTest1");
  return std::move(*issuer);
}

HttpRequest request_of(const std::string& operation, const std::string& body) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/";
  request.target = "AWSCognitoIdentityProviderService." + operation;
  request.body = body;
  return request;
}

Reply answer_to(Pool& pool, const HttpRequest& request) {
  Reply reply;
  reply.raw = answer_api(pool, request);
  reply.status = reply.raw.status;
  reply.body = parse_json(reply.raw.body).value_or(Json::Value(Json::objectValue));
  return reply;
}

}  // namespace

Json::Value json(const std::string& text) {
  const auto value = parse_json(text);
  require_crypto(value.has_value(), text.c_str());
  return *value;
}

PoolUnderTest::PoolUnderTest() : pool(shared_issuer()) {
  const auto loaded = pool.load(json(kSeed));
  require_crypto(loaded.has_value(), loaded ? "" : loaded.error().c_str());
}

Reply PoolUnderTest::call_text(const std::string& operation, const std::string& body) {
  return answer_to(pool, request_of(operation, body));
}

Reply PoolUnderTest::signed_call(const std::string& operation, const std::string& body,
                                 const Signing& how, Spoil spoil) {
  HttpRequest request = request_of(operation, body);
  const int64_t signed_s = pool.clock.wall_s() + how.skew_s;
  Authorization given;
  given.access_key_id = how.access_key_id;
  given.date = amz_date(signed_s + how.scope_skew_s).substr(0, 8);
  given.region = how.region;
  given.service = how.service;
  given.terminator = how.terminator;
  request.headers = how.more_headers;
  request.headers.emplace_back("host", "127.0.0.1:8443");
  request.headers.emplace_back("x-amz-date", amz_date(signed_s));
  request.headers.emplace_back("x-amz-target", request.target);
  if (!how.session_token.empty()) {
    request.headers.emplace_back("x-amz-security-token", how.session_token);
  }
  for (const auto& [name, value] : request.headers) {
    if (name != how.unsigned_header && !given.signs(name)) given.signed_headers.push_back(name);
  }
  std::ranges::sort(given.signed_headers);
  std::string names;
  for (const std::string& name : given.signed_headers) names += (names.empty() ? "" : ";") + name;
  const std::string signature =
      signature_of(signing_key(how.secret, given.date, given.region, given.service),
                   string_to_sign(amz_date(signed_s), given.scope(),
                                  canonical_request(request, given.signed_headers)));
  request.headers.emplace_back(
      "authorization", std::string(kSigningAlgorithm) + " Credential=" + given.access_key_id + "/" +
                           given.scope() + ", SignedHeaders=" + names + ", Signature=" + signature);
  if (spoil != nullptr) spoil(request);
  return answer_to(pool, request);
}

Reply PoolUnderTest::call(const std::string& operation, const Json::Value& body) {
  return call_text(operation, to_text(body));
}

Reply PoolUnderTest::initiate(const std::string& client, const std::string& flow,
                              const std::string& parameters_json) {
  Json::Value body;
  body["AuthFlow"] = flow;
  body["ClientId"] = client;
  body["AuthParameters"] = json(parameters_json);
  return call("InitiateAuth", body);
}

Reply PoolUnderTest::respond(const std::string& client, const std::string& challenge,
                             const std::string& session, const std::string& responses_json) {
  Json::Value body;
  body["ChallengeName"] = challenge;
  body["ClientId"] = client;
  body["Session"] = session;
  body["ChallengeResponses"] = json(responses_json);
  return call("RespondToAuthChallenge", body);
}

Reply PoolUnderTest::password_step(const std::string& username, const std::string& password) {
  Json::Value parameters;
  parameters["USERNAME"] = username;
  parameters["PASSWORD"] = password;
  return initiate(kLegacyClient, "USER_PASSWORD_AUTH", to_text(parameters));
}

Reply PoolUnderTest::srp_step(const std::string& client, const std::string& username,
                              const std::string& password, bool spoiled) {
  const SrpClient srp;
  Json::Value parameters;
  parameters["USERNAME"] = username;
  parameters["SRP_A"] = number_hex(srp.public_value.get());
  const Reply first = initiate(client, "USER_SRP_AUTH", to_text(parameters));
  if (first.challenge() != "PASSWORD_VERIFIER") return first;
  const std::string timestamp = timestamp_of(pool.clock.wall_s());
  Json::Value responses;
  responses["USERNAME"] = first.parameter("USER_ID_FOR_SRP");
  responses["PASSWORD_CLAIM_SECRET_BLOCK"] = first.parameter("SECRET_BLOCK");
  responses["TIMESTAMP"] = timestamp;
  responses["PASSWORD_CLAIM_SIGNATURE"] =
      srp.signature(pool.settings.name(), first.body["ChallengeParameters"],
                    spoiled ? password + "x" : password, timestamp);
  return respond(client, "PASSWORD_VERIFIER", first.session(), to_text(responses));
}

Reply PoolUnderTest::tokens_for(const std::string& client, const std::string& username,
                                const std::string& password) {
  return srp_step(client, username, password);
}

SrpClient::SrpClient() : secret(number_from_hex(hex_encode(random_bytes(32)))) {
  public_value.reset(BN_new());
  const BigNumber generator = number_from_hex("2");
  const BigNumber prime(BN_get_rfc3526_prime_3072(nullptr));
  BN_CTX* context = BN_CTX_new();
  BN_mod_exp(public_value.get(), generator.get(), secret.get(), prime.get(), context);
  BN_CTX_free(context);
}

std::string SrpClient::signature(const std::string& pool_name, const Json::Value& challenge,
                                 const std::string& password, const std::string& timestamp) const {
  const BigNumber prime(BN_get_rfc3526_prime_3072(nullptr));
  const BigNumber generator = number_from_hex("2");
  const std::string user_id = string_at(challenge, "USER_ID_FOR_SRP");
  const BigNumber b_public = number_from_hex(string_at(challenge, "SRP_B"));
  const BigNumber salt = number_from_hex(string_at(challenge, "SALT"));
  const BigNumber u =
      number_from_hex(hex_encode(sha256(padded(public_value.get()) + padded(b_public.get()))));
  const BigNumber x = number_from_hex(
      hex_encode(sha256(padded(salt.get()) + sha256(pool_name + user_id + ":" + password))));
  const BigNumber k =
      number_from_hex(hex_encode(sha256(padded(prime.get()) + padded(generator.get()))));

  // S = (B - k g^x)^(a + u x).
  BN_CTX* context = BN_CTX_new();
  const BigNumber base(BN_new());
  const BigNumber exponent(BN_new());
  const BigNumber premaster(BN_new());
  BN_mod_exp(base.get(), generator.get(), x.get(), prime.get(), context);
  BN_mod_mul(base.get(), k.get(), base.get(), prime.get(), context);
  BN_mod_sub(base.get(), b_public.get(), base.get(), prime.get(), context);
  BN_mul(exponent.get(), u.get(), x.get(), context);
  BN_add(exponent.get(), exponent.get(), secret.get());
  BN_mod_exp(premaster.get(), base.get(), exponent.get(), prime.get(), context);
  BN_CTX_free(context);

  const std::string pseudo_random_key = hmac_sha256(padded(u.get()), padded(premaster.get()));
  const std::string key =
      hmac_sha256(pseudo_random_key, std::string("Caldera Derived Key") + '\x01').substr(0, 16);
  const auto secret_block = base64_decode(string_at(challenge, "SECRET_BLOCK"));
  return claim_signature(key, pool_name, user_id, secret_block.value_or(""), timestamp);
}

std::string timestamp_of(int64_t unix_s) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t when = unix_s;
  std::tm utc{};
  gmtime_r(&when, &utc);
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), "%s %s %d %02d:%02d:%02d UTC %d",
                      kDays.at(static_cast<size_t>(utc.tm_wday)),
                      kMonths.at(static_cast<size_t>(utc.tm_mon)), utc.tm_mday, utc.tm_hour,
                      utc.tm_min, utc.tm_sec, utc.tm_year + 1900);
  return text.data();
}

}  // namespace pamcognito::pool
