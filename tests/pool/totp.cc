#include "tests/pool/totp.h"

#include <array>
#include <cstdio>

#include "tests/pool/crypto.h"

namespace pamcognito::pool {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr int64_t kStepMs = 30'000;
constexpr int kDigits = 6;

std::string counter_bytes(int64_t counter) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[7 - i] = static_cast<char>((static_cast<uint64_t>(counter) >> (8 * i)) & 0xFF);
  }
  return bytes;
}

}  // namespace

std::string base32_encode(std::string_view bytes) {
  std::string text;
  unsigned bits = 0;
  int pending = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    pending += 8;
    while (pending >= 5) {
      pending -= 5;
      text.push_back(kAlphabet[(bits >> pending) & 0x1F]);
    }
  }
  if (pending > 0) text.push_back(kAlphabet[(bits << (5 - pending)) & 0x1F]);
  return text;
}

std::optional<std::string> base32_decode(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string bytes;
  unsigned bits = 0;
  int pending = 0;
  for (const char c : text) {
    const char upper = (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
    const size_t value = kAlphabet.find(upper);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 5) | static_cast<unsigned>(value);
    pending += 5;
    if (pending < 8) continue;
    pending -= 8;
    bytes.push_back(static_cast<char>((bits >> pending) & 0xFF));
  }
  if (bytes.empty()) return std::nullopt;
  return bytes;
}

int64_t totp_step(int64_t unix_ms) {
  return unix_ms / kStepMs;
}

std::string hotp_code(std::string_view secret, int64_t counter, int digits) {
  const std::string mac = hmac_sha1(secret, counter_bytes(counter));
  const auto byte = [&mac](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(mac[i]));
  };
  const size_t offset = byte(mac.size() - 1) & 0x0F;
  const uint32_t number = (byte(offset) & 0x7F) << 24 | byte(offset + 1) << 16 |
                          byte(offset + 2) << 8 | byte(offset + 3);
  uint32_t modulus = 1;
  for (int i = 0; i < digits; ++i) modulus *= 10;
  std::array<char, 16> text{};
  (void)std::snprintf(text.data(), text.size(), "%0*u", digits, number % modulus);
  return text.data();
}

std::string totp_code(std::string_view secret, int64_t step) {
  return hotp_code(secret, step, kDigits);
}

TotpVerdict Authenticator::check(std::string_view code, int64_t now_ms, bool single_use) {
  const int64_t now = totp_step(now_ms);
  bool was_used = false;
  for (int64_t step = now - 1; step <= now + 1; ++step) {
    if (!equal_constant_time(code, totp_code(secret_, step))) continue;
    if (!single_use || used_steps_.insert(step).second) return TotpVerdict::right;
    was_used = true;
  }
  return was_used ? TotpVerdict::used : TotpVerdict::wrong;
}

}  // namespace pamcognito::pool
