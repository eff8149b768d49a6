#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "daemon/policy/config.h"

namespace pamcognito::prompts {

// From when a sign-in's deadline counts. A greeter shows its password prompt for hours.
enum class DeadlineFrom : std::uint8_t { opening, first_answer };

// How a PAM service can show things, by its exact name.
struct Rendering {
  bool echo_code = false;   // the code prompt is ECHO_ON; for sshd that keeps a client's stored
                            // password out of it
  bool one_prompt = false;  // the caller can ask only once: password+code in one answer
  policy::Qr qr = policy::Qr::none;  // can it show a QR code?
  bool console = false;   // its person sits at this machine, unless the sign-in has a remote host
  bool one_text = false;  // the caller shows a notice or a question, never both, and words of its
                          // own in place of an error
  std::chrono::seconds deadline{110};
  DeadlineFrom deadline_from = DeadlineFrom::opening;
};

// The built-in row of the service, or the row of unknown services, with what [service X] says on
// top.
Rendering rendering_for(const policy::Config& config, std::string_view service);

}  // namespace pamcognito::prompts
