#include "daemon/policy/service_profile.h"

#include <algorithm>
#include <array>

namespace pamcognito::policy {
namespace {

using std::chrono::seconds;

struct Row {
  std::string_view service;
  ServiceProfile profile;
};

// A terminal shows what is typed; a code is worth nothing a minute later, and typed blind it is
// typed wrong.
constexpr ServiceProfile terminal(seconds deadline, bool console = false,
                                  UnknownAccount unknown = UnknownAccount::deny) {
  return {.echo_code = true,
          .one_prompt = false,
          .qr = Qr::half_blocks,
          .console = console,
          .deadline = deadline,
          .deadline_from = DeadlineFrom::opening,
          .unknown = unknown};
}

// A greeter or a locker: it opens a sign-in, and shows the password prompt until a person comes.
// Its font may be proportional, so it shows no QR code.
constexpr ServiceProfile screen(bool one_prompt, bool one_text = false) {
  return {.echo_code = false,
          .one_prompt = one_prompt,
          .qr = Qr::none,
          .one_text = one_text,
          .console = true,
          .deadline = seconds(300),
          .deadline_from = DeadlineFrom::first_answer};
}

// A job or a service manager, started without its user.
constexpr ServiceProfile unattended() {
  return {.echo_code = false,
          .one_prompt = false,
          .qr = Qr::none,
          .console = false,
          .deadline = seconds(30),
          .deadline_from = DeadlineFrom::opening,
          .unattended = true,
          .unknown = UnknownAccount::allow};
}

constexpr std::array kRows = {
    Row{"sshd", terminal(seconds(110))},  // LoginGraceTime is 120 s by default
    // LOGIN_TIMEOUT of login.defs is 60 s. getty starts it here; a telnet daemon with a remote
    // host.
    Row{"login", terminal(seconds(50), true)},
    // The person may be logged in remotely.
    Row{"sudo", terminal(seconds(300))},
    Row{"sudo-i", terminal(seconds(300))},
    Row{"su", terminal(seconds(300), false, UnknownAccount::allow_root)},
    Row{"su-l", terminal(seconds(300), false, UnknownAccount::allow_root)},
    Row{"passwd", terminal(seconds(300))},
    Row{"lightdm", screen(false, true)},  // its GTK greeter has one line of text for both
    Row{"gdm-password", screen(false)},
    Row{"sddm", screen(true)},  // answers each prompt with the password
    Row{"xscreensaver", screen(false)},
    Row{"i3lock", screen(true)},    // answers each prompt with the password
    Row{"swaylock", screen(true)},  // answers each prompt with the password
    Row{"polkit-1", {.deadline = seconds(300)}},
    Row{"cron", unattended()},
    Row{"systemd-user", unattended()},
    Row{"atd", unattended()},
};

const Row* row_of(std::string_view service) {
  const auto row = std::ranges::find(kRows, service, &Row::service);
  return row == kRows.end() ? nullptr : &*row;
}

const ServiceConfig* section_of(const Config* config, std::string_view service) {
  if (config == nullptr) return nullptr;
  const auto found = config->services.find(service);
  return found == config->services.end() ? nullptr : &found->second;
}

}  // namespace

ServiceProfile service_profile(const Config* config, std::string_view service) {
  const Row* const row = row_of(service);
  ServiceProfile profile = row == nullptr ? ServiceProfile() : row->profile;
  if (config != nullptr)
    profile.begins_with_reset = std::ranges::find(config->password.reset_services, service) !=
                                config->password.reset_services.end();
  const ServiceConfig* const given = section_of(config, service);
  if (given == nullptr) return profile;
  profile.echo_code = given->echo_code.value_or(profile.echo_code);
  profile.one_prompt = given->one_prompt.value_or(profile.one_prompt);
  profile.deadline = given->deadline.value_or(profile.deadline);
  profile.qr = given->qr.value_or(profile.qr);
  profile.console = given->console.value_or(profile.console);
  profile.unknown = given->unknown.value_or(profile.unknown);
  return profile;
}

bool has_built_in_profile(std::string_view service) {
  return row_of(service) != nullptr;
}

std::string explain_unknown_account(const Config* config, std::string_view service) {
  const ServiceConfig* const given = section_of(config, service);
  const std::string name(service);
  return given != nullptr && given->unknown ? "unknown of [service " + name + "]"
                                            : "built in: unknown for " + name;
}

std::string_view to_string(UnknownAccount rule) {
  switch (rule) {
    case UnknownAccount::deny:
      return "deny";
    case UnknownAccount::allow:
      return "allow";
    case UnknownAccount::allow_root:
      return "allow-root";
  }
  return "deny";
}

}  // namespace pamcognito::policy
