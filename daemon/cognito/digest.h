#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "common/secret.h"

// SHA-256 and HMAC-SHA256 over parts, so that a secret is not first copied into one buffer.
namespace pamcognito::cognito {

// 32 bytes that may be secret: wiped when they go.
class Digest {
 public:
  Digest() = default;
  Digest(const Digest&) = default;
  Digest& operator=(const Digest&) = default;
  ~Digest() { wipe({reinterpret_cast<char*>(bytes_.data()), bytes_.size()}); }

  [[nodiscard]] std::span<unsigned char, 32> bytes() { return bytes_; }
  [[nodiscard]] std::span<const unsigned char, 32> bytes() const { return bytes_; }
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  std::array<unsigned char, 32> bytes_{};
};

// nullopt: OpenSSL failed (no memory).
std::optional<Digest> sha256(std::initializer_list<std::string_view> parts);
std::optional<Digest> hmac_sha256(std::string_view key,
                                  std::initializer_list<std::string_view> parts);

}  // namespace pamcognito::cognito
