#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/secret.h"

// A user pool and app client: where they are, and how this machine speaks to them. [pool] of
// cognitod.conf names the region, the pool and the client; derive_endpoints() makes the URLs of the
// API and of the signing keys and the accepted issuers from them. The result is a PoolConfig, the
// only configuration that this layer reads: policy/ fills it in, CognitoUserPool works by it.
namespace pamcognito::cognito {

// How the first factor is proved. custom_srp: SRP, then the pool's custom challenges; custom: only
// those, and the text typed as the password answers the first one.
enum class AuthFlow : std::uint8_t { srp, password, custom_srp, custom };

// A second factor. custom: a custom challenge that was answered after the first factor.
enum class Method : std::uint8_t { totp, email, sms, custom };
// The stable word of a second factor, for the log and the bus; "none": none was given.
std::string_view to_string(const std::optional<Method>& factor);

// The app client's secret; may be null. Two are equal if their texts are.
struct ClientSecret : std::shared_ptr<const Secret> {
  ClientSecret() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): each secret pointer may become one
  ClientSecret(std::shared_ptr<const Secret> secret) : shared_ptr(std::move(secret)) {}
  bool operator==(const ClientSecret& other) const noexcept {
    return get() == nullptr || other.get() == nullptr ? get() == other.get()
                                                      : get()->equals(*other);
  }
};

// All URLs have been checked. A reload keeps the pool, its connections and its sessions only if the
// new configuration equals the old one.
struct PoolConfig {
  std::string region;
  std::string user_pool_id;
  std::string client_id;
  ClientSecret client_secret;  // the systemd credential client_secret
  AuthFlow auth_flow = AuthFlow::srp;
  std::string endpoint;              // URL of the API, derived or as given
  std::vector<std::string> issuers;  // accepted `iss`, exactly
  // One for each issuer, in the same order, unless jwks_uri was given: then it serves all.
  std::vector<std::string> jwks_uris;
  std::string proxy;                            // may be empty
  std::string ca_file;                          // PEM; default: the system's bundle
  std::chrono::seconds unreachable_after{300};  // [break_glass] unreachable_after
  bool user_context = false;  // user_context = remote-host: UserContextData.IpAddress is sent

  bool operator==(const PoolConfig&) const = default;
};

// The settings of [pool] that locate a user pool, as they are in the file. An absent one is empty.
struct EndpointSettings {
  std::string region;
  std::string user_pool_id;
  std::string endpoint;
  std::string issuer;
  std::string jwks_uri;
  bool fips = false;
};

// The addresses that follow from them, checked: PoolConfig's members of the same names.
struct Endpoints {
  std::string endpoint;
  std::vector<std::string> issuers;
  std::vector<std::string> jwks_uris;  // one for each issuer, in order
};

// `key` names the wrong setting ("user_pool_id"), for the caller's file and line. `message` names
// the fault and what to do.
struct EndpointError {
  std::string key;
  std::string message;
};

// Host names by region and partition:
// https://docs.aws.amazon.com/general/latest/gr/cognito_identity.html
//
// - endpoint: as given (https, or http to a loopback literal; no path), else by region and fips.
// - issuers: exactly the one given, else the two forms that AWS uses for the pool id's region, also
//   when the endpoint was given (PrivateLink, a replica).
// - jwks_uris: the one given for every issuer, else {issuer}/.well-known/jwks.json.
// The pool id must belong to `region` unless the endpoint was given; then `region` may be empty.
std::expected<Endpoints, EndpointError> derive_endpoints(const EndpointSettings& settings);

// ^[A-Za-z0-9-]+_[A-Za-z0-9]+$, at most 55 bytes.
bool is_user_pool_id(std::string_view id);

// The two parts of a valid pool id: eu-west-1 and Example of eu-west-1_Example.
std::string_view region_of_pool_id(std::string_view id);
std::string_view name_of_pool_id(std::string_view id);

// amazonaws.com for eu-west-1, amazonaws.com.cn for cn-north-1; empty: no partition has such a
// region.
std::string_view dns_suffix(std::string_view region);

// The reason why `proxy` is not a proxy's URL (http or https, a host, no path), or empty.
std::string check_proxy(std::string_view proxy);

}  // namespace pamcognito::cognito
