#pragma once

#include <ctime>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "daemon/cognito/srp_math.h"

// The client's side of USER_SRP_AUTH and of the device challenges.
namespace pamcognito::cognito::srp {

// An ephemeral pair a, A = g^a mod N: for one sign-in. `a` has 256 random bits, as many as the
// exponents of its partner, where the field's clients take 1024 and pay for it.
class KeyPair {
 public:
  static std::expected<KeyPair, SrpError> generate();
  // For test vectors: `a` as hex.
  static std::expected<KeyPair, SrpError> from_private_hex(std::string_view hex);

  [[nodiscard]] const std::string& public_hex() const { return public_hex_; }
  [[nodiscard]] const BIGNUM* private_number() const { return private_.get(); }
  [[nodiscard]] const BIGNUM* public_number() const { return public_.get(); }

 private:
  KeyPair(Bn private_number, Bn public_number, std::string public_hex);
  static std::expected<KeyPair, SrpError> from_private(Bn private_number);

  Bn private_;
  Bn public_;
  std::string public_hex_;
};

// The identity that a proof is for. User: pool name (after the _ of the pool id), USER_ID_FOR_SRP,
// password. Device: device group key, device key, device password.
struct Identity {
  std::string_view group;
  std::string_view user;
  std::string_view password;
};

// PASSWORD_VERIFIER or DEVICE_PASSWORD_VERIFIER: the parameters as they came.
struct ServerChallenge {
  std::string_view salt_hex;
  std::string_view b_hex;
  std::string_view secret_block;
};

// PASSWORD_CLAIM_SIGNATURE. `timestamp` is sent with it, unchanged.
std::expected<std::string, SrpError> password_claim_signature(const KeyPair& pair,
                                                              const Identity& identity,
                                                              const ServerChallenge& challenge,
                                                              std::string_view timestamp);

// TIMESTAMP: `Sat Nov 1 16:20:47 UTC 2026`, in every locale and time zone.
std::string timestamp(std::time_t now);

// ConfirmDevice's DeviceSecretVerifierConfig, base64.
struct DeviceVerifier {
  std::string salt;
  std::string password_verifier;
};

// `salt`: 16 random bytes.
std::expected<DeviceVerifier, SrpError> device_verifier(std::string_view device_group_key,
                                                        std::string_view device_key,
                                                        std::string_view device_password,
                                                        std::span<const unsigned char> salt);

}  // namespace pamcognito::cognito::srp
