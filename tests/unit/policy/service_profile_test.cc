#include "daemon/policy/service_profile.h"

#include <array>
#include <chrono>
#include <span>
#include <string>

#include "daemon/policy/key_values.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito;
using policy::DeadlineFrom;
using policy::NeverSignedIn;
using policy::service_profile;
using std::chrono::seconds;

struct Row {
  const char* service;
  bool echo;
  bool single_prompt;
  policy::Qr qr;
  bool console;
  int deadline;
  DeadlineFrom from;
  bool one_text = false;
  NeverSignedIn unknown = NeverSignedIn::deny;
};

constexpr auto kHalf = policy::Qr::half_blocks;
constexpr auto kNone = policy::Qr::none;

constexpr std::array kRows = {
    Row{"sshd", true, false, kHalf, false, 110, DeadlineFrom::opening},
    Row{"login", true, false, kHalf, true, 50, DeadlineFrom::opening},
    Row{"sudo", true, false, kHalf, false, 300, DeadlineFrom::opening},
    Row{"sudo-i", true, false, kHalf, false, 300, DeadlineFrom::opening},
    Row{"su", true, false, kHalf, false, 300, DeadlineFrom::opening, false,
        NeverSignedIn::allow_root},
    Row{"su-l", true, false, kHalf, false, 300, DeadlineFrom::opening, false,
        NeverSignedIn::allow_root},
    Row{"passwd", true, false, kHalf, false, 300, DeadlineFrom::opening},
    Row{"lightdm", false, false, kNone, true, 300, DeadlineFrom::first_answer, true},
    Row{"gdm-password", false, false, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"sddm", false, true, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"xscreensaver", false, false, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"i3lock", false, true, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"swaylock", false, true, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"polkit-1", false, false, kNone, false, 300, DeadlineFrom::opening},
    Row{"cron", false, false, kNone, false, 30, DeadlineFrom::opening, false, NeverSignedIn::allow},
    Row{"systemd-user", false, false, kNone, false, 30, DeadlineFrom::opening, false,
        NeverSignedIn::allow},
    Row{"atd", false, false, kNone, false, 30, DeadlineFrom::opening, false, NeverSignedIn::allow},
};

// Names are exact: what is not in the table is an unknown service.
constexpr std::array kOthers = {
    Row{"", false, false, kNone, false, 110, DeadlineFrom::opening},
    Row{"SSHD", false, false, kNone, false, 110, DeadlineFrom::opening},
    Row{"sshd2", false, false, kNone, false, 110, DeadlineFrom::opening},
    Row{"crond", false, false, kNone, false, 110, DeadlineFrom::opening},
    Row{"vsftpd", false, false, kNone, false, 110, DeadlineFrom::opening},
};

void expect_rows(std::span<const Row> rows) {
  for (const Row& row : rows) {
    const auto profile = service_profile(nullptr, row.service);
    if (profile.show_code != row.echo || profile.single_prompt != row.single_prompt ||
        profile.qr != row.qr || profile.local_seat != row.console ||
        profile.sign_in_timeout != seconds(row.deadline) || profile.deadline_from != row.from ||
        profile.one_text != row.one_text || profile.never_signed_in != row.unknown ||
        profile.unattended != (row.unknown == NeverSignedIn::allow) || profile.begins_with_reset) {
      fail_msg("%s", row.service);
    }
  }
}

void the_table_is_by_exact_name(void**) {
  expect_rows(kRows);
  expect_rows(kOthers);
}

// Each sign-in there would have a message sent before anybody typed anything.
void a_service_of_the_table_is_none_for_resets(void**) {
  for (const Row& row : kRows)
    if (policy::parse_services(row.service).has_value()) fail_msg("%s", row.service);
  assert_true(policy::parse_services("vsftpd").has_value());
}

void the_configuration_stands_on_top(void**) {
  policy::Config config;
  config.services["sshd"].sign_in_timeout = seconds(290);
  config.services["i3lock"].single_prompt = false;
  config.services["sshd"].qr = policy::Qr::ascii;
  config.services["su"].qr = policy::Qr::none;
  config.services["su"].local_seat = true;
  config.services["login"].local_seat = false;
  config.services["kiosk"].show_code = true;
  config.services["kiosk"].single_prompt = true;
  const auto sshd = service_profile(&config, "sshd");
  assert_true(sshd.sign_in_timeout == seconds(290));
  assert_true(sshd.show_code);
  assert_true(sshd.qr == policy::Qr::ascii);
  assert_false(sshd.local_seat);
  assert_true(service_profile(&config, "su").qr == policy::Qr::none);
  assert_true(service_profile(&config, "su").local_seat);
  assert_false(service_profile(&config, "login").local_seat);
  assert_true(service_profile(&config, "login").qr == policy::Qr::half_blocks);
  assert_false(service_profile(&config, "i3lock").single_prompt);
  assert_true(service_profile(&config, "i3lock").deadline_from == DeadlineFrom::first_answer);
  assert_true(service_profile(&config, "kiosk").show_code);
  assert_true(service_profile(&config, "kiosk").single_prompt);
  assert_true(service_profile(&config, "kiosk").sign_in_timeout == seconds(110));
}

void unknown_accounts_follow_the_service(void**) {
  policy::Config config;
  config.services["sshd"].never_signed_in = NeverSignedIn::allow;
  config.services["su"].never_signed_in = NeverSignedIn::deny;
  assert_true(service_profile(&config, "sshd").never_signed_in == NeverSignedIn::allow);
  assert_true(service_profile(&config, "su").never_signed_in == NeverSignedIn::deny);
  assert_true(service_profile(&config, "su-l").never_signed_in == NeverSignedIn::allow_root);
  assert_true(service_profile(&config, "cron").never_signed_in == NeverSignedIn::allow);
  assert_true(service_profile(&config, "sudo").never_signed_in == NeverSignedIn::deny);
}

void a_service_begins_with_a_reset_only_by_configuration(void**) {
  policy::Config config;
  config.password.reset_services = {"cognito-reset"};
  assert_true(service_profile(&config, "cognito-reset").begins_with_reset);
  assert_false(service_profile(&config, "vsftpd").begins_with_reset);
  assert_false(service_profile(nullptr, "cognito-reset").begins_with_reset);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_table_is_by_exact_name),
      cmocka_unit_test(a_service_of_the_table_is_none_for_resets),
      cmocka_unit_test(the_configuration_stands_on_top),
      cmocka_unit_test(unknown_accounts_follow_the_service),
      cmocka_unit_test(a_service_begins_with_a_reset_only_by_configuration),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
