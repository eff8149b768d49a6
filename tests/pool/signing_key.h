#pragma once

#include <json/value.h>

#include <expected>
#include <string>
#include <string_view>

#include "tests/pool/crypto.h"

namespace pamcognito::pool {

// An RSA key of 2048 bits that signs JWTs with RS256, and its name in the JWKS.
class SigningKey {
 public:
  [[nodiscard]] static SigningKey generate();
  // Reads the PEM file, or makes a key and writes it there.
  [[nodiscard]] static std::expected<SigningKey, std::string> load_or_make(const std::string& path);

  // Base64 with `+`, `/` and `=` in it, as Cognito's are: clients must not treat it as a file name.
  [[nodiscard]] const std::string& kid() const { return kid_; }
  [[nodiscard]] Json::Value jwk() const;
  // The signature of `text`, raw.
  [[nodiscard]] std::string sign(std::string_view text) const;
  [[nodiscard]] bool verifies(std::string_view text, std::string_view signature) const;
  [[nodiscard]] std::string public_pem() const;

 private:
  explicit SigningKey(Key key);

  Key key_;
  std::string kid_;
};

}  // namespace pamcognito::pool
