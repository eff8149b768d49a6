#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
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

// kMaxUsers records and uids with both directories are 92 MB.
inline constexpr std::size_t kMaxImage = 128UL * 1024 * 1024;

// The users of a whole image of format 1, in no order, without groups. Checks each record and group
// as the reader does. The error is a part of a sentence: "has a damaged record".
std::expected<std::vector<ImageUser>, std::string> read_v1(std::string_view image);

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
