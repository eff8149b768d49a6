#include "daemon/prompts/rendering.h"

#include <array>
#include <chrono>
#include <span>
#include <string>

#include "daemon/policy/key_values.h"
#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito;
using prompts::DeadlineFrom;
using prompts::rendering_for;
using std::chrono::seconds;

struct Row {
  const char* service;
  bool echo;
  bool one_prompt;
  policy::Qr qr;
  bool console;
  int deadline;
  DeadlineFrom from;
  bool one_text = false;
};

constexpr auto kHalf = policy::Qr::half_blocks;
constexpr auto kNone = policy::Qr::none;

constexpr std::array kRows = {
    Row{"sshd", true, false, kHalf, false, 110, DeadlineFrom::opening},
    Row{"login", true, false, kHalf, true, 50, DeadlineFrom::opening},
    Row{"sudo", true, false, kHalf, false, 300, DeadlineFrom::opening},
    Row{"sudo-i", true, false, kHalf, false, 300, DeadlineFrom::opening},
    Row{"su", true, false, kHalf, false, 300, DeadlineFrom::opening},
    Row{"su-l", true, false, kHalf, false, 300, DeadlineFrom::opening},
    Row{"passwd", true, false, kHalf, false, 300, DeadlineFrom::opening},
    Row{"lightdm", false, false, kNone, true, 300, DeadlineFrom::first_answer, true},
    Row{"gdm-password", false, false, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"sddm", false, true, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"xscreensaver", false, false, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"i3lock", false, true, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"swaylock", false, true, kNone, true, 300, DeadlineFrom::first_answer},
    Row{"polkit-1", false, false, kNone, false, 300, DeadlineFrom::opening},
    Row{"cron", false, false, kNone, false, 30, DeadlineFrom::opening},
    Row{"systemd-user", false, false, kNone, false, 30, DeadlineFrom::opening},
    Row{"atd", false, false, kNone, false, 30, DeadlineFrom::opening},
};

// Names are exact: what is not in the table is an unknown service.
constexpr std::array kOthers = {
    Row{"", false, false, kNone, false, 110, DeadlineFrom::opening},
    Row{"SSHD", false, false, kNone, false, 110, DeadlineFrom::opening},
    Row{"sshd2", false, false, kNone, false, 110, DeadlineFrom::opening},
    Row{"vsftpd", false, false, kNone, false, 110, DeadlineFrom::opening},
};

void expect_rows(std::span<const Row> rows) {
  for (const Row& row : rows) {
    const auto rendering = rendering_for(policy::Config(), row.service);
    if (rendering.echo_code != row.echo || rendering.one_prompt != row.one_prompt ||
        rendering.qr != row.qr || rendering.console != row.console ||
        rendering.deadline != seconds(row.deadline) || rendering.deadline_from != row.from ||
        rendering.one_text != row.one_text) {
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
  config.services["sshd"].deadline = seconds(290);
  config.services["i3lock"].one_prompt = false;
  config.services["sshd"].qr = policy::Qr::ascii;
  config.services["su"].qr = policy::Qr::none;
  config.services["su"].console = true;
  config.services["login"].console = false;
  config.services["kiosk"].echo_code = true;
  config.services["kiosk"].one_prompt = true;
  const auto sshd = rendering_for(config, "sshd");
  assert_true(sshd.deadline == seconds(290));
  assert_true(sshd.echo_code);
  assert_true(sshd.qr == policy::Qr::ascii);
  assert_false(sshd.console);
  assert_true(rendering_for(config, "su").qr == policy::Qr::none);
  assert_true(rendering_for(config, "su").console);
  assert_false(rendering_for(config, "login").console);
  assert_true(rendering_for(config, "login").qr == policy::Qr::half_blocks);
  assert_false(rendering_for(config, "i3lock").one_prompt);
  assert_true(rendering_for(config, "i3lock").deadline_from == DeadlineFrom::first_answer);
  assert_true(rendering_for(config, "kiosk").echo_code);
  assert_true(rendering_for(config, "kiosk").one_prompt);
  assert_true(rendering_for(config, "kiosk").deadline == seconds(110));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_table_is_by_exact_name),
      cmocka_unit_test(a_service_of_the_table_is_none_for_resets),
      cmocka_unit_test(the_configuration_stands_on_top),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
