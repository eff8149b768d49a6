#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

// One page of ListUsersInGroup:
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
// API_ListUsersInGroup.html
namespace pamcognito::directory {

inline constexpr unsigned kPageUsers = 60;  // QueryLimitType
// 60 users with 70 attributes of 2,048 bytes each (quotas) are 8.6 MB; Cognito escapes few
// characters.
inline constexpr std::size_t kMaxPage = 16UL * 1024 * 1024;
inline constexpr std::size_t kMaxNextToken = 131'072;  // PaginationKeyType

struct PoolUser {
  std::string username;
  std::string sub;
  bool enabled = false;
  std::string email;
  bool email_verified = false;
  std::string uid;  // of the attribute that was asked for
};

struct UserPage {
  std::vector<PoolUser> users;
  std::string next_token;  // empty: the last page
};

// The error names the part that is wrong. A page is whole or wrong.
std::expected<UserPage, std::string> parse_page(std::string_view json,
                                                const std::string& uid_attribute);

// "TooManyRequestsException" of an answer with an error; empty if it has none.
std::string error_name(std::string_view json);

}  // namespace pamcognito::directory
