#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/auth_client.h"
#include "cli/failure.h"
#include "cli/terminal.h"
#include "common/frame.h"

namespace pamcognito::cli {

// A question that was answered. The answer is not here, and of the question only its last line: the
// lines before it may show a new authenticator secret.
struct AskedStep {
  Purpose purpose = Purpose::other;
  bool hidden = true;
  std::string notice;  // the info or error that came with it
  std::string prompt;
};

struct ConversationResult {
  Outcome outcome = Outcome::unforeseen;
  std::string notice;  // the daemon's last message; may be empty
  std::vector<AskedStep> steps;
};

enum class AfterSuccess : std::uint8_t {
  acknowledge,  // it counts; converse() returns when the daemon has noted that
  abort,        // nothing of it is kept
};

// "password", "code", "other": for the transcript.
std::string_view to_string(Purpose purpose);

// Holds a conversation with the daemon on behalf of the person at the terminal, to its end. Each
// step of the daemon has 10 s. `asked` is called before a question is shown. The Failure: the
// daemon went away, or the person did.
Result<ConversationResult> converse(const Terminal& terminal, Conversing conversing,
                                    AfterSuccess after,
                                    const std::function<void(const AskedStep&)>& asked = {});

// 16 hexadecimal digits.
std::string new_log_id();

}  // namespace pamcognito::cli
