#include "daemon/cognito/pool_config.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "common/ascii.h"
#include "daemon/cognito/url.h"

namespace pamcognito::cognito {
namespace {

constexpr std::size_t kMaxPoolId = 55;
constexpr std::size_t kMaxIssuer = 512;

bool is_word(char c) {
  return ascii::is_lower(c) || ascii::is_digit(c);
}

// Whether the region is `prefix` and then `word-digits`, as in us-gov-[west-1].
bool has_region_shape(std::string_view region, std::string_view prefix) {
  if (!region.starts_with(prefix)) return false;
  const std::string_view rest = region.substr(prefix.size());
  const auto dash = rest.find('-');
  if (dash == std::string_view::npos || dash == 0 || dash + 1 == rest.size()) return false;
  return std::ranges::all_of(rest.substr(0, dash), is_word) &&
         std::ranges::all_of(rest.substr(dash + 1), ascii::is_digit);
}

struct Partition {
  std::string_view region_prefix;
  std::string_view suffix;
};

// A narrower prefix precedes the wider one.
constexpr std::array kPartitions = {
    Partition{"us-gov-", "amazonaws.com"},   Partition{"us-isob-", "sc2s.sgov.gov"},
    Partition{"us-isof-", "csp.hci.ic.gov"}, Partition{"us-iso-", "c2s.ic.gov"},
    Partition{"eu-isoe-", "cloud.adc-e.uk"}, Partition{"eusc-de-", "amazonaws.eu"},
    Partition{"cn-", "amazonaws.com.cn"},    Partition{"us-", "amazonaws.com"},
    Partition{"eu-", "amazonaws.com"},       Partition{"ap-", "amazonaws.com"},
    Partition{"sa-", "amazonaws.com"},       Partition{"ca-", "amazonaws.com"},
    Partition{"me-", "amazonaws.com"},       Partition{"af-", "amazonaws.com"},
    Partition{"il-", "amazonaws.com"},       Partition{"mx-", "amazonaws.com"},
};

std::unexpected<EndpointError> wrong(std::string_view key, std::string message) {
  return std::unexpected(EndpointError{std::string(key), std::move(message)});
}

std::optional<EndpointError> check_pool_id(const EndpointSettings& settings) {
  if (!is_user_pool_id(settings.user_pool_id)) {
    return EndpointError{"user_pool_id",
                         "is not a user pool id such as eu-west-1_Example: copy it from the pool's "
                         "overview page"};
  }
  if (!settings.endpoint.empty()) return std::nullopt;
  if (dns_suffix(settings.region).empty()) {
    return EndpointError{"region", "is not an AWS region such as eu-west-1"};
  }
  if (region_of_pool_id(settings.user_pool_id) != settings.region) {
    return EndpointError{"user_pool_id", "belongs to region " +
                                             std::string(region_of_pool_id(settings.user_pool_id)) +
                                             ", but region is " + settings.region +
                                             ": make them agree, or set endpoint"};
  }
  return std::nullopt;
}

std::expected<std::string, EndpointError> derive_endpoint(const EndpointSettings& settings) {
  if (settings.endpoint.empty()) {
    return (settings.fips ? "https://cognito-idp-fips." : "https://cognito-idp.") +
           settings.region + "." + std::string(dns_suffix(settings.region));
  }
  if (settings.fips) return wrong("fips", "cannot be combined with endpoint: remove one of them");
  const auto url = parse_permitted_url(settings.endpoint);
  if (!url) return wrong("endpoint", url.error());
  if (!url->path.empty() && url->path != "/") {
    return wrong("endpoint", "has a path: the API is at /");
  }
  return settings.endpoint.ends_with('/')
             ? settings.endpoint.substr(0, settings.endpoint.size() - 1)
             : settings.endpoint;
}

std::expected<std::vector<std::string>, EndpointError> derive_issuers(
    const EndpointSettings& settings) {
  if (!settings.issuer.empty()) {
    const bool printable =
        std::ranges::all_of(settings.issuer, [](char c) { return c > ' ' && c < 0x7f; });
    if (!printable || settings.issuer.size() > kMaxIssuer) {
      return wrong("issuer", "is longer than 512 bytes, or has a character that is not printable");
    }
    return std::vector{settings.issuer};
  }
  const std::string region(region_of_pool_id(settings.user_pool_id));
  const std::string suffix(dns_suffix(region));
  if (suffix.empty()) {
    return wrong("issuer", "is needed: the pool id's region " + region + " is not one of AWS");
  }
  const std::string tail = region + "." + suffix + "/" + settings.user_pool_id;
  return std::vector{"https://cognito-idp." + tail, "https://issuer-cognito-idp." + tail};
}

std::expected<std::vector<std::string>, EndpointError> derive_jwks_uris(
    const EndpointSettings& settings, const std::vector<std::string>& issuers) {
  std::vector<std::string> uris;
  for (const std::string& issuer : issuers) {
    const bool given = !settings.jwks_uri.empty();
    std::string uri = given ? settings.jwks_uri : issuer + "/.well-known/jwks.json";
    if (const auto url = parse_permitted_url(uri); !url) {
      return given ? wrong("jwks_uri", url.error())
                   : wrong("issuer", url.error() + ": set jwks_uri, or correct it");
    }
    uris.push_back(std::move(uri));
  }
  return uris;
}

}  // namespace

std::string_view to_string(const std::optional<Method>& factor) {
  if (!factor) return "none";
  switch (*factor) {
    case Method::totp:
      return "totp";
    case Method::email:
      return "email";
    case Method::sms:
      return "sms";
    case Method::custom:
      return "custom";
  }
  return "none";
}

bool is_user_pool_id(std::string_view id) {
  const auto underscore = id.find('_');
  if (underscore == std::string_view::npos || underscore == 0 || underscore + 1 == id.size() ||
      id.size() > kMaxPoolId) {
    return false;
  }
  return std::ranges::all_of(id.substr(0, underscore),
                             [](char c) { return ascii::is_alphanumeric(c) || c == '-'; }) &&
         std::ranges::all_of(id.substr(underscore + 1), ascii::is_alphanumeric);
}

std::string_view region_of_pool_id(std::string_view id) {
  return id.substr(0, id.find('_'));
}

std::string_view name_of_pool_id(std::string_view id) {
  return id.substr(id.find('_') + 1);
}

std::string_view dns_suffix(std::string_view region) {
  for (const auto& [prefix, suffix] : kPartitions) {
    if (has_region_shape(region, prefix)) return suffix;
  }
  return {};
}

std::string check_proxy(std::string_view proxy) {
  const auto url = parse_url(proxy);
  if (!url) return url.error();
  return url->path.empty() || url->path == "/" ? "" : "has a path: a proxy is a host and a port";
}

std::expected<Endpoints, EndpointError> derive_endpoints(const EndpointSettings& settings) {
  if (auto error = check_pool_id(settings)) return std::unexpected(std::move(*error));
  auto endpoint = derive_endpoint(settings);
  if (!endpoint) return std::unexpected(std::move(endpoint.error()));
  auto issuers = derive_issuers(settings);
  if (!issuers) return std::unexpected(std::move(issuers.error()));
  auto jwks_uris = derive_jwks_uris(settings, *issuers);
  if (!jwks_uris) return std::unexpected(std::move(jwks_uris.error()));
  return Endpoints{std::move(*endpoint), std::move(*issuers), std::move(*jwks_uris)};
}

}  // namespace pamcognito::cognito
