// The server's side of SRP against the values of a real client library
// (tests/data/srp-vectors.json).
#include "tests/pool/srp.h"

#include <cctype>
#include <cstdio>
#include <string>

#include "tests/pool/cmocka.h"
#include "tests/pool/files.h"
#include "tests/pool/json_reader.h"

using namespace pamcognito::pool;

namespace {

Json::Value vectors;

// The salt as bytes, as a server would have stored it.
std::string salt_bytes(const std::string& hex) {
  return padded(number_from_hex(hex).get());
}

void user_vectors(void** /*state*/) {
  int checked = 0;
  for (const Json::Value& vector : vectors["user"]) {
    const Json::Value& input = vector["input"];
    const Json::Value& challenge = input["challenge_parameters"];
    const Json::Value& steps = vector["intermediate"];
    const Json::Value& output = vector["output"];
    const SrpVerifier verifier =
        make_verifier(string_at(input, "pool_name"), string_at(input, "user_id_for_srp"),
                      string_at(input, "password"), salt_bytes(string_at(challenge, "SALT")));
    assert_text(
        number_hex(verifier.verifier.get()),
        number_hex(number_from_hex(string_at(vector["server_side"], "verifier_hex")).get()));

    const SrpExchange exchange(verifier, string_at(vector["server_side"], "b_hex"));
    assert_text(exchange.public_hex(),
                number_hex(number_from_hex(string_at(challenge, "SRP_B")).get()));
    assert_text(exchange.salt_hex(),
                number_hex(number_from_hex(string_at(challenge, "SALT")).get()));

    const BigNumber client_public = parse_public_value(string_at(steps, "srp_a_hex"));
    assert_non_null(client_public.get());
    assert_text(number_hex(exchange.premaster(client_public.get()).get()),
                number_hex(number_from_hex(string_at(steps, "S_hex")).get()));
    const std::string key = exchange.key(client_public.get());
    assert_text(hex_encode(key), string_at(steps, "hkdf_key_hex"));

    const auto secret_block = base64_decode(string_at(challenge, "SECRET_BLOCK"));
    assert_true(secret_block.has_value());
    assert_text(
        claim_signature(key, string_at(input, "pool_name"), string_at(input, "user_id_for_srp"),
                        *secret_block, string_at(output, "TIMESTAMP")),
        string_at(output, "PASSWORD_CLAIM_SIGNATURE"));
    ++checked;
  }
  assert_int_equal(checked, 14);
}

void padding(void** /*state*/) {
  int checked = 0;
  for (const Json::Value& entry : vectors["padding_cases"]) {
    const BigNumber number = number_from_hex(string_at(entry, "value_hex"));
    std::string expected = string_at(entry, "padded");
    for (char& c : expected) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    assert_text(hex_encode(padded(number.get())), expected);
    ++checked;
  }
  assert_true(checked > 10);
}

void timestamps(void** /*state*/) {
  for (const Json::Value& entry : vectors["timestamp_cases"]) {
    assert_true(parse_timestamp(string_at(entry, "timestamp")).has_value());
  }
  assert_int_equal(*parse_timestamp("Sat Nov 21 16:20:47 UTC 2026"), 1795278047);
  for (const char* wrong :
       {"", "Sat Nov 21 16:20:47 UTC 2026 ", "Sat Nov 21 16:20:47 GMT 2026",
        "Fri Nov 21 16:20:47 UTC 2026", "Sun Nov  1 08:07:06 UTC 2026",
        "Sun Nov 01 08:07:06 UTC 2026", "Sun Nov 1 8:07:06 UTC 2026", "2026-11-21T16:20:47Z"}) {
    assert_false(parse_timestamp(wrong).has_value());
  }
}

void public_values(void** /*state*/) {
  const std::string prime = string_at(vectors["group"], "N_hex");
  assert_null(parse_public_value("").get());
  assert_null(parse_public_value("0").get());
  assert_null(parse_public_value("xyz").get());
  assert_null(parse_public_value("-1").get());
  assert_null(parse_public_value(prime).get());
  assert_null(parse_public_value("0" + prime).get());
  assert_null(parse_public_value(std::string(769, '1')).get());
  assert_non_null(parse_public_value("abc").get());
}

void simulated_users_are_stable(void** /*state*/) {
  const SrpExchange one(fake_verifier("somebody"));
  const SrpExchange again(fake_verifier("somebody"));
  const SrpExchange other(fake_verifier("somebody else"));
  assert_text(one.salt_hex(), again.salt_hex());
  assert_string_not_equal(one.salt_hex().c_str(), other.salt_hex().c_str());
  assert_string_not_equal(one.public_hex().c_str(), again.public_hex().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const auto text = read_file(argc > 1 ? argv[1] : "");
  const auto parsed = parse_json(text.value_or(""));
  if (!parsed) {
    (void)std::fprintf(stderr, "usage: %s srp-vectors.json\n", argv[0]);
    return 2;
  }
  vectors = *parsed;
  const CMUnitTest tests[] = {cmocka_unit_test(user_vectors), cmocka_unit_test(padding),
                              cmocka_unit_test(timestamps), cmocka_unit_test(public_values),
                              cmocka_unit_test(simulated_users_are_stable)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
