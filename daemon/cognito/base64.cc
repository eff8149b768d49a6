#include "daemon/cognito/base64.h"

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>

namespace pamcognito::cognito {
namespace {

constexpr int kNoDigit = -1;

int common_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return kNoDigit;
}

int url_digit(char c) {
  if (c == '-') return 62;
  if (c == '_') return 63;
  return common_digit(c);
}

int any_digit(char c) {
  if (c == '+') return 62;
  if (c == '/') return 63;
  return url_digit(c);
}

// Decodes unpadded digits. The last group of 2 or 3 digits carries 4 or 2 bits too many: they must
// be zero, so that one value has one spelling.
std::optional<std::string> decode(std::string_view text, int (*digit_of)(char)) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int digit = digit_of(c);
    if (digit == kNoDigit) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>((bits >> count) & 0xff));
      bits &= (1U << count) - 1;
    }
  }
  if (bits != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string base64_encode(std::span<const unsigned char> bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock adds a NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  return decode(text, url_digit);
}

std::optional<std::string> base64_decode_lenient(std::string_view text) {
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return decode(text, any_digit);
}

}  // namespace pamcognito::cognito
