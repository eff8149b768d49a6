#include "accounts/message.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace pamcognito::accounts {
namespace {

using wire::put;
using wire::text_of;

constexpr auto kLastRefusal = Refusal::storage;

bool is_change(std::uint16_t value) {
  return value >= static_cast<std::uint16_t>(Change::sign_in) &&
         value <= static_cast<std::uint16_t>(Change::unlock_for_pool);
}

}  // namespace

bool wire::put(std::string_view text, std::span<char> to) {
  if (text.size() > to.size() || text.contains('\0')) return false;
  std::ranges::copy(text, to.begin());
  return true;
}

std::optional<std::string_view> wire::text_of(std::span<const char> from) {
  const std::size_t size = ::strnlen(from.data(), from.size());
  for (std::size_t i = size; i < from.size(); ++i)
    if (from[i] != '\0') return std::nullopt;
  return std::string_view(from.data(), size);
}

bool encode(const ChangeRequest& request, wire::Request& to) {
  to = {};
  to.magic = wire::kRequestMagic;
  to.version = wire::kVersion;
  to.change = static_cast<std::uint16_t>(request.change);
  const SignIn& sign_in = request.sign_in;
  if (!put(sign_in.name, to.name)) return false;
  if (request.change != Change::sign_in) return true;
  if (!put(sign_in.pool, to.pool) || !put(sign_in.sub, to.sub) ||
      !put(sign_in.ssh_keys, to.ssh_keys))
    return false;
  to.has_uid = sign_in.uid ? 1 : 0;
  to.uid = sign_in.uid.value_or(0);
  if (sign_in.cognito_groups.size() > wire::kGroups) return false;
  to.group_count = static_cast<std::uint32_t>(sign_in.cognito_groups.size());
  for (std::size_t i = 0; i < sign_in.cognito_groups.size(); ++i)
    if (!put(sign_in.cognito_groups[i], to.groups[i])) return false;
  return true;
}

std::expected<ChangeRequest, std::string_view> decode_request(std::span<const std::byte> datagram) {
  using Fault = std::unexpected<std::string_view>;
  if (datagram.size() != sizeof(wire::Request)) return Fault("size");
  wire::Request from;
  std::memcpy(&from, datagram.data(), sizeof(from));
  if (from.magic != wire::kRequestMagic) return Fault("magic number");
  if (from.version != wire::kVersion) return Fault("version");
  if (!is_change(from.change)) return Fault("change");
  const auto name = text_of(from.name);
  const auto pool = text_of(from.pool);
  const auto sub = text_of(from.sub);
  if (!name || name->empty()) return Fault("name");
  if (!pool || !sub) return Fault("pool or sub");
  const auto ssh_keys = text_of(from.ssh_keys);
  if (!ssh_keys) return Fault("SSH keys");
  if (from.has_uid > 1 || (from.has_uid == 0 && from.uid != 0)) return Fault("uid");
  if (from.group_count > wire::kGroups || from.zero != 0) return Fault("number of groups");

  ChangeRequest request;
  request.change = static_cast<Change>(from.change);
  request.sign_in.name = *name;
  request.sign_in.pool = *pool;
  request.sign_in.sub = *sub;
  request.sign_in.ssh_keys = *ssh_keys;
  if (from.has_uid == 1) request.sign_in.uid = uid_t{from.uid};
  for (std::size_t i = 0; i < wire::kGroups; ++i) {
    const auto group = text_of(from.groups[i]);
    if (!group || group->empty() != (i >= from.group_count)) return Fault("groups");
    if (i < from.group_count) request.sign_in.cognito_groups.emplace_back(*group);
  }
  if (request.change != Change::sign_in && (!pool->empty() || !sub->empty() || !ssh_keys->empty() ||
                                            from.has_uid != 0 || from.group_count != 0))
    return Fault("unused values");
  return request;
}

wire::Reply encode(const ChangeReply& reply) {
  wire::Reply to{};
  to.magic = wire::kReplyMagic;
  to.version = wire::kVersion;
  if (reply.refusal) {
    to.refusal = static_cast<std::uint16_t>(1U + static_cast<unsigned>(*reply.refusal));
    return to;
  }
  to.uid = reply.uid;
  to.flags =
      (reply.changed ? wire::kChanged : 0U) | (reply.groups_changed ? wire::kGroupsChanged : 0U);
  return to;
}

std::optional<ChangeReply> decode_reply(std::span<const std::byte> datagram) {
  if (datagram.size() != sizeof(wire::Reply)) return std::nullopt;
  wire::Reply from;
  std::memcpy(&from, datagram.data(), sizeof(from));
  if (from.magic != wire::kReplyMagic || from.version != wire::kVersion) return std::nullopt;
  ChangeReply reply;
  if (from.refusal != 0) {
    if (from.refusal > 1U + static_cast<unsigned>(kLastRefusal) || from.uid != 0 || from.flags != 0)
      return std::nullopt;
    reply.refusal = static_cast<Refusal>(from.refusal - 1U);
    return reply;
  }
  if (from.uid < kLowestUid || from.uid > kHighestUid ||
      (from.flags & ~(wire::kChanged | wire::kGroupsChanged)) != 0)
    return std::nullopt;
  reply.uid = from.uid;
  reply.changed = (from.flags & wire::kChanged) != 0;
  reply.groups_changed = (from.flags & wire::kGroupsChanged) != 0;
  return reply;
}

std::string_view to_string(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::malformed:
      return "malformed";
    case Refusal::name_not_permitted:
      return "name-not-permitted";
    case Refusal::name_reserved:
      return "name-reserved";
    case Refusal::name_is_local:
      return "name-is-local";
    case Refusal::name_retired:
      return "name-retired";
    case Refusal::uid_taken:
      return "uid-taken";
    case Refusal::uid_out_of_range:
      return "uid-out-of-range";
    case Refusal::sub_has_account:
      return "sub-has-account";
    case Refusal::sub_differs:
      return "sub-differs";
    case Refusal::unknown_account:
      return "unknown-account";
    case Refusal::locked:
      return "locked";
    case Refusal::full:
      return "full";
    case Refusal::in_use:
      return "in-use";
    case Refusal::bad_configuration:
      return "bad-configuration";
    case Refusal::damaged:
      return "damaged";
    case Refusal::busy:
      return "busy";
    case Refusal::storage:
      return "storage";
  }
  return "unforeseen";
}

std::string_view to_string(Change change) noexcept {
  switch (change) {
    case Change::sign_in:
      return "sign-in";
    case Change::lock_for_pool:
      return "lock";
    case Change::unlock_for_pool:
      return "unlock";
  }
  return "unforeseen";
}

}  // namespace pamcognito::accounts
