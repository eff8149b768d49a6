// The languages: how a catalogue is found, refused and taken into use, and the German one as it is
// installed.
#include "daemon/prompts/catalogue.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "daemon/prompts/texts.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/policy/config_directory.h"
#include "tests/unit/prompts/mo_builder.h"

namespace {

using namespace pamcognito;
using pamcognito::test::ConfigDirectory;
using pamcognito::test::kMoHeader;
using pamcognito::test::MoBuilder;
using prompts::tr;
using prompts::use_language;

std::string built_catalogues;  // directory of the build tree

constexpr char kName[] = "xx/LC_MESSAGES/pam-cognito.mo";

std::string small_catalogue() {
  return MoBuilder(test::Pairs{{"", kMoHeader}, {"Code: ", "Kode: "}, {"Answer: ", ""}}).bytes();
}

int back_to_english(void**) {
  return use_language("", "en").has_value() ? 0 : -1;
}

void english_needs_no_file(void**) {
  assert_true(use_language("/nonexistent", "en").has_value());
  assert_text(tr("Code: "), "Code: ");
}

void a_text_without_a_translation_is_english(void**) {
  const ConfigDirectory directory;
  directory.write(kName, small_catalogue());
  assert_true(use_language(directory.path(""), "xx").has_value());
  assert_text(tr("Code: "), "Kode: ");
  assert_text(tr("Answer: "), "Answer: ");
  assert_text(tr("Answer: "), "Answer: ");
  assert_text(tr(""), "");
  assert_true(use_language(directory.path(""), "en").has_value());
  assert_text(tr("Code: "), "Code: ");
}

// Also: the language stays as it was.
void assert_refused(const ConfigDirectory& directory, const char* language, const char* part) {
  const auto used = use_language(directory.path(""), language);
  if (used) fail_msg("accepted, wanted: %s", part);
  if (used.error().find(part) == std::string::npos) {
    fail_msg("\"%s\" is not in \"%s\"", part, used.error().c_str());
  }
  assert_text(tr("Code: "), "Kode: ");
}

void what_cannot_be_read_is_an_error_with_a_remedy(void**) {
  const ConfigDirectory directory;
  directory.write(kName, small_catalogue());
  assert_true(use_language(directory.path(""), "xx").has_value());
  assert_refused(directory, "fr", "fr/LC_MESSAGES/pam-cognito.mo: does not exist: install that");
  assert_refused(directory, "fr", "or set language = en in [texts]");
  assert_refused(directory, "../xx", "is not one such as de");
  assert_refused(directory, "", "is not one such as de");
  directory.write("fr/LC_MESSAGES/pam-cognito.mo", small_catalogue().substr(0, 60));
  assert_refused(directory, "fr", "is damaged: install it again");
  directory.write("fr/LC_MESSAGES/pam-cognito.mo", std::string(1024UL * 1024 + 1, 'x'));
  assert_refused(directory, "fr", "is larger than 1 MiB");
  directory.write("it/LC_MESSAGES/pam-cognito.mo/file", "");
  assert_refused(directory, "it", "is not a regular file");
  assert_int_equal(::mkfifo(directory.path("fifo").c_str(), 0644), 0);
  std::filesystem::create_directories(directory.path("nl/LC_MESSAGES"));
  std::filesystem::rename(directory.path("fifo"), directory.path("nl/LC_MESSAGES/pam-cognito.mo"));
  assert_refused(directory, "nl", "is not a regular file");
}

void german_is_complete_enough_to_sign_in(void**) {
  const auto used = use_language(built_catalogues, "de");
  if (!used) fail_msg("%s", used.error().c_str());
  assert_text(prompts::refused(),
              "Anmeldung fehlgeschlagen. Bitte Benutzername und Passwort prüfen.");
  assert_text(prompts::new_password(true), "Das Passwort muss geändert werden. Neues Passwort: ");
  assert_text(prompts::choice({}, {cognito::Method::totp, cognito::Method::sms}),
              "Woher soll der Code kommen?\n 1  Authenticator-App\n 2  SMS\nNummer eingeben [1]: ");
  assert_true(prompts::is_yes("Ja"));
  assert_true(prompts::is_yes("yes"));
  assert_false(prompts::is_yes("nein"));
}

// sshd asks for a local password with exactly these bytes; another text would tell which users are
// Cognito users.
void the_first_prompt_is_the_same_in_each_language(void**) {
  assert_true(use_language(built_catalogues, "de").has_value());
  assert_text(prompts::password(), "Password: ");
  assert_text(prompts::password_and_code(), "Password: ");
  const ConfigDirectory directory;
  directory.write(kName,
                  MoBuilder(test::Pairs{{"", kMoHeader}, {"Password: ", "Geheim: "}}).bytes());
  assert_true(use_language(directory.path(""), "xx").has_value());
  assert_text(prompts::password(), "Password: ");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  built_catalogues = argv[1];
  const CMUnitTest tests[] = {
      cmocka_unit_test_teardown(english_needs_no_file, back_to_english),
      cmocka_unit_test_teardown(a_text_without_a_translation_is_english, back_to_english),
      cmocka_unit_test_teardown(what_cannot_be_read_is_an_error_with_a_remedy, back_to_english),
      cmocka_unit_test_teardown(german_is_complete_enough_to_sign_in, back_to_english),
      cmocka_unit_test_teardown(the_first_prompt_is_the_same_in_each_language, back_to_english),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
