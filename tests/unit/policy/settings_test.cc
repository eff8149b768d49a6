// Every key of cognitod.conf: what it accepts, and what it says about the rest.
#include "daemon/policy/settings.h"

#include <array>
#include <string>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::policy;

struct Case {
  const char* section;
  const char* key;
  const char* value;
  const char* error;  // a part of it; nullptr: accepted
};

constexpr std::array kCases = {
    Case{"pool", "region", "eu-west-1", nullptr},
    Case{"pool", "region", "", "has no value"},
    Case{"pool", "region", "eu west", "has a blank"},
    Case{"pool", "user_pool_id", "eu-west-1_Example", nullptr},
    Case{"pool", "client_id", "1example23456789", nullptr},
    Case{"pool", "client_id", "with-dash", "is not an app client id"},
    Case{"pool", "client_secret", "x", "systemd credential"},
    Case{"pool", "auth_flow", "srp", nullptr},
    Case{"pool", "auth_flow", "password", nullptr},
    Case{"pool", "auth_flow", "SRP", "is not srp or password"},
    Case{"pool", "endpoint", "https://localhost", nullptr},
    Case{"pool", "issuer", "https://localhost", nullptr},
    Case{"pool", "jwks_uri", "https://localhost/keys", nullptr},
    Case{"pool", "fips", "yes", nullptr},
    Case{"pool", "fips", "maybe", "is not yes or no"},
    Case{"pool", "proxy", "http://proxy.example:3128", nullptr},
    Case{"pool", "proxy", "socks5://proxy.example", ""},
    Case{"pool", "ca_file", "/etc/ssl/certs/ca-certificates.crt", nullptr},
    Case{"pool", "ca_file", "certs.pem", "is not a path"},
    Case{"pool", "user_context", "no", nullptr},
    Case{"pool", "user_context", "remote-host", "not available in this version"},
    Case{"pool", "user_context", "yes", "is not no"},
    Case{"access", "allow_groups", "linux-users linux-admins", nullptr},
    Case{"access", "allow_groups", "", nullptr},
    Case{"access", "allow_groups", "*", "allow_users = *"},
    Case{"access", "allow_users", "alice bob", nullptr},
    Case{"access", "allow_users", "*", nullptr},
    Case{"access", "allow_users", "* alice", "beside *"},
    Case{"access", "allow_users", "alice@example.com", "not a Linux user name"},
    Case{"access", "username", "%u@example.com", nullptr},
    Case{"access", "username", "alice", "lacks %u"},
    Case{"access", "username", "%%u", "lacks %u"},
    Case{"access", "username", "%u%h", "neither %u"},
    Case{"access", "username", "%u%", "neither %u"},
    Case{"access", "identity", "username", nullptr},
    Case{"access", "identity", "email", nullptr},
    Case{"access", "identity", "file", "not available in this version"},
    Case{"access", "identity", "phone", "is not username or email"},
    Case{"mfa", "require", "no", nullptr},
    Case{"mfa", "methods", "sms totp", nullptr},
    Case{"mfa", "methods", "", "is empty"},
    Case{"mfa", "methods", "totp totp", "twice"},
    Case{"mfa", "methods", "totp custom", "not available in this version"},
    Case{"mfa", "methods", "voice", "is not totp or email or sms"},
    Case{"mfa", "choose", "ask", nullptr},
    Case{"mfa", "choose", "me", "is not policy or ask"},
    Case{"mfa", "enrol", "no", nullptr},
    Case{"mfa", "enrol", "pool", "not available in this version: use no"},
    Case{"mfa", "enrol", "local", "not available in this version: use no"},
    Case{"mfa", "enrol", "yes", "not available in this version: use no"},
    Case{"mfa", "enrol", "never", "is not no"},
    Case{"session", "lifetime", "12h", "not available in this version"},
    Case{"session", "revalidate", "5min", "not available in this version"},
    Case{"session", "unreachable_grace", "0", "not available in this version"},
    Case{"session", "anything", "0", "not available in this version"},
    Case{"account", "facts_max_age", "0", nullptr},
    Case{"account", "facts_max_age", "366d", "is not from 0 to 365d"},
    Case{"limits", "failures", "4", nullptr},
    Case{"limits", "failures", "0", "from 1 to 20"},
    Case{"limits", "failures_unknown_origin", "3", nullptr},
    Case{"limits", "failure_window", "15min", nullptr},
    Case{"limits", "failure_window", "59s", "is not from 1min to 1d"},
    Case{"limits", "messages", "5", nullptr},
    Case{"limits", "messages_unanswered", "2", nullptr},
    Case{"limits", "message_window", "15min", nullptr},
    Case{"service sudo", "allow_groups", "linux-admins", nullptr},
    Case{"service sudo", "allow_groups", "", "remove the line"},
    Case{"service sudo", "unknown", "allow-root", nullptr},
    Case{"service sudo", "unknown", "allow_root", "is not deny or allow or allow-root"},
    Case{"service sudo", "prompts", "one", nullptr},
    Case{"service sudo", "prompts", "two", "is not one or many"},
    Case{"service sudo", "echo", "yes", nullptr},
    Case{"service sudo", "deadline", "50s", nullptr},
    Case{"service sudo", "deadline", "901s", "is not from 10s to 15min"},
    Case{"service sudo", "reauth", "full", nullptr},
    Case{"service sudo", "reauth", "password", "not available in this version: use full"},
    Case{"service sudo", "reauth", "none", "not available in this version: use full"},
    Case{"service sudo", "reauth", "half", "is not full"},
    Case{"service sudo", "mfa_max_age", "1h", "not available in this version"},
    Case{"service sudo", "timeout", "1h", "is not a key of this section: there are allow_groups"},
    Case{"pool", "pool_id", "x", "is not a key of this section: there are region, user_pool_id"},
    Case{"service", "echo", "yes", ""},
};

void each_value_is_accepted_or_explained(void**) {
  for (const Case& c : kCases) {
    Draft draft;
    const auto applied = std::string_view(c.section) == "service"
                             ? std::unexpected(check_section(c.section))
                             : apply_setting(draft, c.section, c.key, c.value);
    if (c.error == nullptr && !applied) {
      fail_msg("[%s] %s = %s: %s", c.section, c.key, c.value, applied.error().c_str());
    }
    if (c.error == nullptr) continue;
    if (applied) fail_msg("[%s] %s = %s: accepted", c.section, c.key, c.value);
    if (applied.error().empty() || applied.error().find(c.error) == std::string::npos) {
      fail_msg("[%s] %s = %s: \"%s\" is not in \"%s\"", c.section, c.key, c.value, c.error,
               applied.error().c_str());
    }
  }
}

void sections_are_known_or_named_after_a_service(void**) {
  for (const char* section : {"pool", "access", "mfa", "session", "account", "limits",
                              "service sudo", "service gdm-password", "service polkit-1"}) {
    if (!check_section(section).empty()) fail_msg("refused: %s", section);
  }
  for (const char* section : {"", "Pool", " pool", "service", "service ", "service  sudo",
                              "service su do", "service ../x", "services", "password"}) {
    if (check_section(section).empty()) fail_msg("accepted: %s", section);
  }
}

void values_arrive(void**) {
  Draft draft;
  const auto set = [&](const char* section, const char* key, const char* value) {
    assert_true(apply_setting(draft, section, key, value).has_value());
  };
  set("mfa", "methods", "sms totp");
  set("access", "allow_users", "alice bob");
  set("service sudo", "unknown", "allow-root");
  set("service sudo", "deadline", "50s");
  set("service i3lock", "prompts", "one");
  set("account", "facts_max_age", "2d");
  assert_true(draft.config.mfa.methods == (std::vector{Method::sms, Method::totp}));
  assert_int_equal(draft.config.access.allow_users.size(), 2);
  const ServiceConfig& sudo = draft.config.services.at("sudo");
  assert_true(sudo.unknown == UnknownAccount::allow_root);
  assert_true(sudo.deadline == std::chrono::seconds(50));
  assert_false(sudo.one_prompt.has_value());
  assert_true(draft.config.services.at("i3lock").one_prompt.value());
  assert_true(draft.config.account.facts_max_age == std::chrono::hours(48));
}

void a_later_value_replaces_an_earlier_one(void**) {
  Draft draft;
  assert_true(apply_setting(draft, "access", "allow_users", "*").has_value());
  assert_true(draft.config.access.allow_all);
  assert_true(apply_setting(draft, "access", "allow_users", "alice").has_value());
  assert_false(draft.config.access.allow_all);
  assert_true(apply_setting(draft, "access", "allow_users", "").has_value());
  assert_true(draft.config.access.allow_users.empty());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_value_is_accepted_or_explained),
      cmocka_unit_test(sections_are_known_or_named_after_a_service),
      cmocka_unit_test(values_arrive),
      cmocka_unit_test(a_later_value_replaces_an_earlier_one),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
