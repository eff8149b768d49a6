#include "accounts/list_message.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "accounts/message.h"
#include "accounts/settings.h"

namespace pamcognito::accounts {
namespace {

using Fault = std::unexpected<std::string_view>;
using wire::ListPart;
using wire::Part;
using wire::text_of;

constexpr auto kLastRefusal = Refusal::storage;
static_assert(kMaxDirectoryGroups < 32, "a bit of `groups` for each");

void begin_part(Part part, ListPart& to) {
  to = {};
  to.magic = wire::kPartMagic;
  to.version = wire::kListVersion;
  to.part = static_cast<std::uint16_t>(part);
}

// No text of a list is empty.
bool put(std::string_view text, std::span<char> to) {
  return !text.empty() && wire::put(text, to);
}

}  // namespace

bool encode_begin(std::string_view pool, ListPart& to) {
  begin_part(Part::begin, to);
  return put(pool, to.pool);
}

bool encode_group(std::string_view group, ListPart& to) {
  begin_part(Part::group, to);
  return put(group, to.group);
}

bool encode_user(const DirectoryList& list, const ListedUser& user, ListPart& to) {
  begin_part(Part::user, to);
  to.has_uid = user.uid ? 1 : 0;
  to.uid = user.uid.value_or(0);
  to.enabled = user.enabled ? 1 : 0;
  if (list.groups.size() > kMaxDirectoryGroups) return false;
  for (std::size_t i = 0; i < list.groups.size(); ++i)
    if (std::ranges::find(user.groups, list.groups[i]) != user.groups.end()) to.groups |= 1U << i;
  return put(user.name, to.name) && put(user.sub, to.sub);
}

bool encode_end(const DirectoryList& list, ListPart& to) {
  begin_part(Part::end, to);
  to.count = static_cast<std::uint32_t>(list.users.size());
  return list.users.size() <= kMaxListedUsers;
}

std::expected<bool, std::string_view> ListReader::take(std::span<const std::byte> datagram) {
  if (datagram.size() != sizeof(ListPart)) return Fault("size");
  ListPart from;
  std::memcpy(&from, datagram.data(), sizeof(from));
  if (from.magic != wire::kPartMagic) return Fault("magic number");
  if (from.version != wire::kListVersion) return Fault("version");
  const Part part{from.part};
  switch (part) {
    case Part::begin:
      if (begun_) return Fault("order");
      break;
    case Part::group:
      if (!begun_ || (last_ != Part::begin && last_ != Part::group)) return Fault("order");
      break;
    case Part::user:
    case Part::end:
      if (!begun_ || (last_ != Part::group && last_ != Part::user)) return Fault("order");
      break;
    default:
      return Fault("part");
  }
  auto taken = take_part(from, part);
  begun_ = true;
  last_ = part;
  return taken;
}

std::expected<bool, std::string_view> ListReader::take_part(const ListPart& from, Part part) {
  const auto name = text_of(from.name);
  const auto pool = text_of(from.pool);
  const auto sub = text_of(from.sub);
  const auto group = text_of(from.group);
  if (!name || !pool || !sub || !group) return Fault("texts");
  if (pool->empty() == (part == Part::begin)) return Fault("pool");
  if (group->empty() == (part == Part::group)) return Fault("group");
  const bool is_user = part == Part::user;
  if (name->empty() == is_user || sub->empty() == is_user) return Fault("name or sub");
  if (!is_user && (from.has_uid != 0 || from.uid != 0 || from.enabled != 0 || from.groups != 0))
    return Fault("unused values");
  if (from.zero != 0 || (from.count != 0 && part != Part::end)) return Fault("count");
  switch (part) {
    case Part::begin:
      list_.pool = *pool;
      return false;
    case Part::group:
      if (list_.groups.size() == kMaxDirectoryGroups) return Fault("number of groups");
      list_.groups.emplace_back(*group);
      return false;
    case Part::user:
      return take_user(from, *name, *sub);
    case Part::end:
      if (from.count != list_.users.size()) return Fault("number of users");
      return true;
  }
  return Fault("part");
}

std::expected<bool, std::string_view> ListReader::take_user(const ListPart& from,
                                                            std::string_view name,
                                                            std::string_view sub) {
  if (from.has_uid > 1 || (from.has_uid == 0 && from.uid != 0)) return Fault("uid");
  if (from.enabled > 1) return Fault("enabled");
  if (from.groups == 0 || (from.groups >> list_.groups.size()) != 0) return Fault("groups");
  if (list_.users.size() == kMaxListedUsers) return Fault("number of users");
  ListedUser user;
  user.name = name;
  user.sub = sub;
  user.enabled = from.enabled == 1;
  if (from.has_uid == 1) user.uid = uid_t{from.uid};
  for (std::size_t i = 0; i < list_.groups.size(); ++i)
    if ((from.groups >> i & 1U) != 0) user.groups.push_back(list_.groups[i]);
  list_.users.push_back(std::move(user));
  return false;
}

wire::ListReply encode(const ListAnswer& answer) {
  wire::ListReply to{};
  to.magic = wire::kListReplyMagic;
  to.version = wire::kListVersion;
  if (answer.refusal)
    to.refusal = static_cast<std::uint16_t>(1U + static_cast<unsigned>(*answer.refusal));
  else
    to.held = answer.held ? 1 : 0;
  return to;
}

std::optional<ListAnswer> decode_list_reply(std::span<const std::byte> datagram) {
  if (datagram.size() != sizeof(wire::ListReply)) return std::nullopt;
  wire::ListReply from;
  std::memcpy(&from, datagram.data(), sizeof(from));
  if (from.magic != wire::kListReplyMagic || from.version != wire::kListVersion || from.zero != 0 ||
      from.held > 1 || from.refusal > 1U + static_cast<unsigned>(kLastRefusal) ||
      (from.refusal != 0 && from.held != 0))
    return std::nullopt;
  ListAnswer answer;
  if (from.refusal != 0) answer.refusal = static_cast<Refusal>(from.refusal - 1U);
  answer.held = from.held == 1;
  return answer;
}

}  // namespace pamcognito::accounts
