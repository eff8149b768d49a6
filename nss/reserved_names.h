#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nss/reserved_names_list.h"

// Names that no account has, because packages create a user or group of that name: a package that
// is installed later would give its files, socket or service to the account.
namespace pamcognito::accounts {

// The positions of each 8th name. Numbers need no relocation in the reader, which pointers would.
inline constexpr std::size_t kReservedStep = 8;
inline constexpr std::size_t kReservedBlocks = (kReservedCount + kReservedStep - 1) / kReservedStep;
inline constexpr std::array<std::uint16_t, kReservedBlocks> kReservedStarts = [] {
  static_assert(sizeof(kReservedText) <= UINT16_MAX);
  std::array<std::uint16_t, kReservedBlocks> starts{};
  std::size_t count = 0;
  for (std::size_t at = 0; kReservedText[at] != '\0'; ++at)
    if (kReservedText[at] == ':' && ++count % kReservedStep == 0 && count < kReservedCount)
      starts[count / kReservedStep] = static_cast<std::uint16_t>(at + 1);
  return starts;
}();

// Empty at the end of the list.
constexpr std::string_view reserved_name_at(std::size_t start) noexcept {
  std::size_t size = 0;
  while (kReservedText[start + size] != ':' && kReservedText[start + size] != '\0') ++size;
  return {kReservedText + start, size};
}

// Sorted, each name once, and as many as the list says. The look-up needs this order.
static_assert([] {
  std::size_t count = 0;
  std::string_view last;
  for (std::size_t at = 0; kReservedText[at] != '\0'; ++count) {
    const std::string_view name = reserved_name_at(at);
    if (name <= last) return false;
    last = name;
    at += name.size() + 1;
  }
  return count == kReservedCount;
}());

// By the beginning: Debian's policy (9.2.1) wants `_` in front of names that packages create, and
// systemd's services have users of their own.
constexpr bool is_reserved_name(const char* name, std::size_t size) noexcept {
  const std::string_view wanted(name, size);
  if (wanted.starts_with('_') || wanted.starts_with("systemd-")) return true;
  std::size_t from = 0;
  for (std::size_t to = kReservedStarts.size(); to - from > 1;) {
    const std::size_t middle = from + (to - from) / 2;
    if (reserved_name_at(kReservedStarts[middle]) <= wanted)
      from = middle;
    else
      to = middle;
  }
  std::size_t at = kReservedStarts[from];
  for (std::size_t i = 0; i < kReservedStep; ++i) {
    const std::string_view reserved = reserved_name_at(at);
    if (reserved.empty()) return false;
    if (reserved == wanted) return true;
    at += reserved.size() + 1;
  }
  return false;
}

}  // namespace pamcognito::accounts
