#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pamcognito::cognito {

// The settings of [pool] that say where a user pool is, as they stand in the file; an absent one is
// empty.
struct EndpointSettings {
  std::string region;
  std::string user_pool_id;
  std::string endpoint;
  std::string issuer;
  std::string jwks_uri;
  bool fips = false;
};

// What follows from them, checked: PoolConfig's members of the same names.
struct Endpoints {
  std::string endpoint;
  std::vector<std::string> issuers;
  std::vector<std::string> jwks_uris;  // one for each issuer, in order
};

// `key` names the setting that is wrong ("user_pool_id"), for the caller's file and line; `message`
// says what is wrong and what to do.
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
