#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

namespace pamcognito::cli {

// One line of the journal, with those of its fields that a story needs.
struct JournalEntry {
  std::uint64_t time_us = 0;  // since the epoch
  std::map<std::string, std::string> fields;

  // Written by root or by cognitod, according to journald. Any other line may be forged: any user
  // can call syslog(3) with any text.
  [[nodiscard]] bool is_verified() const {
    return field("_UID") == "0" || field("_SYSTEMD_UNIT") == "cognitod.service";
  }
  [[nodiscard]] std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  }
};

// The lines of one sign-in, oldest first: cognitod's, by their field PAM_COGNITO_ID, and the
// module's, which carry id=ID in their text. At most 20 lines of other writers than root and
// cognitod. Read from this machine's journal, or from `file`. Bounded: the boots of the last seven
// days, and at most 200,000 lines are looked through. The error names what cannot be read.
std::expected<std::vector<JournalEntry>, std::string> journal_of(const std::string& id,
                                                                 const std::string& file);

struct SignInFilter {
  std::string user;            // empty: all users
  bool failed = false;         // only those that did not succeed
  std::uint64_t since_us = 0;  // since the epoch
  std::size_t most = 1;
};
// cognitod's own lines about sign-ins that ended, the last one first, with the same bounds and
// errors as above.
std::expected<std::vector<JournalEntry>, std::string> sign_ins_of(const SignInFilter& filter,
                                                                  const std::string& file);

}  // namespace pamcognito::cli
