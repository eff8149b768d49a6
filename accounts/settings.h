#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/keeper.h"

namespace pamcognito::accounts {

// A local group, and the Cognito groups whose members are in it.
struct MappedGroup {
  std::string name;
  std::vector<std::string> cognito_groups;
};

// The account of a user whom the pool disables: `terminate` also ends sessions and processes.
enum class OnDisable : std::uint8_t { lock, terminate };

// accounts.conf as the programs see it that write accounts. nss/accounts_conf.h describes the keys
// of the reader; these are the writer's, in [accounts]:
//
//   names = *.admin web-*         globs (* and ?) of whole names that may get an account by their
//                                 first sign-in. Absent: none
//   prefixes = x- , suffixes = -x names with one of these need no '.'
//   max = 10000                   accounts at most
//   on_disable = lock             or terminate
//   uid_attribute = custom:uid    uids come from this attribute of the pool, not from the fleet key
struct Settings {
  uid_t first = 0;
  uid_t last = 0;
  std::string home;
  std::vector<std::string> shells;
  std::vector<MappedGroup> groups;
  std::vector<std::string> names;
  std::vector<std::string> prefixes;
  std::vector<std::string> suffixes;
  std::size_t max = 10000;
  OnDisable on_disable = OnDisable::lock;
  std::string uid_attribute;
};

// The error begins with the number of the line.
std::expected<Settings, std::string> parse_settings(std::string_view text);
Result<Settings> read_settings(const std::string& root);

}  // namespace pamcognito::accounts
