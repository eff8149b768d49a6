#pragma once

#include <string>
#include <string_view>

#include "daemon/policy/config.h"

namespace pamcognito::prompts {

// The QR code of `text` with its quiet zone of four modules, light modules drawn, as terminals are
// dark; lines end with \n. Empty: Qr::none, or the text fits no code.
// Inverted, dark modules are drawn, for a terminal that is light.
std::string qr_code(std::string_view text, policy::Qr form, bool inverted = false);

// otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=ISSUER, label and issuer percent-encoded (RFC
// 3986). Source: github.com/google/google-authenticator/wiki/Key-Uri-Format
std::string otpauth_uri(std::string_view secret, std::string_view issuer, std::string_view account);

}  // namespace pamcognito::prompts
