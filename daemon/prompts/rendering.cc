#include "daemon/prompts/rendering.h"

#include <algorithm>
#include <array>

namespace pamcognito::prompts {
namespace {

using std::chrono::seconds;

struct Row {
  std::string_view service;
  Rendering rendering;
};

// A terminal shows what is typed; a code is worth nothing a minute later, and typed blind it is
// typed wrong.
constexpr Rendering terminal(seconds deadline, bool console = false) {
  return {.echo_code = true,
          .one_prompt = false,
          .qr = policy::Qr::half_blocks,
          .console = console,
          .deadline = deadline,
          .deadline_from = DeadlineFrom::opening};
}

// A greeter or a locker: it opens a sign-in, and shows the password's prompt until somebody comes.
// Its letters have no fixed width, so no QR code fits.
constexpr Rendering screen(bool one_prompt, bool one_text = false) {
  return {.echo_code = false,
          .one_prompt = one_prompt,
          .qr = policy::Qr::none,
          .console = true,
          .one_text = one_text,
          .deadline = seconds(300),
          .deadline_from = DeadlineFrom::first_answer};
}

// Nobody is there to answer.
constexpr Rendering unattended() {
  return {.echo_code = false,
          .one_prompt = false,
          .qr = policy::Qr::none,
          .console = false,
          .deadline = seconds(30),
          .deadline_from = DeadlineFrom::opening};
}

constexpr std::array kRows = {
    Row{"sshd", terminal(seconds(110))},  // LoginGraceTime is 120 s by default
    // LOGIN_TIMEOUT of login.defs is 60 s. getty starts it here; a telnet daemon with a remote
    // host.
    Row{"login", terminal(seconds(50), true)},
    // Whoever types here may be logged in remotely.
    Row{"sudo", terminal(seconds(300))},
    Row{"sudo-i", terminal(seconds(300))},
    Row{"su", terminal(seconds(300))},
    Row{"su-l", terminal(seconds(300))},
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

Rendering built_in(std::string_view service) {
  const auto row = std::ranges::find(kRows, service, &Row::service);
  return row == kRows.end() ? Rendering{} : row->rendering;
}

}  // namespace

Rendering rendering_for(const policy::Config& config, std::string_view service) {
  Rendering rendering = built_in(service);
  const auto found = config.services.find(service);
  if (found == config.services.end()) return rendering;
  const policy::ServiceConfig& given = found->second;
  rendering.echo_code = given.echo_code.value_or(rendering.echo_code);
  rendering.one_prompt = given.one_prompt.value_or(rendering.one_prompt);
  rendering.deadline = given.deadline.value_or(rendering.deadline);
  rendering.qr = given.qr.value_or(rendering.qr);
  rendering.console = given.console.value_or(rendering.console);
  return rendering;
}

}  // namespace pamcognito::prompts
