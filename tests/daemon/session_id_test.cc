#include "daemon/bus/session_id.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/frame.h"
#include "common/hexadecimal.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::bus;

constexpr std::ptrdiff_t kHalf = kSignInIdSize / 2;

bool have_equal_ends(const SignInId& one, const SignInId& other) {
  return std::equal(one.begin() + kHalf, one.end(), other.begin() + kHalf);
}

void an_id_begins_with_the_log_id(void**) {
  const std::string log_id = "0123456789abcdef";
  const SignInId id = sign_in_id_of(log_id);
  assert_true(hexadecimal(id).starts_with(log_id));
  assert_int_equal(hexadecimal(id).size(), 2 * log_id.size());
  const std::string own = random_log_id();
  assert_true(is_log_id(own));
  assert_true(hexadecimal(sign_in_id_of(own)).starts_with(own));
}

// The caller chooses the log id.
void ids_of_one_log_id_differ_in_the_rest(void**) {
  const SignInId one = sign_in_id_of("0123456789abcdef");
  const SignInId other = sign_in_id_of("0123456789abcdef");
  assert_true(std::equal(one.begin(), one.begin() + kHalf, other.begin()));
  assert_false(have_equal_ends(one, other));
}

void without_a_log_id_all_of_it_is_random(void**) {
  for (const char* text : {"", "0123", "0123456789ABCDEF", "0123456789abcdef0"}) {
    const SignInId one = sign_in_id_of(text);
    const SignInId other = sign_in_id_of(text);
    assert_false(std::equal(one.begin(), one.begin() + kHalf, other.begin()));
    assert_false(have_equal_ends(one, other));
  }
}

void the_text_of_an_id_is_read_back(void**) {
  const SignInId id = sign_in_id_of(random_log_id());
  assert_true(session_id_in(hexadecimal(id)) == id);
  assert_false(session_id_in("0123456789abcdef").has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_id_begins_with_the_log_id),
      cmocka_unit_test(ids_of_one_log_id_differ_in_the_rest),
      cmocka_unit_test(without_a_log_id_all_of_it_is_random),
      cmocka_unit_test(the_text_of_an_id_is_read_back),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
