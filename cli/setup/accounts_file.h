#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/failure.h"

// /etc/pam-cognito/accounts.conf, as far as `cognitoctl setup` writes it. accounts.conf(5)
namespace pamcognito::cli {

// The settings of one run. Empty: that setting stays.
struct AccountsChange {
  std::vector<std::string> names;     // globs
  std::vector<std::string> prefixes;  // with which a name needs no '.'
  std::vector<std::string> suffixes;
  std::vector<std::string> sudo_groups;  // Cognito groups whose members are in sudo
  std::string pool;                      // user pool id; a first login makes accounts of its users
};

// Splits lists at blanks and commas. A pattern has a '.', or text before its first or behind its
// last wildcard, which becomes a prefix or suffix: packages create users with other names. The
// error names the pattern.
Result<AccountsChange> parse_accounts_options(std::string_view patterns, std::string_view groups);

// The content with these settings. Prefixes and suffixes are added to the present ones. All other
// lines stay.
std::string accounts_file(std::string_view present, const AccountsChange& change);

}  // namespace pamcognito::cli
