#include "daemon/bus/session_id.h"

#include <sys/random.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <system_error>

#include "common/hexadecimal.h"

namespace pamcognito::bus {
namespace {

void fill_randomly(std::span<std::uint8_t> bytes) {
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
}

}  // namespace

std::string random_log_id() {
  std::array<std::uint8_t, kLogIdSize / 2> bytes{};
  fill_randomly(bytes);
  return hexadecimal(bytes);
}

SignInId sign_in_id_of(std::string_view log_id) {
  SignInId id{};
  fill_randomly(id);
  // The caller has checked a log id that a PAM host sent. Any other text leaves all of it random.
  std::array<std::uint8_t, kLogIdSize / 2> beginning{};
  if (read_hexadecimal(log_id, beginning)) std::ranges::copy(beginning, id.begin());
  return id;
}

std::optional<SignInId> session_id_in(std::string_view text) {
  SignInId id{};
  if (!read_hexadecimal(text, id)) return std::nullopt;
  return id;
}

}  // namespace pamcognito::bus
