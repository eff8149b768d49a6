#include "daemon/cognito/pool_config.h"

#include <memory>
#include <string>

#include "daemon/cognito/url.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using cognito::derive_endpoints;
using cognito::EndpointSettings;

EndpointSettings settings_for(const std::string& region) {
  EndpointSettings settings;
  settings.region = region;
  settings.user_pool_id = region + "_Example";
  return settings;
}

struct Host {
  const char* region;
  bool fips;
  const char* endpoint;
};

void hosts_by_region_partition_and_fips(void**) {
  const Host table[] = {
      {"eu-west-1", false, "https://cognito-idp.eu-west-1.amazonaws.com"},
      {"us-east-2", true, "https://cognito-idp-fips.us-east-2.amazonaws.com"},
      {"mx-central-1", false, "https://cognito-idp.mx-central-1.amazonaws.com"},
      {"il-central-1", false, "https://cognito-idp.il-central-1.amazonaws.com"},
      {"us-gov-west-1", true, "https://cognito-idp-fips.us-gov-west-1.amazonaws.com"},
      {"cn-north-1", false, "https://cognito-idp.cn-north-1.amazonaws.com.cn"},
      {"cn-northwest-1", false, "https://cognito-idp.cn-northwest-1.amazonaws.com.cn"},
      {"eusc-de-east-1", false, "https://cognito-idp.eusc-de-east-1.amazonaws.eu"},
      {"us-iso-east-1", false, "https://cognito-idp.us-iso-east-1.c2s.ic.gov"},
      {"us-isob-east-1", false, "https://cognito-idp.us-isob-east-1.sc2s.sgov.gov"},
      {"eu-isoe-west-1", false, "https://cognito-idp.eu-isoe-west-1.cloud.adc-e.uk"},
      {"us-isof-south-1", false, "https://cognito-idp.us-isof-south-1.csp.hci.ic.gov"},
  };
  for (const auto& [region, fips, endpoint] : table) {
    auto settings = settings_for(region);
    settings.fips = fips;
    const auto endpoints = derive_endpoints(settings);
    assert_true(endpoints.has_value());
    assert_text(endpoints->endpoint, endpoint);
  }
}

void the_issuer_has_two_forms(void**) {
  const auto endpoints = derive_endpoints(settings_for("eu-west-1"));
  assert_int_equal(endpoints->issuers.size(), 2);
  assert_text(endpoints->issuers[0],
              "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example");
  assert_text(endpoints->issuers[1],
              "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example");
  assert_int_equal(endpoints->jwks_uris.size(), 2);
  assert_text(endpoints->jwks_uris[1],
              "https://issuer-cognito-idp.eu-west-1.amazonaws.com/"
              "eu-west-1_Example/.well-known/jwks.json");
}

void an_endpoint_of_ones_own_keeps_the_issuers(void**) {
  auto settings = settings_for("eu-west-1");
  settings.region = "eu-central-1";
  settings.endpoint = "https://vpce-1.cognito-idp.eu-central-1.vpce.amazonaws.com/";
  const auto endpoints = derive_endpoints(settings);
  assert_text(endpoints->endpoint, "https://vpce-1.cognito-idp.eu-central-1.vpce.amazonaws.com");
  assert_text(endpoints->issuers[0],
              "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example");
}

void what_is_given_is_taken_as_it_is(void**) {
  EndpointSettings settings;
  settings.user_pool_id = "local_Example";
  settings.endpoint = "http://127.0.0.1:9229";
  settings.issuer = "http://localhost:9229/local_Example";
  settings.jwks_uri = "http://127.0.0.1:9229/local_Example/.well-known/jwks.json";
  const auto endpoints = derive_endpoints(settings);
  assert_true(endpoints.has_value());
  assert_int_equal(endpoints->issuers.size(), 1);
  assert_text(endpoints->issuers[0], settings.issuer);
  assert_text(endpoints->jwks_uris[0], settings.jwks_uri);
}

struct Wrong {
  const char* key;
  void (*change)(EndpointSettings& settings);
};

void what_is_wrong_is_named(void**) {
  const Wrong table[] = {
      {"user_pool_id", [](auto& s) { s.user_pool_id = ""; }},
      {"user_pool_id", [](auto& s) { s.user_pool_id = "eu-west-1"; }},
      {"user_pool_id", [](auto& s) { s.user_pool_id = "eu-west-1_"; }},
      {"user_pool_id", [](auto& s) { s.user_pool_id = "_Example"; }},
      {"user_pool_id", [](auto& s) { s.user_pool_id = "eu-west-1_Exa_mple"; }},
      {"user_pool_id", [](auto& s) { s.user_pool_id = "eu-west-1_Exa-mple"; }},
      {"user_pool_id", [](auto& s) { s.user_pool_id = "eu-west-1_Exa mple"; }},
      {"user_pool_id", [](auto& s) { s.user_pool_id = "eu-west-1_" + std::string(46, 'x'); }},
      {"user_pool_id", [](auto& s) { s.user_pool_id = "eu-west-2_Example"; }},
      {"region", [](auto& s) { s.region = ""; }},
      {"region", [](auto& s) { s.region = "eu-west"; }},
      {"region", [](auto& s) { s.region = "xx-west-1"; }},
      {"region", [](auto& s) { s.region = "eu-west-1.evil.example"; }},
      {"fips",
       [](auto& s) {
         s.fips = true;
         s.endpoint = "https://example.com";
       }},
      {"endpoint", [](auto& s) { s.endpoint = "http://example.com"; }},
      {"endpoint", [](auto& s) { s.endpoint = "http://localhost:9229"; }},
      {"endpoint", [](auto& s) { s.endpoint = "https://example.com/path"; }},
      {"endpoint", [](auto& s) { s.endpoint = "https://user@example.com"; }},
      {"endpoint", [](auto& s) { s.endpoint = "https://example.com?x"; }},
      {"endpoint", [](auto& s) { s.endpoint = "https://example.com:0"; }},
      {"endpoint", [](auto& s) { s.endpoint = "https://example.com:65536"; }},
      {"endpoint", [](auto& s) { s.endpoint = "https://"; }},
      {"endpoint", [](auto& s) { s.endpoint = "example.com"; }},
      {"issuer", [](auto& s) { s.issuer = "https://example.com/a b"; }},
      {"issuer", [](auto& s) { s.issuer = "http://example.com/pool"; }},
      {"issuer",
       [](auto& s) {
         s.endpoint = "https://example.com";
         s.user_pool_id = "local_Example";
       }},
      {"jwks_uri", [](auto& s) { s.jwks_uri = "http://example.com/keys"; }},
  };
  for (const auto& [key, change] : table) {
    auto settings = settings_for("eu-west-1");
    change(settings);
    const auto endpoints = derive_endpoints(settings);
    assert_false(endpoints.has_value());
    assert_text(endpoints.error().key, key);
    assert_true(!endpoints.error().message.empty());
  }
  auto longest = settings_for("eu-west-1");
  longest.user_pool_id = "eu-west-1_" + std::string(45, 'x');
  assert_true(derive_endpoints(longest).has_value());
}

void loopback_is_an_address_and_not_a_name(void**) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1"}) {
    assert_true(cognito::is_loopback_literal(host));
  }
  for (const char* host :
       {"localhost", "127.0.0.1.example.com", "128.0.0.1", "::2", "127.1", "0.0.0.0", ""}) {
    assert_false(cognito::is_loopback_literal(host));
  }
  assert_true(cognito::parse_permitted_url("http://[::1]:9229/x").has_value());
  assert_false(cognito::parse_permitted_url("http://[::2]/").has_value());
  assert_false(cognito::parse_permitted_url("http://127.0.0.1@example.com/").has_value());
}

void origins(void**) {
  const auto same = [](const char* left, const char* right) {
    return cognito::same_origin(*cognito::parse_url(left), *cognito::parse_url(right));
  };
  assert_true(same("https://Example.com", "https://example.com:443/keys"));
  assert_false(same("https://example.com", "https://example.com:8443"));
  assert_false(same("https://example.com", "https://www.example.com"));
  assert_false(same("http://127.0.0.1:443", "https://127.0.0.1:443"));
}

void proxies(void**) {
  assert_text(cognito::check_proxy("http://proxy.example.com:3128"), "");
  assert_text(cognito::check_proxy("https://proxy.example.com/"), "");
  for (const char* proxy : {"proxy:3128", "socks5://proxy", "http://proxy/path", "http://a@b"}) {
    assert_true(!cognito::check_proxy(proxy).empty());
  }
}

// A reload asks by it whether the pool stays. The compiler compares all members; the secret is
// compared by its text, because each load reads it anew.
void configurations_are_equal_by_their_values(void**) {
  const auto secret = [](const char* text) {
    return std::make_shared<const Secret>(*Secret::copy_of(text));
  };
  cognito::PoolConfig one;
  one.client_id = "client";
  one.client_secret = secret("a secret");
  cognito::PoolConfig other = one;
  assert_true(one == other);
  other.client_secret = secret("a secret");
  assert_true(one == other);
  other.client_secret = secret("another secret");
  assert_false(one == other);
  other.client_secret = {};
  assert_false(one == other);
  other = one;
  other.user_context = true;
  assert_false(one == other);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(configurations_are_equal_by_their_values),
      cmocka_unit_test(hosts_by_region_partition_and_fips),
      cmocka_unit_test(the_issuer_has_two_forms),
      cmocka_unit_test(an_endpoint_of_ones_own_keeps_the_issuers),
      cmocka_unit_test(what_is_given_is_taken_as_it_is),
      cmocka_unit_test(what_is_wrong_is_named),
      cmocka_unit_test(loopback_is_an_address_and_not_a_name),
      cmocka_unit_test(origins),
      cmocka_unit_test(proxies),
  };
  return cmocka_run_group_tests_name("endpoint", tests, nullptr, nullptr);
}
