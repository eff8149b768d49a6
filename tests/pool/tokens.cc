#include "tests/pool/tokens.h"

#include <utility>

#include "tests/pool/json_reader.h"

namespace pamcognito::pool {

namespace {

constexpr char kScope[] = "aws.cognito.signin.user.admin";

std::string encoded(const Json::Value& value) {
  return base64url_encode(to_text(value));
}

Json::Value common_claims(const TokenSubject& subject, const std::string& issuer, int64_t now_s) {
  Json::Value claims;
  claims["sub"] = subject.sub;
  claims["iss"] = issuer;
  claims["iat"] = Json::Int64{now_s};
  claims["auth_time"] = Json::Int64{subject.auth_time_s};
  claims["jti"] = random_uuid();
  claims["event_id"] = subject.event_id;
  if (!subject.origin_jti.empty()) claims["origin_jti"] = subject.origin_jti;
  if (!subject.groups.empty()) claims["cognito:groups"] = to_json(subject.groups);
  return claims;
}

Json::Value access_claims(const TokenSubject& subject, const std::string& issuer, int64_t now_s) {
  Json::Value claims = common_claims(subject, issuer, now_s);
  claims["token_use"] = "access";
  claims["username"] = subject.username;
  claims["client_id"] = subject.client_id;
  claims["scope"] = kScope;
  if (!subject.device_key.empty()) claims["device_key"] = subject.device_key;
  claims["exp"] = Json::Int64{now_s + subject.access_validity_s};
  return claims;
}

Json::Value id_claims(const TokenSubject& subject, const std::string& issuer, int64_t now_s) {
  Json::Value claims = common_claims(subject, issuer, now_s);
  claims["token_use"] = "id";
  claims["cognito:username"] = subject.username;
  claims["aud"] = subject.client_id;
  if (!subject.roles.empty()) {
    claims["cognito:roles"] = to_json(subject.roles);
    claims["cognito:preferred_role"] = subject.roles.front();
  }
  claims["exp"] = Json::Int64{now_s + subject.id_validity_s};
  for (const auto& [name, value] : subject.attributes) {
    if (name.ends_with("_verified")) {
      claims[name] = value == "true";
    } else {
      claims[name] = value;
    }
  }
  return claims;
}

void forge(Json::Value& claims, bool is_id, const std::string& kind, int64_t now_s) {
  if (kind == "expired") {
    claims["iat"] = Json::Int64{now_s - 7200};
    claims["exp"] = Json::Int64{now_s - 3600};
  } else if (kind == "no_expiry") {
    claims.removeMember("exp");
  } else if (kind == "wrong_client") {
    claims[is_id ? "aud" : "client_id"] = "9somebody8elses7client65";
  } else if (kind == "other_issuer") {
    claims["iss"] = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_OtherPool";
  } else if (kind == "other_user") {
    claims[is_id ? "cognito:username" : "username"] = "somebody-else";
    claims["sub"] = "0badf00d-0000-4000-8000-00000000bad0";
  } else if (kind == "other_sub" && is_id) {
    claims["sub"] = "0badf00d-0000-4000-8000-00000000bad0";
  }
}

void set_claims(Json::Value& claims, const Json::Value& changes) {
  if (!changes.isObject()) return;
  for (const std::string& name : changes.getMemberNames()) {
    if (changes[name].isNull()) {
      claims.removeMember(name);
    } else {
      claims[name] = changes[name];
    }
  }
}

// Signs forged tokens that claim to be this pool's; made once, because a key costs a tenth of a
// second.
const SigningKey& stray_key() {
  static const SigningKey kKey = SigningKey::generate();
  return kKey;
}

}  // namespace

TokenIssuer::TokenIssuer(SigningKey id_key, SigningKey access_key)
    : id_key_(std::move(id_key)), access_key_(std::move(access_key)) {}

std::expected<TokenIssuer, std::string> TokenIssuer::open(const std::string& state) {
  auto id_key = SigningKey::load_or_make(state + "/id-token-key.pem");
  if (!id_key) return std::unexpected(id_key.error());
  auto access_key = SigningKey::load_or_make(state + "/access-token-key.pem");
  if (!access_key) return std::unexpected(access_key.error());
  return TokenIssuer(std::move(*id_key), std::move(*access_key));
}

TokenPair TokenIssuer::issue(const TokenSubject& subject, int64_t now_s,
                             const Forgery& forgery) const {
  Json::Value id = id_claims(subject, issuer_, now_s);
  Json::Value access = access_claims(subject, issuer_, now_s);
  set_claims(id, forgery.id_claims);
  set_claims(access, forgery.access_claims);
  const std::string id_forgery = forgery.token == "access" ? "" : forgery.kind;
  const std::string access_forgery = forgery.token == "id" ? "" : forgery.kind;
  forge(id, true, id_forgery, now_s);
  forge(access, false, access_forgery, now_s);
  TokenPair pair{sign(id, id_key_, id_forgery), sign(access, access_key_, access_forgery)};
  if (forgery.kind == "swapped") std::swap(pair.id, pair.access);
  return pair;
}

std::string TokenIssuer::sign(const Json::Value& claims, const SigningKey& key,
                              const std::string& forgery_kind) const {
  const bool stray = forgery_kind == "other_kid" || forgery_kind == "wrong_key";
  Json::Value header;
  header["kid"] = forgery_kind == "other_kid" ? stray_key().kid() : key.kid();
  header["alg"] = "RS256";
  if (forgery_kind == "alg_none") header["alg"] = "none";
  if (forgery_kind == "hs256") header["alg"] = "HS256";
  const std::string signed_text = encoded(header) + "." + encoded(claims);

  std::string signature;
  if (forgery_kind == "hs256") {
    signature = hmac_sha256(key.public_pem(), signed_text);
  } else if (forgery_kind != "alg_none") {
    signature = (stray ? stray_key() : key).sign(signed_text);
  }
  if (forgery_kind == "bad_signature") signature[0] = static_cast<char>(signature[0] ^ 1);
  return signed_text + "." + base64url_encode(signature);
}

std::expected<Json::Value, std::string> TokenIssuer::verify_access(const std::string& jwt,
                                                                   int64_t now_s) const {
  const std::unexpected<std::string> invalid("Invalid Access Token");
  const size_t second_dot = jwt.rfind('.');
  const size_t first_dot = jwt.find('.');
  if (first_dot == std::string::npos || first_dot == second_dot) return invalid;
  const auto header_text = base64_decode(jwt.substr(0, first_dot));
  const auto claims_text = base64_decode(jwt.substr(first_dot + 1, second_dot - first_dot - 1));
  const auto signature = base64_decode(jwt.substr(second_dot + 1));
  if (!header_text || !claims_text || !signature) return invalid;
  const auto header = parse_json(*header_text);
  const auto claims = parse_json(*claims_text);
  if (!header || !claims) return invalid;

  const std::string kid = string_at(*header, "kid");
  const SigningKey* key = kid == access_key_.kid() ? &access_key_ : nullptr;
  for (const SigningKey& old : old_keys_) {
    if (kid == old.kid()) key = &old;
  }
  if (key == nullptr || string_at(*header, "alg") != "RS256" ||
      !key->verifies(jwt.substr(0, second_dot), *signature) ||
      string_at(*claims, "token_use") != "access" || string_at(*claims, "iss") != issuer_) {
    return invalid;
  }
  const Json::Value& expiry = (*claims)["exp"];
  if (!expiry.isInt64() || expiry.asInt64() <= now_s) {
    return std::unexpected("Access Token has expired");
  }
  return *claims;
}

Json::Value TokenIssuer::jwks() const {
  Json::Value out;
  out["keys"] = Json::arrayValue;
  out["keys"].append(id_key_.jwk());
  out["keys"].append(access_key_.jwk());
  for (const SigningKey& key : old_keys_) out["keys"].append(key.jwk());
  return out;
}

void TokenIssuer::rotate(bool keep_old) {
  SigningKey id = std::exchange(id_key_, SigningKey::generate());
  SigningKey access = std::exchange(access_key_, SigningKey::generate());
  if (keep_old) {
    old_keys_.push_back(std::move(id));
    old_keys_.push_back(std::move(access));
  } else {
    old_keys_.clear();
  }
}

std::vector<std::string> TokenIssuer::kids() const {
  std::vector<std::string> kids = {id_key_.kid(), access_key_.kid()};
  for (const SigningKey& key : old_keys_) kids.push_back(key.kid());
  return kids;
}

}  // namespace pamcognito::pool
