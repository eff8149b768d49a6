#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "accounts/directory_list.h"
#include "common/deadline.h"
#include "daemon/policy/config.h"
#include "directory/credentials.h"
#include "directory/http_client.h"
#include "directory/user_page.h"

// Reads all members of some groups of the user pool. A list is whole, or there is none.
namespace pamcognito::directory {

// Bounds of one run. The pool's quota is 30 calls per second for the account and Region, and not
// adjustable: a machine takes a third of it at most.
inline constexpr std::size_t kMaxPages = 2000;  // of all groups: 120,000 users
inline constexpr std::size_t kMaxListBytes = 512UL * 1024 * 1024;
inline constexpr std::chrono::milliseconds kPagePause{100};
inline constexpr unsigned kPageTries = 8;

struct ListOrder {
  std::string endpoint;
  std::string region;
  std::string pool;
  std::vector<std::string> groups;
  std::string uid_attribute;
  policy::AccessConfig access;
};

// The users of some pages, each once.
class Collector {
 public:
  Collector(const ListOrder& order);
  // The error names the contradiction between two pages.
  std::expected<void, std::string> add(const std::string& group, const UserPage& page);
  [[nodiscard]] accounts::DirectoryList list() const;
  // Users without a Linux name.
  [[nodiscard]] std::size_t unnamed() const;

 private:
  struct Person {
    PoolUser user;
    std::vector<std::string> groups;
  };
  const ListOrder& order_;
  std::map<std::string, Person> by_sub_;
};

struct Listed {
  accounts::DirectoryList list;
  std::size_t unnamed = 0;
  std::size_t pages = 0;
};
std::expected<Listed, std::string> list_users(HttpClient& http, const Credentials& credentials,
                                              const ListOrder& order, Deadline deadline);

}  // namespace pamcognito::directory
