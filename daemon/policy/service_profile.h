#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/policy/config.h"

// Everything that cognitod knows about a PAM service, by the exact name of its file in /etc/pam.d.
// service_profile.cc has one row for each service that Debian's programs use; a service without a
// row is an unknown one, which has the defaults below. [service NAME] of cognitod.conf overrides
// single values. Nothing else in the daemon compares names of services.
namespace pamcognito::policy {

// From when a sign-in's deadline counts. A greeter shows its password prompt for hours.
enum class DeadlineFrom : std::uint8_t { opening, first_answer };

struct ServiceProfile {
  // Prompts
  bool show_code = false;      // the code prompt is ECHO_ON; for sshd that keeps a client's stored
                               // password out of it
  bool single_prompt = false;  // the caller can ask only once: password+code in one answer
  Qr qr = Qr::none;            // can it show a QR code?
  bool one_text = false;  // the caller shows a notice or a question, never both, and words of its
                          // own in place of an error
  // Place: its person sits at this machine, unless the sign-in has a remote host.
  bool local_seat = false;
  // Time
  std::chrono::seconds sign_in_timeout{110};
  DeadlineFrom deadline_from = DeadlineFrom::opening;
  // Account phase
  bool unattended = false;  // no person can answer, and the network may be down: the pool is
                            // not asked
  NeverSignedIn never_signed_in = NeverSignedIn::deny;
  // Its conversation begins with a password reset ([password] reset_services).
  bool begins_with_reset = false;
};

// The service's row with the configuration on top. `config` may be null: an unconfigured daemon.
ServiceProfile service_profile(const Config* config, std::string_view service);

// Whether the service has a row. Then it is used for signing in, or it is unattended, and it cannot
// be one that begins with a reset: each of its sign-ins would send a message before the user typed
// anything.
bool has_built_in_profile(std::string_view service);

// As the configuration writes it.
std::string_view to_string(NeverSignedIn rule);

}  // namespace pamcognito::policy
