#include "common/secret.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// cmocka.h needs these first, and its macros break headers after it.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace {

using pamcognito::Secret;

Secret make(std::string_view text) {
  auto secret = Secret::copy_of(text);
  assert_true(secret.has_value());
  return std::move(*secret);
}

void a_secret_has_at_most_its_capacity(void**) {
  assert_int_equal(make(std::string(Secret::kCapacity, 'x')).size(), Secret::kCapacity);
  assert_false(Secret::copy_of(std::string(Secret::kCapacity + 1, 'x')).has_value());
  assert_true(make("").empty());
}

void secrets_compare_by_content(void**) {
  assert_true(make("abc").equals(make("abc")));
  assert_false(make("abc").equals(make("abd")));
  assert_false(make("abc").equals(make("abcd")));
  assert_true(make("").equals(Secret()));
}

void a_part_ends_with_the_secret(void**) {
  const Secret secret = make("password+123456");
  assert_true(secret.part(0, 8)->reveal() == "password");
  assert_true(secret.part(9, 100)->reveal() == "123456");
  assert_true(secret.part(99, 1)->empty());
}

void a_moved_secret_is_empty(void**) {
  Secret from = make("abc");
  Secret to = std::move(from);
  assert_true(from.empty());  // NOLINT(bugprone-use-after-move)
  to = make("def");
  assert_true(to.reveal() == "def");
}

// Two secrets share a page, so the page stays mapped when one of them is destroyed.
void a_destroyed_secret_is_wiped(void**) {
  const Secret neighbour = make("neighbour");
  const char* memory = nullptr;
  {
    const Secret secret = make("planted");
    memory = secret.reveal().data();
    assert_memory_equal(memory, "planted", 7);
  }
  const char zeros[7] = {};
  assert_memory_equal(memory, zeros, 7);
  assert_true(neighbour.reveal() == "neighbour");
}

void many_secrets_exist_side_by_side(void**) {
  std::vector<Secret> secrets;
  for (int i = 0; i < 100; ++i) secrets.push_back(make("secret " + std::to_string(i)));
  for (std::size_t i = 0; i < secrets.size(); i += 2) secrets[i] = Secret();
  for (std::size_t i = 1; i < secrets.size(); i += 2)
    assert_true(secrets[i].reveal() == "secret " + std::to_string(i));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_secret_has_at_most_its_capacity),
      cmocka_unit_test(secrets_compare_by_content),
      cmocka_unit_test(a_part_ends_with_the_secret),
      cmocka_unit_test(a_moved_secret_is_empty),
      cmocka_unit_test(a_destroyed_secret_is_wiped),
      cmocka_unit_test(many_secrets_exist_side_by_side),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
