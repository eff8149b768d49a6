#pragma once

#include <expected>
#include <memory>
#include <string>

#include "common/secret.h"

namespace pamcognito::policy {

// The app client's secret from $CREDENTIALS_DIRECTORY/client_secret (systemd.exec(5), Credentials):
// printable, at most 511 bytes, one newline at its end is dropped. Null: no such variable, or no
// such file. Anything else that keeps it from being read is an error that names the file; the
// secret is never in it.
std::expected<std::shared_ptr<const Secret>, std::string> read_client_secret();

}  // namespace pamcognito::policy
