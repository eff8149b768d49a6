#include "daemon/cognito/srp.h"

#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include <expected>
#include <string>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using namespace cognito::srp;

const std::string kPrime =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404"
    "DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406"
    "B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD"
    "24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E46"
    "2E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D226"
    "1898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB397"
    "0F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A6452"
    "1F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CA"
    "FFFFFFFFFFFFFFFF";

std::expected<std::string, SrpError> sign(const std::string& salt, const std::string& b,
                                          const std::string& block) {
  const auto pair = KeyPair::generate();
  assert_true(pair.has_value());
  return password_claim_signature(*pair, {"Example", "alice", "password"}, {salt, b, block},
                                  "Sat Nov 21 16:20:47 UTC 2026");
}

void a_sound_challenge_is_signed(void**) {
  const auto signature = sign("f1ed", "475ec8178b90184a", "AAAA");
  assert_true(signature.has_value());
  assert_int_equal(signature->size(), 44);
  assert_true(sign("f1ed", "0475ec8178b90184a", "AAAA").has_value());
  assert_true(sign("F1ED", "00" + std::string(768, 'a'), "-_").has_value() == false);
  assert_true(sign("F1ED", "00" + std::string(768, 'a'), "-_8").has_value());
}

void values_that_break_the_proof_are_refused(void**) {
  const std::string good_b = "475ec8178b90184a";
  const struct {
    std::string salt;
    std::string b;
    std::string block;
  } table[] = {
      {"f1ed", "", "AAAA"},
      {"f1ed", "0", "AAAA"},
      {"f1ed", std::string(768, '0'), "AAAA"},
      {"f1ed", kPrime, "AAAA"},                       // B mod N = 0
      {"f1ed", "1" + std::string(768, '0'), "AAAA"},  // 3073 bits
      {"f1ed", std::string(100000, 'a'), "AAAA"},
      {"f1ed", "-475e", "AAAA"},
      {"f1ed", "475x", "AAAA"},
      {"f1ed", "0x475e", "AAAA"},
      {"f1ed", " 475e", "AAAA"},
      {"", good_b, "AAAA"},
      {"xyz", good_b, "AAAA"},
      {std::string(300, 'a'), good_b, "AAAA"},
      {"f1ed", good_b, ""},
      {"f1ed", good_b, "A"},
      {"f1ed", good_b, "AA!A"},
      {"f1ed", good_b, std::string(20000, 'A')},
  };
  for (const auto& [salt, b, block] : table) {
    const auto signature = sign(salt, b, block);
    assert_false(signature.has_value());
    assert_int_equal(signature.error(), SrpError::bad_server_value);
  }
}

void twice_the_prime_less_is_zero_too(void**) {
  // N itself is the only multiple that fits into 3072 bits; one above it is the number 1.
  std::string above = kPrime;
  above.back() = 'E';
  assert_true(sign("f1ed", above, "AAAA").has_value());
}

void pairs_are_fresh_and_well_formed(void**) {
  const auto first = KeyPair::generate();
  const auto second = KeyPair::generate();
  assert_true(first->public_hex() != second->public_hex());
  assert_int_equal(BN_num_bits(first->private_number()), 256);
  assert_true(first->public_hex().size() > 700);
  assert_true(first->public_hex().front() != '0');
  assert_true(first->public_hex().find_first_not_of("0123456789abcdef") == std::string::npos);
}

void the_timestamp_knows_neither_locale_nor_zone(void**) {
  (void)::setenv("TZ", "Asia/Kolkata", 1);
  ::tzset();
  bool other = false;
  for (const char* name : {"de_DE.UTF-8", "ar_EG.UTF-8", "C.UTF-8"}) {
    other = other || ::setlocale(LC_ALL, name) != nullptr;
    assert_text(timestamp(1793520426), "Sun Nov 1 08:07:06 UTC 2026");
    assert_text(timestamp(1709164800), "Thu Feb 29 00:00:00 UTC 2024");
    assert_text(timestamp(0), "Thu Jan 1 00:00:00 UTC 1970");
  }
  assert_true(other);
  (void)::setlocale(LC_ALL, "C");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_sound_challenge_is_signed),
      cmocka_unit_test(values_that_break_the_proof_are_refused),
      cmocka_unit_test(twice_the_prime_less_is_zero_too),
      cmocka_unit_test(pairs_are_fresh_and_well_formed),
      cmocka_unit_test(the_timestamp_knows_neither_locale_nor_zone),
  };
  return cmocka_run_group_tests_name("srp", tests, nullptr, nullptr);
}
