// The configuration that is installed: idle as it is, and right wherever a comment mark is removed.
// The defaults that `cognitoctl config show` prints are the real ones.
#include <cstring>
#include <fstream>
#include <istream>
#include <string>

#include "daemon/policy/effective.h"
#include "daemon/policy/ini_file.h"
#include "daemon/policy/settings.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/policy/config_directory.h"

namespace {

using namespace pamcognito::policy;
using pamcognito::test::ConfigDirectory;

std::string shipped_path;

std::string shipped_text() {
  std::ifstream file(shipped_path);
  std::string text;
  for (std::string line; std::getline(file, line);) text += line + "\n";
  assert_false(text.empty());
  return text;
}

// "#key = value" and "#[section]"; a comment that is prose has a blank behind its mark.
bool is_example(const std::string& line) {
  return line.size() > 1 && line[0] == '#' && line[1] != ' ' && line[1] != '#';
}

std::string with_examples(const std::string& text) {
  std::string out;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = text.find('\n', start);
    const std::string line = text.substr(start, end - start);
    out += (is_example(line) ? line.substr(1) : line) + "\n";
    start = end + 1;
  }
  return out;
}

void as_shipped_it_sets_nothing(void**) {
  const auto file = parse_ini(shipped_text());
  assert_true(file.has_value());
  assert_int_equal(file->entries.size(), 0);
  const ConfigDirectory directory;
  const auto config = load_config(directory.write("cognitod.conf", shipped_text()));
  assert_false(config.has_value());
  assert_non_null(std::strstr(config.error().c_str(), "is missing: set it to connect"));
}

void every_example_is_right(void**) {
  const auto file = parse_ini(with_examples(shipped_text()));
  if (!file) fail_msg("line %u: %s", file.error().line, file.error().message.c_str());
  assert_in_range(file->entries.size(), 8, 14);  // the settings that most machines need
  const ConfigDirectory directory;
  const auto config = load_config(directory.write("cognitod.conf", with_examples(shipped_text())));
  if (!config) fail_msg("%s", config.error().c_str());
  assert_int_equal(config->warnings.size(), 0);
  assert_int_equal(config->old_names.size(), 0);
}

// A configuration in which each key has its default in writing is that of a file without keys.
void the_defaults_that_are_shown_are_the_real_ones(void**) {
  const ConfigDirectory directory;
  const auto bare = load_config(directory.write("cognitod.conf", directory.pool()));
  if (!bare) fail_msg("%s", bare.error().c_str());
  Draft draft;
  for (const KnownSetting& setting : known_settings()) {
    if (setting.standard.empty()) continue;
    const auto applied = apply_setting(draft, setting.section, setting.key, setting.standard);
    if (!applied) fail_msg("%s: %s", std::string(setting.key).c_str(), applied.error().c_str());
  }
  const Config& given = draft.config;
  assert_true(given.pool.auth_flow == bare->pool.auth_flow);
  assert_true(given.pool.user_context == bare->pool.user_context);
  assert_true(given.pool.unreachable_after == bare->pool.unreachable_after);
  assert_true(given.access.cognito_username == bare->access.cognito_username);
  assert_true(given.access.identity == bare->access.identity);
  assert_true(given.access.case_sensitive == bare->access.case_sensitive);
  assert_true(given.mfa.require == bare->mfa.require);
  assert_true(given.mfa.methods == bare->mfa.methods);
  assert_true(given.mfa.ask_method == bare->mfa.ask_method);
  assert_true(given.mfa.enroll == bare->mfa.enroll);
  assert_true(given.mfa.app_label == bare->mfa.app_label);
  assert_true(given.password.self_service == bare->password.self_service);
  assert_true(given.custom_challenge.prompt == bare->custom_challenge.prompt);
  assert_true(given.custom_challenge.show_answer == bare->custom_challenge.show_answer);
  assert_true(given.texts.language == bare->texts.language);
  assert_true(given.texts.show_trigger_message == bare->texts.show_trigger_message);
  assert_true(given.session.lifetime == bare->session.lifetime);
  assert_true(given.session.revalidate == bare->session.revalidate);
  assert_true(given.session.unreachable_grace == bare->session.unreachable_grace);
  assert_true(given.session.end_on_logout == bare->session.end_on_logout);
  assert_true(given.keys.last_sign_in_max_age == bare->keys.last_sign_in_max_age);
  assert_int_equal(given.limits.failures, bare->limits.failures);
  assert_int_equal(given.limits.failures_unknown_origin, bare->limits.failures_unknown_origin);
  assert_true(given.limits.failure_window == bare->limits.failure_window);
  assert_int_equal(given.limits.messages, bare->limits.messages);
  assert_int_equal(given.limits.messages_unanswered, bare->limits.messages_unanswered);
  assert_true(given.limits.message_window == bare->limits.message_window);
  assert_int_equal(given.limits.first_logins, bare->limits.first_logins);
  assert_int_equal(given.limits.first_logins_per_source, bare->limits.first_logins_per_source);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  shipped_path = argv[1];
  const CMUnitTest tests[] = {
      cmocka_unit_test(as_shipped_it_sets_nothing),
      cmocka_unit_test(every_example_is_right),
      cmocka_unit_test(the_defaults_that_are_shown_are_the_real_ones),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
