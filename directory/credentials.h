#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "common/deadline.h"
#include "common/secret.h"
#include "directory/http_client.h"

// The machine's AWS credentials: those of its role, from the instance metadata service (IMDSv2,
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html), or of a
// file in the format that AWS's tools share. The errors have no part of a secret.
namespace pamcognito::directory {

struct Credentials {
  std::string key_id;
  Secret key;
  std::string token;                    // of a role's temporary credentials; may be empty
  std::optional<std::int64_t> expires;  // UNIX seconds
};
using CredentialsResult = std::expected<Credentials, std::string>;

// The member of the answer that the service documents; refused if it ends within a minute.
CredentialsResult parse_role_credentials(std::string_view json, std::int64_t now);
// [default] of a credentials file: aws_access_key_id, aws_secret_access_key, aws_session_token.
CredentialsResult parse_credentials_file(std::string_view text);

// "2026-12-03T12:00:00Z" as UNIX seconds.
std::optional<std::int64_t> parse_time(std::string_view text);

// The address of the service. `setting`: empty, or root's for tests. Only the service's own
// addresses and literals of the loopback network are accepted, because the answer is believed
// without a proof.
std::expected<std::string, std::string> metadata_url(const std::string& setting);

// Asks for a session, the name of the role, and its credentials.
CredentialsResult role_credentials(HttpClient& http, const std::string& metadata,
                                   Deadline deadline);
// The file that systemd passes (LoadCredential=aws:…), in $CREDENTIALS_DIRECTORY. nullopt: none.
std::optional<CredentialsResult> passed_credentials();

}  // namespace pamcognito::directory
