#include "accounts/image.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <string_view>
#include <utility>

namespace pamcognito::accounts {
namespace {

constexpr std::uint32_t kMeanBucket = 8;  // with 30 at most, one of 10^9 buckets is too large

struct Keyed {
  std::uint64_t key = 0;
  std::uint32_t user = 0;  // index of ImageContent::users
};

std::vector<Keyed> by_name(const ImageContent& content) {
  std::vector<Keyed> order(content.users.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    const std::string& name = content.users[i].name;
    order[i] = {name_key(content.seed, name.data(), name.size()), i};
  }
  std::ranges::sort(order, [&](const Keyed& one, const Keyed& other) {
    if (one.key != other.key) return one.key < other.key;
    return content.users[one.user].name < content.users[other.user].name;
  });
  return order;
}

std::vector<Keyed> by_uid(const ImageContent& content) {
  std::vector<Keyed> order(content.users.size());
  for (std::uint32_t i = 0; i < order.size(); ++i)
    order[i] = {uid_key(content.seed, content.users[i].uid), i};
  std::ranges::sort(order, [&](const Keyed& one, const Keyed& other) {
    if (one.key != other.key) return one.key < other.key;
    return content.users[one.user].uid < content.users[other.user].uid;
  });
  return order;
}

std::uint32_t bits_for(std::size_t users) {
  const auto buckets = static_cast<std::uint32_t>(users) / kMeanBucket;
  return std::clamp(static_cast<std::uint32_t>(std::bit_width(buckets)), kMinDirectoryBits,
                    kMaxDirectoryBits);
}

// Empty: a bucket is too large.
std::vector<std::uint32_t> directory_of(const std::vector<Keyed>& order, std::uint32_t bits) {
  std::vector<std::uint32_t> bounds((std::size_t{1} << bits) + 1, 0);
  for (const Keyed& one : order) ++bounds[(one.key >> (64U - bits)) + 1];
  if (std::ranges::any_of(bounds, [](std::uint32_t count) { return count > kMaxBucket; }))
    return {};
  std::partial_sum(bounds.begin(), bounds.end(), bounds.begin());
  return bounds;
}

void append(std::string& image, const void* bytes, std::size_t size) {
  image.append(static_cast<const char*>(bytes), size);
}

void append_directory(std::string& image, const std::vector<std::uint32_t>& bounds) {
  append(image, bounds.data(), bounds.size() * sizeof(bounds[0]));
  image.append(padded(image.size()) - image.size(), '\0');
}

// The first names of the active members, as many as fit.
std::string members_of(const ImageContent& content, std::size_t group, std::uint32_t& count) {
  std::string list;
  count = 0;
  for (const ImageUser& user : content.users) {
    if (user.state != State::active || (user.groups >> group & 1U) == 0) continue;
    if (count == kMaxMembers || list.size() + user.name.size() + 1 > kMaxMembersBytes) break;
    list.append(user.name).push_back('\0');
    ++count;
  }
  return list;
}

std::string append_groups(std::string& image, const ImageContent& content) {
  std::string lists;
  for (std::uint32_t i = 0; i < content.groups.size(); ++i) {
    GroupRecord record{};
    const ImageGroup& group = content.groups[i];
    std::memcpy(record.name, group.name.data(), std::min(group.name.size(), kMaxName));
    record.gid = group.gid;
    const std::string list = members_of(content, i, record.member_count);
    record.members_start = lists.size();
    record.members_bytes = static_cast<std::uint32_t>(list.size());
    record.members_checksum = members_checksum_of(content.generation, i, list.data(), list.size());
    record.checksum = checksum_of(content.generation, i, record);
    append(image, &record, sizeof(record));
    lists += list;
  }
  return lists;
}

UserRecord record_of(const ImageUser& user) {
  UserRecord record{};
  std::memcpy(record.name, user.name.data(), std::min(user.name.size(), kMaxName));
  record.uid = user.uid;
  record.state = static_cast<std::uint32_t>(user.state);
  record.shell = user.shell;
  record.groups = user.state == State::active ? user.groups : 0;
  return record;
}

template <class Record>
Record record_at(std::string_view image, std::uint64_t table, std::uint32_t index) {
  Record record;
  std::memcpy(&record, image.data() + table + index * sizeof(Record), sizeof(Record));
  return record;
}

}  // namespace

std::expected<std::vector<ImageUser>, std::string> read_v1(std::string_view image) {
  Header header;
  if (image.size() < sizeof(header)) return std::unexpected("is shorter than its header");
  std::memcpy(&header, image.data(), sizeof(header));
  Header expected = header;
  lay_out(expected, 0);
  if (header.magic != kMagic || header.version != kVersion || header.header_size != sizeof(header))
    return std::unexpected("has another format");
  if (header.checksum != checksum_of(header)) return std::unexpected("has a damaged header");
  if (header.user_count > kMaxUsers || header.group_count > kMaxGroups ||
      header.directory_bits < kMinDirectoryBits || header.directory_bits > kMaxDirectoryBits ||
      header.file_size != image.size() || header.users_offset != expected.users_offset ||
      header.uids_offset != expected.uids_offset ||
      header.groups_offset != expected.groups_offset ||
      header.members_offset != expected.members_offset || expected.members_offset > image.size())
    return std::unexpected("has another size than its header says");
  std::vector<ImageUser> users;
  users.reserve(header.user_count);
  for (std::uint32_t i = 0; i < header.user_count; ++i) {
    const auto user = record_at<UserRecord>(image, header.users_offset, i);
    const auto uid = record_at<UidEntry>(image, header.uids_offset, i);
    const std::size_t size = ::strnlen(user.name, sizeof(user.name));
    if (user.checksum != checksum_of(header.generation, i, user) ||
        uid.checksum != checksum_of(header.generation, i, uid) || !is_account_name(user.name, size))
      return std::unexpected("has a damaged record");
    users.push_back(
        {std::string(user.name, size), user.uid,
         user.state == static_cast<std::uint32_t>(State::active) ? State::active : State::locked,
         user.shell, 0});
  }
  for (std::uint32_t i = 0; i < header.group_count; ++i) {
    const auto group = record_at<GroupRecord>(image, header.groups_offset, i);
    if (group.checksum != checksum_of(header.generation, i, group))
      return std::unexpected("has a damaged group");
  }
  return users;
}

std::optional<std::string> make_v1(const ImageContent& content) {
  if (content.users.size() > kMaxUsers || content.groups.size() > kMaxGroups) return std::nullopt;
  const std::vector<Keyed> names = by_name(content);
  const std::vector<Keyed> uids = by_uid(content);
  std::vector<std::uint32_t> name_directory;
  std::vector<std::uint32_t> uid_directory;
  std::uint32_t bits = bits_for(content.users.size());
  for (; bits <= kMaxDirectoryBits; ++bits) {
    name_directory = directory_of(names, bits);
    uid_directory = directory_of(uids, bits);
    if (!name_directory.empty() && !uid_directory.empty()) break;
  }
  if (bits > kMaxDirectoryBits) return std::nullopt;

  std::string image(sizeof(Header), '\0');
  const std::string lists = append_groups(image, content);
  std::vector<std::uint32_t> place(content.users.size());
  for (std::uint32_t i = 0; i < names.size(); ++i) {
    UserRecord record = record_of(content.users[names[i].user]);
    record.checksum = checksum_of(content.generation, i, record);
    append(image, &record, sizeof(record));
    place[names[i].user] = i;
  }
  append_directory(image, name_directory);
  for (std::uint32_t i = 0; i < uids.size(); ++i) {
    UidEntry entry{};
    entry.uid = content.users[uids[i].user].uid;
    entry.record = place[uids[i].user];
    entry.checksum = checksum_of(content.generation, i, entry);
    append(image, &entry, sizeof(entry));
  }
  append_directory(image, uid_directory);
  image += lists;

  Header header{};
  header.magic = kMagic;
  header.version = kVersion;
  header.header_size = sizeof(Header);
  header.generation = content.generation;
  header.seed = content.seed;
  header.user_count = static_cast<std::uint32_t>(content.users.size());
  header.group_count = static_cast<std::uint32_t>(content.groups.size());
  header.directory_bits = bits;
  lay_out(header, lists.size());
  header.checksum = checksum_of(header);
  std::memcpy(image.data(), &header, sizeof(header));
  return image;
}

std::vector<std::string> make_images(const ImageContent& content) {
  std::vector<std::string> images;
  for (const ImageFormat& format : kImageFormats) {
    auto image = format.make(content);
    if (!image) return {};
    images.push_back(std::move(*image));
  }
  return images;
}

}  // namespace pamcognito::accounts
