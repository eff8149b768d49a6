// The prompt that sets up an authenticator app.
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/frame.h"
#include "common/text.h"
#include "daemon/prompts/qr.h"
#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito;
using policy::Qr;
using prompts::totp_setup;
using prompts::TotpSetup;

constexpr char kSecret[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST";
constexpr char kGroups[] = "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567 ABCD EFGH IJKL MNOP QRST\n";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void without_a_code_it_is_plain_text(void**) {
  assert_text(totp_setup({kSecret, "Cognito", "alice"}, Qr::none),
              std::string("Your account needs a second factor. Set up an authenticator app now "
                          "(about 2 minutes;\nfor example Google Authenticator, Microsoft "
                          "Authenticator or 1Password).\n\n"
                          "  1. Enter this key in the app:\n     ") +
                  kGroups +
                  "     (account alice, shown as \"Cognito\")\n"
                  "  2. Type the 6-digit code the app shows.\n\nCode: ");
}

void who_asked_for_it_is_not_told_to_need_it(void**) {
  const std::string text = totp_setup({kSecret, "Cognito", "alice", false}, Qr::none);
  assert_true(text.starts_with("Set up a new authenticator app (about 2 minutes;"));
}

void a_screen_without_a_code_says_where_there_is_one(void**) {
  TotpSetup setup{kSecret, "Cognito", "alice"};
  setup.no_qr_here = true;
  assert_true(has(totp_setup(setup, Qr::none),
                  "\")\n     A first sign-in by ssh shows a QR code instead.\n  2. "));
}

void the_time_left_is_told(void**) {
  using namespace std::chrono_literals;
  TotpSetup setup{kSecret, "Cognito", "alice"};
  const auto text_with = [&](std::chrono::seconds left) {
    setup.left = left;
    const std::string text = totp_setup(setup, Qr::none);
    const std::size_t begin = text.find("1Password).\n") + 12;
    return text.substr(begin, text.find("  1. ") - begin);
  };
  assert_text(text_with(300s), "You have 5 minutes.\n\n");
  assert_text(text_with(299s), "You have 4 minutes.\n\n");
  assert_text(text_with(120s), "You have 2 minutes.\n\n");
  assert_text(text_with(119s), "You have 90 seconds.\n\n");
  assert_text(text_with(89s), "You have 60 seconds.\n\n");
  assert_text(text_with(59s), "\n");
}

void a_light_terminal_gets_the_opposite(void**) {
  TotpSetup setup{kSecret, "Cognito", "alice"};
  setup.inverted = true;
  const std::string uri = prompts::otpauth_uri(kSecret, "Cognito", "alice");
  assert_true(has(totp_setup(setup, Qr::ascii), prompts::qr_code(uri, Qr::ascii, true)));
  std::string opposite = prompts::qr_code(uri, Qr::ascii);
  for (char& c : opposite)
    if (c != '\n') c = c == '#' ? ' ' : '#';
  assert_text(prompts::qr_code(uri, Qr::ascii, true), opposite);
}

void the_code_stands_above_the_secret(void**) {
  const TotpSetup setup{kSecret, "Cognito", "alice"};
  for (const Qr form : {Qr::half_blocks, Qr::ascii}) {
    const std::string text = totp_setup(setup, form);
    const std::string code =
        prompts::qr_code(prompts::otpauth_uri(kSecret, "Cognito", "alice"), form);
    assert_true(has(text, "app.\n\n" + code + "\n     No camera? Enter this key:\n     " + kGroups +
                              "     (account alice, shown as "));
    assert_true(text.size() < 16'000);
    assert_text(printable(text, text.size()), text);
  }
  assert_true(totp_setup(setup, Qr::half_blocks)
                  .ends_with("\nCode (i = inverted QR, a = larger QR, n = no QR): "));
  assert_true(totp_setup(setup, Qr::ascii).ends_with("\nCode (i = inverted QR, n = no QR): "));
}

void a_secret_of_any_length_is_grouped(void**) {
  assert_true(has(totp_setup({"ABCDEF", "I", "a"}, Qr::none), "app:\n     ABCD EF\n"));
  assert_true(has(totp_setup({"ABCD", "I", "a"}, Qr::none), "app:\n     ABCD\n"));
}

void foreign_text_cannot_break_it(void**) {
  const std::string text = totp_setup({"A\nB", "I\x1b[2J", "a\nPassword: "}, Qr::none);
  assert_true(has(text, "     A?B\n     (account a?Password: , shown as \"I?[2J\")\n"));
}

// The frame takes it for all parts, and the secret and the question are whole.
void it_always_fits_a_frame(void**) {
  for (const std::size_t size : {16UL, 52UL, 300UL, 512UL, 5000UL}) {
    for (const char* character : {"x", " ", "ö", "\n"}) {
      std::string name;
      while (name.size() < 500) name += character;
      for (const Qr form : {Qr::none, Qr::half_blocks, Qr::ascii}) {
        const std::string text = totp_setup({std::string(size, 'A'), name, name}, form);
        if (text.size() >= 16'000) fail_msg("%zu bytes", text.size());
        assert_true(text.size() <= kMaxText);
        assert_true(text.ends_with("): ") || text.ends_with("\nCode: "));
        assert_true(has(text, ":\n     AAAA AAAA AAAA AAAA"));
      }
    }
  }
  // The names are cut, so the usual secret has its code even beside the longest of them.
  const std::string longest(500, 'x');
  assert_true(has(totp_setup({kSecret, longest, longest}, Qr::half_blocks), "▀"));
  assert_false(has(totp_setup({kSecret, longest, longest}, Qr::none), std::string(65, 'x')));
}

void a_code_that_does_not_fit_is_left_out(void**) {
  const std::string name(64, 'x');
  const std::string text = totp_setup({std::string(512, 'A'), name, name}, Qr::ascii);
  assert_false(has(text, "##"));
  assert_true(text.ends_with("\nCode: "));
  assert_true(has(text, "Enter this key in the app"));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(without_a_code_it_is_plain_text),
      cmocka_unit_test(the_code_stands_above_the_secret),
      cmocka_unit_test(a_secret_of_any_length_is_grouped),
      cmocka_unit_test(foreign_text_cannot_break_it),
      cmocka_unit_test(who_asked_for_it_is_not_told_to_need_it),
      cmocka_unit_test(a_screen_without_a_code_says_where_there_is_one),
      cmocka_unit_test(the_time_left_is_told),
      cmocka_unit_test(a_light_terminal_gets_the_opposite),
      cmocka_unit_test(it_always_fits_a_frame),
      cmocka_unit_test(a_code_that_does_not_fit_is_left_out),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
