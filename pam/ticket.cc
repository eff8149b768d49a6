#include "pam/ticket.h"

#include <security/pam_appl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/hexadecimal.h"
#include "pam/log_id.h"

namespace pamcognito::pam {
namespace {

constexpr char kVariable[] = "PAM_COGNITO_SIGN_IN";
constexpr std::size_t kSignInDigits = 2 * kSignInIdSize;

std::optional<Ticket> parse_ticket(std::string_view text) {
  // With or without the log's id, where there was none.
  if (text.size() != kSignInDigits && text.size() != kSignInDigits + kLogIdSize)
    return std::nullopt;
  Ticket ticket;
  std::array<std::uint8_t, kLogIdSize / 2> unused{};
  const std::string_view log_id = text.substr(kSignInDigits);
  if (!read_hexadecimal(text.substr(0, kSignInDigits), ticket.sign_in)) return std::nullopt;
  if (!log_id.empty() && !read_hexadecimal(log_id, unused)) return std::nullopt;
  ticket.log_id = log_id;
  return ticket;
}

}  // namespace

bool leave_ticket(const Handle& pam, const SignInId& sign_in) {
  std::array<char, kSignInDigits> digits{};
  write_hexadecimal(sign_in, digits.data());
  std::string assignment = std::string(kVariable) + "=";
  assignment.append(digits.data(), digits.size()).append(log_id(pam.get()));
  return ::pam_putenv(pam.get(), assignment.c_str()) == PAM_SUCCESS;
}

std::optional<Ticket> take_ticket(const Handle& pam) {
  const char* value = ::pam_getenv(pam.get(), kVariable);
  if (value == nullptr) return std::nullopt;
  auto ticket = parse_ticket(value);
  (void)::pam_putenv(pam.get(), kVariable);  // without "=": removes it
  return ticket;
}

}  // namespace pamcognito::pam
