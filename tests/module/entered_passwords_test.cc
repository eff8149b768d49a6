#include <string>
#include <string_view>
#include <utility>

#include "pam/conversation.h"
#include "tests/module/check.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::pam;

std::string stripped(std::string_view answer) {
  const auto password = password_before_code(*Secret::copy_of(answer));
  return password ? std::string(password->reveal()) : "(none)";
}

void the_code_has_six_digits_after_the_last_plus(void**) {
  test::assert_text(stripped("secret+123456"), "secret");
  test::assert_text(stripped("a+b+123456"), "a+b");
  test::assert_text(stripped("a+111111+123456"), "a+111111");
  for (const char* other : {"", "+123456", "secret", "secret123456", "secret+12345",
                            "secret+1234567", "secret+12345x", "secret-123456", "123456"})
    test::assert_text(stripped(other), "(none)");
  // Blanks in the code are ignored; those in the password belong to it.
  test::assert_text(stripped("secret+123456 "), "secret");
  test::assert_text(stripped("secret +123 456"), "secret ");
}

void only_the_entered_password_is_recognized(void**) {
  EnteredPasswords passwords;
  const auto secret = [](std::string_view text) { return std::move(*Secret::copy_of(text)); };
  assert_false(passwords.is_password(secret("")));
  assert_true(passwords.note(Purpose::password, secret("secret")));
  assert_true(passwords.note(Purpose::code, secret("123456")));
  assert_true(passwords.is_password(secret("secret")));
  assert_false(passwords.is_password(secret("secret ")));
  assert_false(passwords.is_password(secret("123456")));
  assert_true(passwords.note(Purpose::password, secret("")));
  assert_false(passwords.is_password(secret("")));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_code_has_six_digits_after_the_last_plus),
      cmocka_unit_test(only_the_entered_password_is_recognized),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
