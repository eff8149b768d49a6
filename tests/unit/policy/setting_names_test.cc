// Names of 0.2.0 count for one more version; each use is reported, and both names at once are an
// error. `config show` shows which file a value comes from.
#include "daemon/policy/setting_names.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/policy/effective.h"
#include "daemon/policy/settings.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/policy/config_directory.h"

namespace {

using namespace pamcognito::policy;
using pamcognito::test::ConfigDirectory;

constexpr char kMain[] = "cognitod.conf";

struct Renamed {
  const char* section;
  const char* key;
  const char* value;
  const char* present_section;
  const char* present_key;
  const char* present_value;
};

constexpr Renamed kRenamed[] = {
    {"access", "username", "%u@x", "access", "cognito_username", "%u@x"},
    {"access", "identity", "file", "access", "identity", "pinned"},
    {"mfa", "issuer", "Example", "mfa", "app_label", "Example"},
    {"mfa", "choose", "policy", "mfa", "ask_method", "no"},
    {"mfa", "choose", "ask", "mfa", "ask_method", "yes"},
    {"mfa", "enrol", "no", "mfa", "enroll", "never"},
    {"mfa", "enrol", "pool", "mfa", "enroll", "when-required"},
    {"mfa", "enrol", "local", "mfa", "enroll", "at-console"},
    {"mfa", "enrol", "yes", "mfa", "enroll", "anywhere"},
    {"custom_challenge", "echo", "yes", "custom_challenge", "show_answer", "yes"},
    {"texts", "trigger_refusal", "yes", "texts", "show_trigger_message", "yes"},
    {"session", "end_with", "lifetime", "session", "end_on_logout", "no"},
    {"session", "end_with", "last-logout", "session", "end_on_logout", "yes"},
    {"account", "facts_max_age", "2d", "keys", "last_sign_in_max_age", "2d"},
    {"service sshd", "unknown", "allow-root", "service sshd", "never_signed_in", "allow-root"},
    {"service sshd", "deadline", "290s", "service sshd", "sign_in_timeout", "290s"},
    {"service sshd", "prompts", "one", "service sshd", "single_prompt", "yes"},
    {"service sshd", "prompts", "many", "service sshd", "single_prompt", "no"},
    {"service sshd", "echo", "no", "service sshd", "show_code", "no"},
    {"service sshd", "console", "yes", "service sshd", "local_seat", "yes"},
};

std::string line(const Renamed& row, bool old) {
  return std::string("[") + (old ? row.section : row.present_section) + "]\n" +
         (old ? row.key : row.present_key) + " = " + (old ? row.value : row.present_value) + "\n";
}

Config loaded(const ConfigDirectory& directory, const std::string& text) {
  directory.write(kMain, directory.pool() + "[access]\nallow_users = alice\n");
  directory.write("cognitod.conf.d/a.conf", text);
  auto config = load_config(directory.path(kMain));
  if (!config) fail_msg("%s", config.error().c_str());
  return std::move(*config);
}

void an_old_name_is_the_present_one(void**) {
  const ConfigDirectory directory;
  for (const Renamed& row : kRenamed) {
    const Config old = loaded(directory, line(row, true));
    const auto setting = effective_setting(old, row.present_section, row.present_key);
    assert_true(setting.has_value());
    assert_text(setting->value, row.present_value);
    assert_int_equal(old.old_names.size(), 1);
    const std::string& report = old.old_names.front();
    const std::string present =
        std::string(" is now [") + row.present_section + "] " + row.present_key;
    if (!report.starts_with(directory.path("cognitod.conf.d/a.conf:2: [")) ||
        report.find(present) == std::string::npos)
      fail_msg("%s", report.c_str());
    assert_int_equal(loaded(directory, line(row, false)).old_names.size(), 0);
  }
}

void each_use_is_reported_by_both_names(void**) {
  const ConfigDirectory directory;
  assert_text(loaded(directory, "[mfa]\nissuer = Example\n").old_names.front(),
              directory.path("cognitod.conf.d/a.conf:2: [mfa] issuer is now [mfa] app_label"));
  assert_text(loaded(directory, "[mfa]\nenrol = local\n").old_names.front(),
              directory.path("cognitod.conf.d/a.conf:2: [mfa] enrol = local is now [mfa] enroll = "
                             "at-console"));
  assert_int_equal(loaded(directory, "[account]\n").old_names.size(), 0);
  const Config locker = loaded(directory, "[service user]\nreauth = password\n");
  assert_true(locker.services.at(kUserService).reauth == Reauth::password);
  assert_int_equal(locker.old_names.size(), 1);
  assert_text(locker.old_names.front(),
              directory.path("cognitod.conf.d/a.conf:1: [service user] is now [service locker]"));
  assert_true(
      loaded(directory, "[service locker]\nreauth = password\n").services.at(kUserService).reauth ==
      Reauth::password);
}

void both_names_at_once_are_an_error(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool());
  const auto refused = [&](const std::string& one, const std::string& other) {
    directory.write("cognitod.conf.d/a.conf", one);
    directory.write("cognitod.conf.d/b.conf", other);
    const auto config = load_config(directory.path(kMain));
    if (config) fail_msg("accepted: %s%s", one.c_str(), other.c_str());
    return config.error();
  };
  for (const Renamed& row : kRenamed) {
    if (std::string_view(row.key) == row.present_key) continue;  // a value with a new word
    (void)refused(line(row, true), line(row, false));
    (void)refused(line(row, false), line(row, true));
    (void)refused(line(row, true) + line(row, false), "");
  }
  assert_text(refused("[mfa]\nissuer = A\n", "[mfa]\napp_label = A\n"),
              directory.path("cognitod.conf.d/b.conf:2: [mfa] app_label and [mfa] issuer (") +
                  directory.path("cognitod.conf.d/a.conf:2) are the same setting: keep [mfa] "
                                 "app_label"));
  (void)refused("[service user]\nreauth = full\n", "[service locker]\nreauth = full\n");
}

void an_old_name_with_a_wrong_value_is_refused_by_its_name(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool());
  directory.write("cognitod.conf.d/a.conf", "[mfa]\nenrol = always\n");
  const auto config = load_config(directory.path(kMain));
  assert_false(config.has_value());
  assert_text(config.error(),
              directory.path("cognitod.conf.d/a.conf:2: enroll of [mfa] is not never or "
                             "when-required or at-console or anywhere; here it is called enrol"));
}

void a_new_key_does_not_fit_into_a_former_section(void**) {
  const ConfigDirectory directory;
  directory.write(kMain, directory.pool() + "[account]\nlast_sign_in_max_age = 1d\n");
  const auto config = load_config(directory.path(kMain));
  assert_false(config.has_value());
  assert_text(config.error(), directory.path(kMain) +
                                  ":7: last_sign_in_max_age of [account] is "
                                  "not a key of this section");
}

void each_value_has_an_origin(void**) {
  const ConfigDirectory directory;
  const Config config = loaded(directory,
                               "[mfa]\nissuer = Example\n[service kiosk]\nsingle_prompt = yes\n"
                               "[client_metadata]\nrack = 7\n");
  std::vector<std::string> seen;
  for (const EffectiveSetting& setting : effective_settings(config)) {
    assert_true(setting.key != "client_secret");
    if (setting.origin != kDefaultOrigin)
      seen.push_back("[" + setting.section + "] " + setting.key + " = " + setting.value + " " +
                     setting.origin.substr(setting.origin.rfind('/') + 1));
  }
  const std::vector<std::string> expected = {
      "[mfa] app_label = Example a.conf:2", "[client_metadata] rack = 7 a.conf:6",
      "[service kiosk] single_prompt = yes a.conf:4", "[access] allow_users = alice"};
  for (const std::string& each : expected)
    if (std::ranges::none_of(seen, [&](const auto& one) { return one.starts_with(each); }))
      fail_msg("missing: %s", each.c_str());
  const auto value = [&](const char* section, const char* key) {
    const auto setting = effective_setting(config, section, key);
    return setting
               ? setting->value + " " + (setting->origin == kDefaultOrigin ? "default" : "a file")
               : "none";
  };
  assert_text(value("mfa", "app_label"), "Example a file");
  assert_text(value("mfa", "issuer"), "Example a file");
  assert_text(value("mfa", "methods"), "totp email sms default");
  assert_text(value("service sshd", "sign_in_timeout"), "110s default");
  assert_text(value("service kiosk", "single_prompt"), "yes a file");
  assert_text(value("service locker", "reauth"), "full default");
  assert_text(value("pool", "endpoint"), "https://cognito-idp.eu-west-1.amazonaws.com default");
  assert_text(value("client_metadata", "rack"), "7 a file");
  assert_text(value("client_metadata", "host"), "none");
  assert_text(value("pool", "client_secret"), "none");
  assert_text(value("pool", "nothing"), "none");
  assert_text(value("nothing", "region"), "none");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_old_name_is_the_present_one),
      cmocka_unit_test(each_use_is_reported_by_both_names),
      cmocka_unit_test(both_names_at_once_are_an_error),
      cmocka_unit_test(an_old_name_with_a_wrong_value_is_refused_by_its_name),
      cmocka_unit_test(a_new_key_does_not_fit_into_a_former_section),
      cmocka_unit_test(each_value_has_an_origin),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
