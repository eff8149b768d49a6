// The configuration that is installed: idle as it stands, and right wherever a comment mark is
// removed.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <istream>
#include <sstream>
#include <string>
#include <string_view>

#include "daemon/policy/ini_file.h"
#include "daemon/policy/reauth.h"
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
  assert_in_range(file->entries.size(), 25, 100);
  Draft draft;
  for (const IniSection& section : file->sections) {
    assert_string_equal(check_section(section.name).c_str(), "");
  }
  for (const IniEntry& entry : file->entries) {
    const auto applied = apply_setting(draft, entry.section, entry.key, entry.value);
    if (!applied) {
      fail_msg("line %u: %s %s", entry.line, entry.key.c_str(), applied.error().c_str());
    }
  }
  // The defaults that the file shows are the real ones.
  const LimitsConfig limits;
  assert_int_equal(draft.config.limits.failures, limits.failures);
  assert_int_equal(draft.config.limits.failures_unknown_origin, limits.failures_unknown_origin);
  assert_true(draft.config.limits.failure_window == limits.failure_window);
  assert_int_equal(draft.config.limits.messages, limits.messages);
  assert_int_equal(draft.config.limits.messages_unanswered, limits.messages_unanswered);
  assert_true(draft.config.limits.message_window == limits.message_window);
  assert_true(draft.config.account.facts_max_age == AccountConfig().facts_max_age);
  assert_true(draft.config.mfa.methods == MfaConfig().methods);
  assert_true(draft.config.mfa.require);
  assert_true(draft.config.mfa.choose == MfaConfig().choose);
  assert_true(draft.config.access.username == AccessConfig().username);
  assert_true(draft.config.mfa.enrol == MfaConfig().enrol);
  assert_true(draft.config.mfa.issuer == MfaConfig().issuer);
  assert_false(draft.config.pool.user_context);
  assert_false(draft.config.password.self_service);
  assert_true(draft.config.custom_challenge.prompt == CustomChallengeConfig().prompt);
  assert_false(draft.config.custom_challenge.echo);
  assert_true(draft.config.texts.language == TextsConfig().language);
  assert_false(draft.config.texts.trigger_refusal);
  assert_true(draft.config.access.identity == AccessConfig().identity);
  assert_true(draft.config.session.lifetime == SessionConfig().lifetime);
  assert_true(draft.config.session.revalidate == SessionConfig().revalidate);
  assert_true(draft.config.session.unreachable_grace == SessionConfig().unreachable_grace);
  assert_true(draft.config.session.end_with == SessionConfig().end_with);
  assert_true(reauth_rule(draft.config, "sudo").mode == ReauthRule().mode);
  assert_true(reauth_rule(draft.config, "sudo").mfa_max_age == ReauthRule().mfa_max_age);
}

// Asked of the settings themselves, which name their keys when they do not know one.
void every_key_is_documented(void**) {
  const auto file = parse_ini(with_examples(shipped_text()));
  assert_true(file.has_value());
  for (const char* section : {"pool", "access", "mfa", "password", "custom_challenge", "texts",
                              "session", "account", "limits", "metrics", "service sudo"}) {
    Draft draft;
    const std::string refusal = apply_setting(draft, section, "no such key", "").error();
    const std::string_view start = "there are ";
    std::istringstream keys(refusal.substr(refusal.find(start) + start.size()));
    for (std::string key; std::getline(keys >> std::ws, key, ',');) {
      const bool is_service = std::string_view(section).starts_with("service ");
      const bool found = std::ranges::any_of(file->entries, [&](const IniEntry& entry) {
        const bool there =
            is_service ? entry.section.starts_with("service ") : entry.section == section;
        return there && entry.key == key;
      });
      if (!found) fail_msg("%s of [%s] is not in cognitod.conf", key.c_str(), section);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  shipped_path = argv[1];
  const CMUnitTest tests[] = {
      cmocka_unit_test(as_shipped_it_sets_nothing),
      cmocka_unit_test(every_example_is_right),
      cmocka_unit_test(every_key_is_documented),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
