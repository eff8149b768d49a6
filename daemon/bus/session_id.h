#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/frame.h"

namespace pamcognito::bus {

// 16 hexadecimal digits.
std::string random_log_id();

// Ties a sign-in to its account phase, its login and its session. It begins with the log id, so
// that one id leads from a session to its log lines; its other half is random and in no log line.
SignInId sign_in_id_of(std::string_view log_id);
// 32 lower-case hexadecimal digits; nullopt: not of that form.
std::optional<SignInId> session_id_in(std::string_view text);

}  // namespace pamcognito::bus
