#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nss/accounts_format.h"

// Makes the bytes of the accounts file. The same content, generation and seed give the same bytes.
namespace pamcognito::accounts {

struct ImageGroup {
  std::string name;
  std::uint32_t gid = 0;
};

struct ImageUser {
  std::string name;
  std::uint32_t uid = 0;
  State state = State::active;
  std::uint64_t shell = 0;   // path_key(), or 0
  std::uint64_t groups = 0;  // bit i: ImageContent::groups[i]
};

struct ImageContent {
  std::vector<ImageGroup> groups;  // at most kMaxGroups
  std::vector<ImageUser> users;    // at most kMaxUsers, in the order of names; each uid once
  std::uint64_t generation = 0;
  std::uint64_t seed = 0;
};

// nullopt: a bucket of the directories has too many users with this seed; choose another one.
std::optional<std::string> make_v1(const ImageContent& content);

// The formats that are written: this one, and the one before it for programs that keep an old
// library. v1 is the first, so there is no other one yet.
struct ImageFormat {
  const char* file_name;
  std::optional<std::string> (*make)(const ImageContent&);
};
inline constexpr ImageFormat kImageFormats[] = {{kFileName, make_v1}};

// The image of each format, in their order; empty: choose another seed.
std::vector<std::string> make_images(const ImageContent& content);

}  // namespace pamcognito::accounts
