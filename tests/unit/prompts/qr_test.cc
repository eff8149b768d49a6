// QR codes as letters, read back by zbarimg, a reader that shares nothing with libqrencode.
#include "daemon/prompts/qr.h"

#include <cstdio>
#include <string>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/policy/config_directory.h"
#include "tests/unit/prompts/terminal_picture.h"

namespace {

using namespace pamcognito;
using policy::Qr;
using prompts::otpauth_uri;
using prompts::qr_code;
using test::TerminalPicture;

constexpr char kSecret[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST";

std::string zbarimg(const std::string& text) {
  const test::ConfigDirectory directory;
  const std::string picture = directory.write("qr.pgm", TerminalPicture(text).grey_map());
  // zbarimg's errors are about a bus that it does not need.
  const std::string command =
      "zbarimg --quiet --raw -Sdisable -Sqrcode.enable '" + picture + "' 2>/dev/null";
  FILE* const output = ::popen(command.c_str(), "r");
  assert_non_null(output);
  std::string read;
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) read += static_cast<char>(c);
  (void)::pclose(output);
  if (read.ends_with('\n')) read.pop_back();
  return read;
}

void a_reader_finds_what_was_written(void**) {
  const std::string uri = otpauth_uri(kSecret, "Example Corp", "alice@example.com");
  assert_text(zbarimg(qr_code(uri, Qr::half_blocks)), uri);
  assert_text(zbarimg(qr_code(uri, Qr::ascii)), uri);
  for (const std::size_t size : {1UL, 17UL, 130UL, 600UL}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('!' + i % 90);
    assert_text(zbarimg(qr_code(text, Qr::half_blocks)), text);
  }
}

void a_reader_finds_it_inside_the_prompt(void**) {
  for (const Qr form : {Qr::half_blocks, Qr::ascii}) {
    const std::string prompt = prompts::totp_setup({kSecret, "Bücher", "alice"}, form);
    assert_text(zbarimg(prompt), otpauth_uri(kSecret, "Bücher", "alice"));
  }
}

void both_forms_have_the_same_modules(void**) {
  const std::string uri = otpauth_uri(kSecret, "Cognito", "alice");
  const TerminalPicture letters(qr_code(uri, Qr::ascii));
  const TerminalPicture blocks(qr_code(uri, Qr::half_blocks));
  assert_int_equal(letters.width(), letters.height());
  assert_int_equal(blocks.width(), letters.width());
  assert_int_equal(blocks.height(), letters.height() + 1);
  for (std::size_t row = 0; row < letters.height(); ++row) {
    for (std::size_t column = 0; column < letters.width(); ++column) {
      assert_true(letters.is_light(row, column) == blocks.is_light(row, column));
    }
  }
}

void the_size_is_the_smallest(void**) {
  // Version 1 has 21 modules, and 4 of quiet zone on each side.
  const TerminalPicture smallest(qr_code("x", Qr::ascii));
  assert_int_equal(smallest.width(), 29);
  assert_int_equal(smallest.height(), 29);
  for (std::size_t i = 0; i < 29; ++i) {
    for (const std::size_t border : {0UL, 3UL, 25UL, 28UL}) {
      assert_true(smallest.is_light(border, i));
      assert_true(smallest.is_light(i, border));
    }
  }
  // The corner of the finder pattern: a dark ring, a light one, and a dark square of three.
  for (std::size_t i = 0; i < 7; ++i) assert_false(smallest.is_light(4, 4 + i));
  for (std::size_t i = 1; i < 6; ++i) assert_true(smallest.is_light(5, 4 + i));
  assert_false(smallest.is_light(7, 7));
  // A usual set-up has version 5 (37 modules), which a terminal of 80 columns and 24 lines shows.
  const std::string usual = qr_code(otpauth_uri(kSecret, "Cognito", "alice"), Qr::half_blocks);
  const TerminalPicture picture(usual);
  assert_int_equal(picture.width(), 45);
  assert_int_equal(picture.height(), 46);
}

void what_fits_no_code_is_empty(void**) {
  assert_text(qr_code("text", Qr::none), "");
  assert_text(qr_code("", Qr::half_blocks), "");
  assert_text(qr_code(std::string(4096, 'x'), Qr::half_blocks), "");
  assert_text(qr_code(std::string(4096, 'x'), Qr::ascii), "");
  // The largest symbol takes 2953 bytes.
  assert_true(!qr_code(std::string(2953, 'x'), Qr::ascii).empty());
  assert_text(qr_code(std::string(2954, 'x'), Qr::ascii), "");
}

void the_uri_is_percent_encoded(void**) {
  assert_text(otpauth_uri("ABC", "Cognito", "alice"),
              "otpauth://totp/Cognito:alice?secret=ABC&issuer=Cognito");
  assert_text(otpauth_uri("AB==", "A & B/C", "ö:%?#+~.-_@x"),
              "otpauth://totp/A%20%26%20B%2FC:%C3%B6%3A%25%3F%23%2B~.-_%40x?secret=AB%3D%3D&issuer="
              "A%20%26%20B%2FC");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_reader_finds_what_was_written),
      cmocka_unit_test(a_reader_finds_it_inside_the_prompt),
      cmocka_unit_test(both_forms_have_the_same_modules),
      cmocka_unit_test(the_size_is_the_smallest),
      cmocka_unit_test(what_fits_no_code_is_empty),
      cmocka_unit_test(the_uri_is_percent_encoded),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
