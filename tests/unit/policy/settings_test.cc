// Every key of cognitod.conf: what it accepts, and what it says about the rest.
#include "daemon/policy/settings.h"

#include <array>
#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::policy;
using pamcognito::cognito::AuthFlow;
using pamcognito::cognito::Method;

struct Case {
  const char* section;
  const char* key;
  const char* value;
  const char* error;  // a part of it; nullptr: accepted
};

constexpr char k64Bytes[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr char k65Bytes[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefX";
const std::string kLong(257, 'v');
const char* const k257Bytes = kLong.c_str();
const char* const k256Bytes = kLong.c_str() + 1;

const std::array kCases = {
    Case{"pool", "region", "eu-west-1", nullptr},
    Case{"pool", "region", "", "has no value"},
    Case{"pool", "region", "eu west", "has a blank"},
    Case{"pool", "user_pool_id", "eu-west-1_Example", nullptr},
    Case{"pool", "client_id", "1example23456789", nullptr},
    Case{"pool", "client_id", "with-dash", "is not an app client id"},
    Case{"pool", "client_secret", "x", "systemd credential"},
    Case{"pool", "auth_flow", "srp", nullptr},
    Case{"pool", "auth_flow", "password", nullptr},
    Case{"pool", "auth_flow", "custom-srp", nullptr},
    Case{"pool", "auth_flow", "custom", nullptr},
    Case{"pool", "auth_flow", "SRP", "is not srp or password or custom-srp or custom"},
    Case{"pool", "auth_flow", "custom_srp", "is not srp or password or custom-srp or custom"},
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
    Case{"pool", "user_context", "remote-host", nullptr},
    Case{"pool", "user_context", "yes", "is not no or remote-host"},
    Case{"access", "allow_groups", "linux-users linux-admins", nullptr},
    Case{"access", "allow_groups", "", nullptr},
    Case{"access", "allow_groups", "*", "allow_users = *"},
    Case{"access", "allow_users", "alice bob", nullptr},
    Case{"access", "allow_users", "*", nullptr},
    Case{"access", "allow_users", "* alice", "beside *"},
    Case{"access", "allow_users", "alice@example.com", "not a Linux user name"},
    Case{"access", "cognito_username", "%u@example.com", nullptr},
    Case{"access", "cognito_username", "alice", "lacks %u"},
    Case{"access", "cognito_username", "%%u", "lacks %u"},
    Case{"access", "cognito_username", "%u%h", "neither %u"},
    Case{"access", "cognito_username", "%u%", "neither %u"},
    Case{"access", "identity", "username", nullptr},
    Case{"access", "identity", "email", nullptr},
    Case{"access", "identity", "pinned", nullptr},
    Case{"access", "case_sensitive", "yes", nullptr},
    Case{"access", "case_sensitive", "no", nullptr},
    Case{"access", "case_sensitive", "lower", "yes or no"},
    Case{"access", "identity", "phone", "is not username or email or pinned"},
    Case{"mfa", "require", "no", nullptr},
    Case{"mfa", "methods", "sms totp", nullptr},
    Case{"mfa", "methods", "", "is empty"},
    Case{"mfa", "methods", "totp totp", "twice"},
    Case{"mfa", "methods", "totp custom", nullptr},
    Case{"mfa", "methods", "custom", nullptr},
    Case{"mfa", "methods", "voice", "is not totp or email or sms or custom"},
    Case{"mfa", "ask_method", "yes", nullptr},
    Case{"mfa", "ask_method", "ask", "is not yes or no"},
    Case{"mfa", "enroll", "never", nullptr},
    Case{"mfa", "enroll", "when-required", nullptr},
    Case{"mfa", "enroll", "at-console", nullptr},
    Case{"mfa", "enroll", "anywhere", nullptr},
    Case{"mfa", "enroll", "local", "is not never or when-required or at-console or anywhere"},
    Case{"mfa", "app_label", "Example Corp", nullptr},
    Case{"mfa", "app_label", "Bücher & Söhne", nullptr},
    Case{"mfa", "app_label", k64Bytes, nullptr},
    Case{"mfa", "app_label", k65Bytes, "longer than 64 bytes"},
    Case{"mfa", "app_label", "", "has no value"},
    Case{"mfa", "app_label", "Example: Corp", "has a colon"},
    Case{"mfa", "app_label", "tab\there", "is not printable"},
    Case{"mfa", "app_label", "\xc3", "is not printable"},
    Case{"password", "self_service", "yes", nullptr},
    Case{"password", "self_service", "no", nullptr},
    Case{"password", "self_service", "ask", "is not yes or no"},
    Case{"password", "reset_services", "", nullptr},
    Case{"password", "reset_services", "cognito-reset kiosk-reset", nullptr},
    Case{"password", "reset_services", "../passwd", "no file in /etc/pam.d"},
    Case{"password", "reset_services", "a a", "twice"},
    Case{"password", "reset_services", "cognito-reset sshd", "which people sign in by"},
    Case{"password", "reset", "yes", "there are self_service, reset_services"},
    Case{"custom_challenge", "prompt", "prompt hint", nullptr},
    Case{"custom_challenge", "prompt", "", nullptr},
    Case{"custom_challenge", "prompt", "a b c d e f g h", nullptr},
    Case{"custom_challenge", "prompt", "a b c d e f g h i", "more than 8"},
    Case{"custom_challenge", "prompt", k64Bytes, nullptr},
    Case{"custom_challenge", "prompt", k65Bytes, "more than 64 bytes"},
    Case{"custom_challenge", "show_answer", "yes", nullptr},
    Case{"custom_challenge", "show_answer", "visible", "is not yes or no"},
    Case{"custom_challenge", "prompts", "a", "there are prompt, show_answer"},
    Case{"client_metadata", "send", "host service remote-host", nullptr},
    Case{"client_metadata", "send", "", nullptr},
    Case{"client_metadata", "send", "host user", "has user, which is not host or service or"},
    Case{"client_metadata", "send", "remote_host", "is not host or service or remote-host"},
    Case{"client_metadata", "environment", "production, rack 7", nullptr},
    Case{"client_metadata", "A-z_0.9", "x", nullptr},
    Case{"client_metadata", "two words", "x", "is not a name"},
    Case{"client_metadata", "", "x", "is not a name"},
    Case{"client_metadata", k64Bytes, "x", nullptr},
    Case{"client_metadata", k65Bytes, "x", "is not a name"},
    Case{"client_metadata", "empty", "", "has no value"},
    Case{"client_metadata", "long", k256Bytes, nullptr},
    Case{"client_metadata", "long", k257Bytes, "longer than 256 bytes"},
    Case{"client_metadata", "raw", "\xff", "is not printable"},
    Case{"texts", "language", "en", nullptr},
    Case{"texts", "language", "pt_BR", nullptr},
    Case{"texts", "language", "sr@latin", nullptr},
    Case{"texts", "language", "", "is not the name of a language"},
    Case{"texts", "language", "../de", "is not the name of a language"},
    Case{"texts", "language", "de.UTF-8", "is not the name of a language"},
    Case{"texts", "language", "@de", "is not the name of a language"},
    Case{"texts", "help", "Help: https://it.example.com, phone 4711.", nullptr},
    Case{"texts", "help", "", "has no value"},
    Case{"texts", "help", "a\x1b[2J", "is not printable UTF-8"},
    Case{"texts", "help", k257Bytes, "is longer than 160 bytes"},
    Case{"texts", "show_trigger_message", "yes", nullptr},
    Case{"texts", "show_trigger_message", "log", "is not yes or no"},
    Case{"texts", "colour", "yes", "there are language, help, show_trigger_message"},
    Case{"session", "lifetime", "12h", nullptr},
    Case{"session", "lifetime", "0", nullptr},
    Case{"session", "lifetime", "31d", "is not from 0 to 30d"},
    Case{"session", "revalidate", "5min", nullptr},
    Case{"session", "revalidate", "25h", "is not from 0 to 1d"},
    Case{"session", "unreachable_grace", "0", nullptr},
    Case{"session", "unreachable_grace", "8d", "is not from 0 to 7d"},
    Case{"break_glass", "unreachable_after", "1min", nullptr},
    Case{"break_glass", "unreachable_after", "1h", nullptr},
    Case{"break_glass", "unreachable_after", "59s", "is not from 1min to 1h"},
    Case{"break_glass", "local_password", "never", "there are unreachable_after"},
    Case{"session", "end_on_logout", "no", nullptr},
    Case{"session", "end_on_logout", "yes", nullptr},
    Case{"session", "end_on_logout", "last-logout", "is not yes or no"},
    Case{"session", "anything", "0",
         "there are lifetime, revalidate, unreachable_grace, end_on_logout"},
    Case{"metrics", "textfile", "/var/lib/x.prom", nullptr},
    Case{"metrics", "textfile", "x.prom", "is not a path"},
    Case{"metrics", "file", "/x", "there are textfile"},
    Case{"keys", "last_sign_in_max_age", "0", nullptr},
    Case{"keys", "last_sign_in_max_age", "366d", "is not from 0 to 365d"},
    Case{"limits", "failures", "4", nullptr},
    Case{"limits", "failures", "0", "from 1 to 20"},
    Case{"limits", "failures_unknown_origin", "3", nullptr},
    Case{"limits", "failure_window", "15min", nullptr},
    Case{"limits", "failure_window", "59s", "is not from 1min to 1d"},
    Case{"limits", "messages", "5", nullptr},
    Case{"limits", "messages_unanswered", "2", nullptr},
    Case{"limits", "message_window", "15min", nullptr},
    Case{"limits", "first_logins", "60", nullptr},
    Case{"limits", "first_logins", "0", "from 1 to 600"},
    Case{"limits", "first_logins_per_source", "600", nullptr},
    Case{"limits", "first_logins_per_source", "601", "from 1 to 600"},
    Case{"service sudo", "allow_groups", "linux-admins", nullptr},
    Case{"service sudo", "allow_groups", "", "remove the line"},
    Case{"service sudo", "never_signed_in", "allow-root", nullptr},
    Case{"service sudo", "never_signed_in", "allow_root", "is not deny or allow or allow-root"},
    Case{"service sudo", "single_prompt", "yes", nullptr},
    Case{"service sudo", "single_prompt", "one", "is not yes or no"},
    Case{"service sudo", "show_code", "yes", nullptr},
    Case{"service sudo", "qr", "no", nullptr},
    Case{"service sudo", "qr", "yes", nullptr},
    Case{"service sudo", "qr", "ascii", nullptr},
    Case{"service sudo", "qr", "utf8", "is not no or yes or ascii"},
    Case{"service sudo", "local_seat", "yes", nullptr},
    Case{"service sudo", "local_seat", "no", nullptr},
    Case{"service sudo", "local_seat", "tty1", "is not yes or no"},
    Case{"service sudo", "sign_in_timeout", "50s", nullptr},
    Case{"service sudo", "sign_in_timeout", "901s", "is not from 10s to 15min"},
    Case{"service sudo", "reauth", "full", nullptr},
    Case{"service sudo", "reauth", "password", nullptr},
    Case{"service sudo", "reauth", "none", nullptr},
    Case{"service sudo", "reauth", "half", "is not full or password or none"},
    Case{"service sshd", "reauth_from", "login", nullptr},
    Case{"service sshd", "reauth_from", "origin", nullptr},
    Case{"service sshd", "reauth_from", "address", "is not login or origin"},
    Case{"service sudo", "mfa_max_age", "1h", nullptr},
    Case{"service sudo", "mfa_max_age", "0", nullptr},
    Case{"service sudo", "mfa_max_age", "31d", "is not from 0 to 30d"},
    Case{"service sudo", "timeout", "1h", "is not a key of this section: there are allow_groups"},
    Case{"pool", "pool_id", "x", "is not a key of this section: there are region, user_pool_id"},
    Case{"service", "show_code", "yes", ""},
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
  for (const char* section : {"pool", "access", "mfa", "session", "keys", "limits", "password",
                              "custom_challenge", "client_metadata", "texts", "metrics",
                              "service sudo", "service gdm-password", "service polkit-1"}) {
    if (!check_section(section).empty()) fail_msg("refused: %s", section);
  }
  for (const char* section : {"", "Pool", " pool", "service", "service ", "service  sudo",
                              "service su do", "service ../x", "services", "passwords"}) {
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
  set("service sudo", "never_signed_in", "allow-root");
  set("service sudo", "sign_in_timeout", "50s");
  set("service i3lock", "single_prompt", "yes");
  set("keys", "last_sign_in_max_age", "2d");
  set("pool", "auth_flow", "custom-srp");
  set("pool", "user_context", "remote-host");
  set("mfa", "enroll", "at-console");
  set("mfa", "app_label", "Example Corp");
  set("password", "self_service", "yes");
  set("password", "reset_services", "cognito-reset");
  set("custom_challenge", "prompt", "question hint");
  set("custom_challenge", "show_answer", "yes");
  set("texts", "language", "de");
  set("texts", "show_trigger_message", "yes");
  set("service sudo", "qr", "ascii");
  set("service sudo", "local_seat", "yes");
  set("access", "identity", "pinned");
  set("session", "lifetime", "8h");
  set("session", "revalidate", "1min");
  set("session", "unreachable_grace", "4h");
  set("session", "end_on_logout", "yes");
  set("metrics", "textfile", "/var/lib/x.prom");
  set("service sudo", "reauth", "none");
  set("service sudo", "mfa_max_age", "30min");
  assert_true(draft.config.access.identity == Identity::pinned);
  assert_true(draft.config.session.lifetime == std::chrono::hours(8));
  assert_true(draft.config.session.revalidate == std::chrono::minutes(1));
  assert_true(draft.config.session.unreachable_grace == std::chrono::hours(4));
  assert_true(draft.config.session.end_on_logout);
  assert_text(draft.config.metrics.textfile, "/var/lib/x.prom");
  assert_true(draft.config.services.at("sudo").reauth == Reauth::none);
  assert_true(draft.config.services.at("sudo").mfa_max_age == std::chrono::minutes(30));
  assert_true(draft.config.mfa.methods == (std::vector{Method::sms, Method::totp}));
  assert_int_equal(draft.config.access.allow_users.size(), 2);
  const ServiceConfig& sudo = draft.config.services.at("sudo");
  assert_true(sudo.never_signed_in == NeverSignedIn::allow_root);
  assert_true(sudo.sign_in_timeout == std::chrono::seconds(50));
  assert_false(sudo.single_prompt.has_value());
  assert_true(draft.config.services.at("i3lock").single_prompt.value());
  assert_true(draft.config.keys.last_sign_in_max_age == std::chrono::hours(48));
  assert_true(draft.config.pool.auth_flow == AuthFlow::custom_srp);
  assert_true(draft.config.pool.user_context);
  assert_true(draft.config.mfa.enroll == Enroll::at_console);
  assert_text(draft.config.mfa.app_label, "Example Corp");
  assert_true(draft.config.password.self_service);
  assert_true(draft.config.password.reset_services == std::vector<std::string>{"cognito-reset"});
  assert_true(draft.config.custom_challenge.prompt ==
              (std::vector<std::string>{"question", "hint"}));
  assert_true(draft.config.custom_challenge.show_answer);
  assert_text(draft.config.texts.language, "de");
  assert_true(draft.config.texts.show_trigger_message);
  assert_true(sudo.qr == Qr::ascii);
  assert_true(sudo.local_seat == true);
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

void metadata_is_pairs_and_the_facts_to_send(void**) {
  Draft draft;
  const ClientMetadataConfig& metadata = draft.config.client_metadata;
  const auto set = [&](const std::string& key, const char* value) {
    return apply_setting(draft, "client_metadata", key, value).has_value();
  };
  assert_true(set("environment", "production"));
  assert_true(set("environment", "test"));
  assert_text(metadata.pairs.at("environment"), "test");
  assert_true(set("send", "host remote-host"));
  assert_true(metadata.host);
  assert_false(metadata.service);
  assert_true(metadata.remote_host);
  assert_true(set("send", "service"));
  assert_false(metadata.host);
  assert_true(metadata.service);
  assert_false(metadata.remote_host);
  assert_false(metadata.pairs.contains("send"));
  for (int i = 2; i <= 16; ++i) assert_true(set("name" + std::to_string(i), "x"));
  assert_int_equal(metadata.pairs.size(), 16);
  assert_true(set("name16", "y"));
  assert_false(set("name17", "x"));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_value_is_accepted_or_explained),
      cmocka_unit_test(sections_are_known_or_named_after_a_service),
      cmocka_unit_test(values_arrive),
      cmocka_unit_test(a_later_value_replaces_an_earlier_one),
      cmocka_unit_test(metadata_is_pairs_and_the_facts_to_send),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
