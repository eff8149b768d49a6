#include "daemon/cognito/token_verifier.h"

#include <cstddef>
#include <string>
#include <vector>

#include "daemon/cognito/bounds.h"
#include "daemon/cognito/digest.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/cognito/run_task.h"
#include "tests/unit/cognito/scripted_http.h"
#include "tests/unit/cognito/token_factory.h"

namespace pamcognito::test {
namespace {

using cognito::ApiClient;
using cognito::ErrorKind;
using cognito::KeyCache;
using cognito::PoolResult;
using cognito::Tokens;
using cognito::TokenVerifier;
using cognito::VerifiedTokens;
using runtime::EventLoop;
using runtime::seconds;

constexpr char kUpdatedIssuer[] =
    "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example";

// A verifier whose keys come from a scripted pool.
struct Verifier {
  EventLoop loop;
  TestClock clock{loop};
  ScriptedHttp http{loop, [](const auto&) { return answered(200, key_set()); }};
  ApiClient api{http, clock, "https://unused.example.com"};
  KeyCache keys{loop, clock, api};
  TokenVerifier verifier{keys,
                         clock,
                         {kIssuer, kUpdatedIssuer},
                         {std::string(kIssuer) + "/.well-known/jwks.json",
                          std::string(kUpdatedIssuer) + "/.well-known/jwks.json"},
                         kClient};

  PoolResult<VerifiedTokens> verify(const Tokens& tokens) {
    return run_task(loop, verifier.verify(&tokens, loop.now() + seconds(20)));
  }
  Tokens tokens(const Json::Value& access, const Json::Value& id) const {
    Tokens made;
    made.access_token = make_token(access, access_key());
    made.id_token = make_token(id, id_key());
    return made;
  }
  Tokens good() const { return tokens(access_claims(clock.wall), id_claims(clock.wall)); }
  void assert_rejected(const Tokens& tokens) {
    const auto result = verify(tokens);
    assert_false(result.has_value());
    assert_int_equal(result.error().kind, ErrorKind::tokens_rejected);
    assert_true(!result.error().message.empty());
  }
};

void good_tokens_name_the_user(void**) {
  Verifier v;
  const auto result = v.verify(v.good());
  assert_true(result.has_value());
  assert_text(result->sub, "11111111-2222-3333-4444-555555555555");
  assert_text(result->username, "alice");
  assert_text(result->email, "alice@example.com");
  assert_true(result->email_verified);
  assert_int_equal(result->groups.size(), 2);
  assert_text(result->groups[1], "linux-admins");
  assert_int_equal(v.http.requests.size(), 1);
  assert_text(v.http.requests[0].url, std::string(kIssuer) + "/.well-known/jwks.json");
}

std::string of_length(std::size_t characters, std::size_t number, const char* character = "x") {
  std::string text = std::to_string(number) + "-";
  for (std::size_t i = text.size(); i < characters; ++i) text += character;
  return text;
}

// The tokens of a user who has all that Cognito's quotas allow: 100 groups with names of 128
// characters, each with a role, and 50 attributes of 2,048 characters.
Tokens largest_by_quotas(const Verifier& v, const char* character) {
  Json::Value access = access_claims(v.clock.wall);
  Json::Value id = id_claims(v.clock.wall);
  access["cognito:groups"].clear();
  for (std::size_t i = 0; i < 100; ++i) {
    access["cognito:groups"].append(of_length(128, i, character));
    id["cognito:groups"].append(of_length(128, i, character));
    id["cognito:roles"].append("arn:aws:iam::123456789012:role/" + of_length(2048 - 31, i));
  }
  id["cognito:preferred_role"] = id["cognito:roles"][0];
  for (std::size_t i = 0; i < 50; ++i)
    id["custom:attribute" + std::to_string(i)] = of_length(2048, i);
  return v.tokens(access, id);
}

void tokens_as_large_as_the_quotas_allow_are_taken(void**) {
  for (const char* character : {"g", "\xC3\xA4", "\xF0\x9F\x91\xA9"}) {
    Verifier v;
    const Tokens tokens = largest_by_quotas(v, character);
    assert_true(tokens.id_token.size() > 400'000);
    const auto result = v.verify(tokens);
    if (!result) fail_msg("%s", result.error().message.c_str());
    assert_int_equal(result->groups.size(), 100);
    assert_text(result->groups[99], of_length(128, 99, character));
  }
}

void what_passes_a_bound_is_rejected_by_its_name(void**) {
  Verifier v;
  Json::Value access = access_claims(v.clock.wall);
  for (std::size_t i = 0; i < 250; ++i) access["cognito:groups"].append(of_length(512, i));
  const auto groups = v.verify(v.tokens(access, id_claims(v.clock.wall)));
  assert_true(groups.error().message.contains("cognito:groups has 12"));
  access = access_claims(v.clock.wall);
  access["filler"] = std::string(cognito::kMaxToken, 'x');
  const auto token = v.verify(v.tokens(access, id_claims(v.clock.wall)));
  assert_true(token.error().message.contains("the token has more than"));
}

void the_other_form_of_the_issuer_brings_its_own_keys(void**) {
  Verifier v;
  auto access = access_claims(v.clock.wall);
  auto id = id_claims(v.clock.wall);
  access["iss"] = id["iss"] = kUpdatedIssuer;
  assert_true(v.verify(v.tokens(access, id)).has_value());
  assert_text(v.http.requests[0].url, std::string(kUpdatedIssuer) + "/.well-known/jwks.json");
}

void claims_that_may_be_absent(void**) {
  Verifier v;
  auto access = access_claims(v.clock.wall);
  access.removeMember("cognito:groups");
  auto id = id_claims(v.clock.wall);
  id.removeMember("email");
  id.removeMember("email_verified");
  const auto result = v.verify(v.tokens(access, id));
  assert_true(result.has_value());
  assert_true(result->groups.empty());
  assert_text(result->email, "");
  assert_false(result->email_verified);
}

struct Forgery {
  const char* what;
  void (*change)(Json::Value& access, Json::Value& id);
};

void a_wrong_claim_is_refused(void**) {
  const Forgery table[] = {
      {"another pool",
       [](auto& access, auto&) {
         access["iss"] = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other";
       }},
      {"another issuer that begins alike",
       [](auto& access, auto&) { access["iss"] = std::string(kIssuer) + "/"; }},
      {"no issuer", [](auto& access, auto&) { access.removeMember("iss"); }},
      {"expired", [](auto& access, auto&) { access["exp"] = access["iat"]; }},
      {"expired id token", [](auto&, auto& id) { id["exp"] = id["iat"]; }},
      {"no exp", [](auto& access, auto&) { access.removeMember("exp"); }},
      {"exp is text", [](auto& access, auto&) { access["exp"] = "9999999999"; }},
      {"exp is null", [](auto& access, auto&) { access["exp"] = Json::Value(); }},
      {"exp is enormous", [](auto& access, auto&) { access["exp"] = 1e300; }},
      {"not yet valid", [](auto& access, auto&) { access["nbf"] = access["iat"].asInt64() + 61; }},
      {"another client", [](auto& access, auto&) { access["client_id"] = "other"; }},
      {"another audience", [](auto&, auto& id) { id["aud"] = "other"; }},
      {"a list of audiences",
       [](auto&, auto& id) {
         id["aud"] = Json::Value(Json::arrayValue);
         id["aud"].append(kClient);
       }},
      {"id token as access token", [](auto& access, auto&) { access["token_use"] = "id"; }},
      {"access token as id token", [](auto&, auto& id) { id["token_use"] = "access"; }},
      {"no use", [](auto& access, auto&) { access.removeMember("token_use"); }},
      {"another sub", [](auto&, auto& id) { id["sub"] = "99999999-2222-3333-4444-555555555555"; }},
      {"no sub",
       [](auto& access, auto& id) {
         access.removeMember("sub");
         id.removeMember("sub");
       }},
      {"empty sub", [](auto& access, auto& id) { access["sub"] = id["sub"] = ""; }},
      {"another user", [](auto&, auto& id) { id["cognito:username"] = "bob"; }},
      {"user by another case", [](auto&, auto& id) { id["cognito:username"] = "Alice"; }},
      {"user is a number",
       [](auto& access, auto& id) { access["username"] = id["cognito:username"] = 1; }},
      {"user with a NUL",
       [](auto& access, auto& id) {
         access["username"] = id["cognito:username"] = std::string("alice\0x", 7);
       }},
      {"groups are text", [](auto& access, auto&) { access["cognito:groups"] = "linux-users"; }},
      {"a group is a number", [](auto& access, auto&) { access["cognito:groups"].append(1); }},
      {"email_verified is a number", [](auto&, auto& id) { id["email_verified"] = 1; }},
  };
  for (const auto& [what, change] : table) {
    Verifier v;
    auto access = access_claims(v.clock.wall);
    auto id = id_claims(v.clock.wall);
    change(access, id);
    const auto result = v.verify(v.tokens(access, id));
    if (result.has_value()) print_error("accepted: %s\n", what);
    assert_false(result.has_value());
    assert_int_equal(result.error().kind, ErrorKind::tokens_rejected);
  }
}

void a_token_is_not_valid_at_its_expiry(void**) {
  Verifier v;
  const Tokens tokens = v.good();
  v.clock.wall += 3599;
  assert_true(v.verify(tokens).has_value());
  v.clock.wall += 1;
  v.assert_rejected(tokens);
}

void a_clock_a_little_behind_is_tolerated(void**) {
  Verifier v;
  auto access = access_claims(v.clock.wall);
  access["nbf"] = static_cast<Json::Int64>(v.clock.wall + 60);
  assert_true(v.verify(v.tokens(access, id_claims(v.clock.wall))).has_value());
}

void a_forged_header_or_signature_is_refused(void**) {
  Verifier v;
  const Tokens good = v.good();
  const std::string claims = write(access_claims(v.clock.wall));
  std::vector<std::string> forged;

  Json::Value none = header_for(access_key());
  none["alg"] = "none";
  forged.push_back(base64url(write(none)) + "." + base64url(claims) + ".");
  forged.push_back(make_token(none, claims, access_key()));

  // The public key, which everybody has, as the key of an HMAC.
  Json::Value symmetric = header_for(access_key());
  symmetric["alg"] = "HS256";
  const std::string symmetric_part = base64url(write(symmetric)) + "." + base64url(claims);
  const auto mac = cognito::hmac_sha256(access_key().jwk()["n"].asString(), {symmetric_part});
  forged.push_back(symmetric_part + "." + base64url(std::string(mac->view())));

  for (const char* algorithm : {"RS384", "PS256", "rs256", ""}) {
    Json::Value header = header_for(access_key());
    header["alg"] = algorithm;
    forged.push_back(make_token(header, claims, access_key()));
  }
  Json::Value critical = header_for(access_key());
  critical["crit"].append("exp");
  forged.push_back(make_token(critical, claims, access_key()));
  Json::Value number = header_for(access_key());
  number["kid"] = 1;
  forged.push_back(make_token(number, claims, access_key()));
  Json::Value unknown = header_for(access_key());
  unknown["kid"] = "unknown";
  forged.push_back(make_token(unknown, claims, access_key()));

  forged.push_back(make_token(header_for(foreign_key()), claims, foreign_key()));  // same kid
  forged.push_back(make_token(header_for(access_key()), claims, id_key()));        // the other key
  std::string changed = good.access_token;
  changed[changed.size() - 10] = changed[changed.size() - 10] == 'A' ? 'B' : 'A';
  forged.push_back(changed);
  forged.push_back(good.access_token.substr(0, good.access_token.rfind('.') + 1));

  for (const std::string& token : forged) {
    Tokens tokens = good;
    tokens.access_token = token;
    v.assert_rejected(tokens);
  }
}

void a_token_of_another_shape_is_refused(void**) {
  Verifier v;
  const Tokens good = v.good();
  const std::string token = good.access_token;
  const std::string twice = R"({"iss":")" + std::string(kIssuer) + R"(","sub":"a","sub":"b"})";
  const std::string deep = R"({"a":)" + std::string(200, '[') + std::string(200, ']') + "}";
  const std::vector<std::string> bad = {
      "",
      ".",
      "..",
      "...",
      "a.b.c",
      token + ".x",
      token + "=",
      " " + token,
      token.substr(0, token.find('.')),
      make_token(header_for(access_key()), twice, access_key()),
      make_token(header_for(access_key()), deep, access_key()),
      make_token(header_for(access_key()), "[]", access_key()),
      make_token(header_for(access_key()), "{} {}", access_key()),
      make_token(header_for(access_key()), "{\"a\":\"\xff\"}", access_key()),
      make_token(header_for(access_key()), "", access_key()),
      std::string(20000, 'a'),
  };
  for (const std::string& text : bad) {
    Tokens tokens = good;
    tokens.access_token = text;
    v.assert_rejected(tokens);
  }
}

void swapped_tokens_are_refused(void**) {
  Verifier v;
  Tokens tokens = v.good();
  std::swap(tokens.access_token, tokens.id_token);
  v.assert_rejected(tokens);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(good_tokens_name_the_user),
      cmocka_unit_test(tokens_as_large_as_the_quotas_allow_are_taken),
      cmocka_unit_test(what_passes_a_bound_is_rejected_by_its_name),
      cmocka_unit_test(the_other_form_of_the_issuer_brings_its_own_keys),
      cmocka_unit_test(claims_that_may_be_absent),
      cmocka_unit_test(a_wrong_claim_is_refused),
      cmocka_unit_test(a_token_is_not_valid_at_its_expiry),
      cmocka_unit_test(a_clock_a_little_behind_is_tolerated),
      cmocka_unit_test(a_forged_header_or_signature_is_refused),
      cmocka_unit_test(a_token_of_another_shape_is_refused),
      cmocka_unit_test(swapped_tokens_are_refused),
  };
  return cmocka_run_group_tests_name("token_verifier", tests, nullptr, nullptr);
}
