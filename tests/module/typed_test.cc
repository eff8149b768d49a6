#include <string>
#include <string_view>
#include <utility>

#include "pam/conversation.h"
#include "tests/module/check.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::pam;

std::string stripped(std::string_view answer) {
  const auto password = without_code(*Secret::copy_of(answer));
  return password ? std::string(password->reveal()) : "(none)";
}

void the_code_is_six_digits_after_the_last_plus(void**) {
  test::assert_text(stripped("secret+123456"), "secret");
  test::assert_text(stripped("a+b+123456"), "a+b");
  test::assert_text(stripped("a+111111+123456"), "a+111111");
  for (const char* other : {"", "+123456", "secret", "secret123456", "secret+12345",
                            "secret+1234567", "secret+12345x", "secret-123456", "123456"})
    test::assert_text(stripped(other), "(none)");
  // Blanks in the code count for nothing; those of the password are its own.
  test::assert_text(stripped("secret+123456 "), "secret");
  test::assert_text(stripped("secret +123 456"), "secret ");
}

void only_the_password_is_the_password(void**) {
  Typed typed;
  const auto secret = [](std::string_view text) { return std::move(*Secret::copy_of(text)); };
  assert_false(typed.is_the_password(secret("")));
  assert_true(typed.remember(Purpose::password, secret("secret")));
  assert_true(typed.remember(Purpose::code, secret("123456")));
  assert_true(typed.is_the_password(secret("secret")));
  assert_false(typed.is_the_password(secret("secret ")));
  assert_false(typed.is_the_password(secret("123456")));
  assert_true(typed.remember(Purpose::password, secret("")));
  assert_false(typed.is_the_password(secret("")));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_code_is_six_digits_after_the_last_plus),
      cmocka_unit_test(only_the_password_is_the_password),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
