#pragma once

#include <sys/types.h>

#include <chrono>
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
//   pool = eu-central-1_AbC       the user pool whose users get accounts by a first login. Absent:
//                                 a first login needs `users add`
//   max = 10000                   accounts at most
//   on_disable = lock             or terminate
//   uid_attribute = custom:uid    uids come from this attribute of the pool, not from the fleet key
//   ssh_keys_attribute = custom:ssh_keys
//                                 SSH keys come from this attribute. Absent: no keys
//   ssh_keys_max_age = 24h        the time after a full sign-in for which they count
//
// and those of the directory, in [directory]:
//
//   groups = linux-users          Cognito groups whose members get accounts. Absent: no directory
//   metadata = http://127.0.0.1:8 where the instance metadata service is, for tests
struct Settings {
  uid_t first = 0;
  uid_t last = 0;
  std::string home;
  std::vector<std::string> shells;
  std::vector<MappedGroup> groups;
  std::vector<std::string> names;
  std::string prefixes;  // lists that blanks separate
  std::string suffixes;
  std::string pool;
  std::size_t max = 10000;
  OnDisable on_disable = OnDisable::lock;
  std::string uid_attribute;
  std::string ssh_keys_attribute;
  // A user whom the pool has disabled without this machine learning of it has key logins for this
  // time. A day asks for password and code once a day.
  std::chrono::seconds ssh_keys_max_age = std::chrono::hours(24);
  std::vector<std::string> directory_groups;
  std::string metadata;
};

// Cognito groups of [directory] at most: each is a list of its own at the pool.
inline constexpr std::size_t kMaxDirectoryGroups = 16;

// The error begins with the number of the line.
std::expected<Settings, std::string> parse_settings(std::string_view text);
Result<Settings> read_settings(const std::string& root);

// The person's groups in their order, each once. If they have more than kMaxGroupsBytes, only those
// that accounts.conf maps: it has 8 KiB at most.
std::vector<std::string> groups_to_store(const Settings& settings, std::vector<std::string> groups);

}  // namespace pamcognito::accounts
