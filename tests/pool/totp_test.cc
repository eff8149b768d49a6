// TOTP against RFC 6238's vectors, and Cognito's rules on top.
#include "tests/pool/totp.h"

#include <cstdint>
#include <string>

#include "tests/pool/cmocka.h"

using namespace pamcognito::pool;

namespace {

constexpr char kRfcSecret[] = "12345678901234567890";

void rfc_6238_appendix_b(void** /*state*/) {
  const struct {
    int64_t unix_s;
    const char* code;
  } rows[] = {{59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
              {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"}};
  for (const auto& row : rows) {
    assert_text(hotp_code(kRfcSecret, totp_step(row.unix_s * 1000), 8), row.code);
    assert_text(totp_code(kRfcSecret, totp_step(row.unix_s * 1000)),
                std::string(row.code).substr(2));
  }
}

void base32(void** /*state*/) {
  // RFC 4648 section 10, without padding.
  assert_text(base32_encode("foobar"), "MZXW6YTBOI");
  assert_text(base32_encode("f"), "MY");
  assert_text(*base32_decode("MZXW6YTBOI======"), "foobar");
  assert_text(*base32_decode("mzxw6ytboi"), "foobar");
  assert_false(base32_decode("MZXW6YT1").has_value());
  assert_false(base32_decode("").has_value());
}

void one_step_either_way(void** /*state*/) {
  const int64_t now = 1795278047000;
  for (const int64_t step : {-1, 0, 1}) {
    Authenticator authenticator(kRfcSecret);
    const std::string code = totp_code(kRfcSecret, totp_step(now) + step);
    assert_true(authenticator.check(code, now, true) == TotpVerdict::right);
  }
  for (const int64_t step : {-2, 2}) {
    Authenticator authenticator(kRfcSecret);
    const std::string code = totp_code(kRfcSecret, totp_step(now) + step);
    assert_true(authenticator.check(code, now, true) == TotpVerdict::wrong);
  }
}

void each_code_once(void** /*state*/) {
  const int64_t now = 1795278047000;
  Authenticator authenticator(kRfcSecret);
  const std::string code = totp_code(kRfcSecret, totp_step(now));
  assert_true(authenticator.check(code, now, true) == TotpVerdict::right);
  assert_true(authenticator.check(code, now, true) == TotpVerdict::used);
  assert_true(authenticator.check(code, now, false) == TotpVerdict::right);
  const std::string next = totp_code(kRfcSecret, totp_step(now) + 1);
  assert_true(authenticator.check(next, now, true) == TotpVerdict::right);
  assert_true(authenticator.check("", now, true) == TotpVerdict::wrong);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(rfc_6238_appendix_b), cmocka_unit_test(base32),
                              cmocka_unit_test(one_step_either_way),
                              cmocka_unit_test(each_code_once)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
