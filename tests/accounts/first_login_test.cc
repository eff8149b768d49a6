// The first login: the uid that the reader computes without libcrypto is the writer's, and both
// permit the same names.

#include "nss/first_login.h"

#include <openssl/evp.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include "nss/hmac_sha256.h"
#include "tests/cmocka_cpp.h"

// accounts::Result of the keeper is another type, so its functions are declared here.
namespace pamcognito::accounts {
uid_t uid_of(std::string_view fleet_key, std::string_view pool, std::string_view name, uid_t first,
             uid_t last);
}

namespace {

using namespace pamcognito::accounts;

std::mt19937_64& random_bits() {
  static std::mt19937_64 bits(1);  // fixed: a failure repeats
  return bits;
}

std::string random_text(std::size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>('a' + random_bits()() % 26);
  return text;
}

// RFC 4231, test case 2, and FIPS 180-4's example.
void the_digests_are_the_published_ones(void**) {
  std::uint8_t digest[Sha256::kSize];
  Sha256 hash;
  hash.add("abc", 3);
  hash.finish(digest);
  constexpr std::uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  assert_memory_equal(digest, abc, sizeof(abc));
  const std::uint8_t key[] = {'J', 'e', 'f', 'e'};
  HmacSha256 hmac(key, sizeof(key));
  hmac.add("what do ya want for nothing?", 28);
  hmac.finish(digest);
  constexpr std::uint8_t jefe[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
                                   0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
                                   0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
  assert_memory_equal(digest, jefe, sizeof(jefe));
}

void the_hash_is_that_of_openssl(void**) {
  for (std::size_t size = 0; size < 300; ++size) {
    const std::string text = random_text(size);
    std::array<unsigned char, EVP_MAX_MD_SIZE> expected{};
    unsigned int length = 0;
    assert_int_equal(
        ::EVP_Digest(text.data(), size, expected.data(), &length, ::EVP_sha256(), nullptr), 1);
    std::uint8_t digest[Sha256::kSize];
    Sha256 hash;
    hash.add(text.data(), size / 3);
    hash.add(text.data() + size / 3, size - size / 3);
    hash.finish(digest);
    assert_memory_equal(digest, expected.data(), sizeof(digest));
  }
}

void the_uid_is_that_of_the_writer(void**) {
  for (int i = 0; i < 2000; ++i) {
    std::uint8_t key[kFleetKeySize];
    for (std::uint8_t& byte : key) byte = static_cast<std::uint8_t>(random_bits()());
    const std::string pool = "eu-central-1_" + random_text(1 + random_bits()() % 9);
    const std::string name = random_text(1 + random_bits()() % kMaxName);
    Conf conf;
    conf.pool = pool;
    if (i % 2 == 1) conf.last = conf.first + static_cast<std::uint32_t>(random_bits()() % 1000);
    const std::string_view bytes(reinterpret_cast<const char*>(key), sizeof(key));
    assert_int_equal(uid_of_name(key, conf, name),
                     uid_of(bytes, pool, name, conf.first, conf.last));
  }
}

// By hand.
void names_need_a_glob_and_a_mark(void**) {
  struct Case {
    std::string_view name;
    bool permitted;
  };
  constexpr std::array cases = {
      Case{"zoe.new", true},   Case{"web-1", true},     Case{"web-", false},
      Case{"build-ci", true},  Case{"-ci", false},      Case{"zoe", false},
      Case{"adm.zoe", true},   Case{"postgres", false}, Case{"Zoe.new", false},
      Case{"zoe.new ", false}, Case{"", false},         Case{"web-proxy", true},
      Case{"systemd.x", true}, Case{"_.x", false},      Case{".x", false},
      Case{"xweb-1", false},   Case{"www-data", false},
  };
  Conf conf;
  conf.names = "*.* web-* *-ci";
  conf.prefixes = "web-";
  conf.suffixes = " -ci\t";
  for (const Case& one : cases)
    if (permits_first_login(conf, one.name) != one.permitted)
      fail_msg("%.*s", static_cast<int>(one.name.size()), one.name.data());
  conf.names = "*.admin";
  assert_false(permits_first_login(conf, "zoe.new"));
  assert_false(permits_first_login(conf, "web-1"));
  assert_true(permits_first_login(conf, "zoe.admin"));
  conf.names = "";
  assert_false(permits_first_login(conf, "zoe.admin"));
}

// The test is no sshd of accounts.conf, until accounts.conf names it.
void the_program_decides_and_not_its_name(void**) {
  Conf conf;
  assert_false(is_roots_sshd(conf));
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  assert_true(size > 0);
  const std::string sshd =
      "/usr/sbin/sshd " + std::string(path.data(), static_cast<std::size_t>(size));
  conf.sshd = sshd;
  assert_true(is_roots_sshd(conf));
  assert_int_equal(::setresuid(65534, 0, 0), 0);
  assert_false(is_roots_sshd(conf));
  assert_int_equal(::setresuid(0, 65534, 0), 0);
  assert_false(is_roots_sshd(conf));
  assert_int_equal(::setresuid(0, 0, 0), 0);
  assert_true(is_roots_sshd(conf));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_digests_are_the_published_ones),
      cmocka_unit_test(the_hash_is_that_of_openssl),
      cmocka_unit_test(the_uid_is_that_of_the_writer),
      cmocka_unit_test(names_need_a_glob_and_a_mark),
      cmocka_unit_test(the_program_decides_and_not_its_name),
  };
  return cmocka_run_group_tests_name("first login", tests, nullptr, nullptr);
}
