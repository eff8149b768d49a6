#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// SSH public keys from an attribute of the user pool. A user may have written the text, and
// cognitod passes it on, so nothing of it is copied: each entry is decoded, checked and written
// anew, without options and comments. Nothing here reads or writes files.
namespace pamcognito::accounts {

// An attribute of Cognito has 2,048 characters (quotas). About 20 ed25519 keys.
inline constexpr std::size_t kMaxKeysText = 2048;
inline constexpr std::size_t kMaxKeys = 20;

struct SshKey {
  std::string line;         // "ssh-ed25519 AAAAC3Nza…": type and base64, as in authorized_keys
  std::string fingerprint;  // "SHA256:…", as ssh-keygen -l prints it

  bool operator==(const SshKey&) const = default;
};

struct ParsedKeys {
  std::vector<SshKey> keys;  // in their order, each once
  std::string faults;        // for the log: "entry 2 has no permitted type"; empty: none
};

// Entries are separated by commas or line ends: TYPE BASE64 [COMMENT]. An entry with a fault is
// left out, and the rest counts. The faults quote nothing of the text.
ParsedKeys parse_ssh_keys(std::string_view text);

// A file for AuthorizedKeysFile of sshd_config(5). sshd itself refuses the keys after `until`, by
// the option expiry-time of sshd(8).
struct KeyFile {
  std::vector<SshKey> keys;
  std::int64_t until = 0;  // UNIX seconds
};
inline constexpr std::size_t kMaxKeyFile = 8192;
std::string write_key_file(const KeyFile& file);
// nullopt: not as write_key_file() writes it.
std::optional<KeyFile> read_key_file(std::string_view text);

}  // namespace pamcognito::accounts
