#pragma once

#include <expected>
#include <functional>
#include <set>
#include <string>

namespace pamcognito::local_users {

// /etc/pam-cognito/local-users: the local accounts from uid 1000 on that are certainly no Cognito
// users, one name a line, sorted. The PAM profile reads it (pam_listfile(8)) where pam_cognito.so
// cannot be loaded: then these users go on with their local passwords, and every other user from
// uid 1000 on is refused. It belongs to root, and nobody else may write to it.

inline constexpr char kDirectory[] = "/etc/pam-cognito";
inline constexpr char kListPath[] = "/etc/pam-cognito/local-users";

using Names = std::set<std::string, std::less<>>;

// The list as it is.
struct List {
  Names names;
  bool absent = false;
  std::string fault;  // why it must be written anew: absent, or not as it must be; no names then
};
List read_list();

// The list as it should be.
struct Wanted {
  Names names;
  std::string undecided;  // why nobody was added: a look-up that failed; empty otherwise
};
// Every account of /etc/passwd is classified as pam_cognito.so does it (common/membership.h). If
// one look-up fails, nobody is added to `present`, and only those leave it who are Cognito users.
Wanted decide(const Names& present);

// Replaces the list by rename. The error says what failed.
std::expected<void, std::string> write_list(const Names& names);

}  // namespace pamcognito::local_users
