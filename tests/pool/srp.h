#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/pool/crypto.h"

// The server's side of Cognito's SRP-6a: RFC 5054's scheme over RFC 3526 group 15 with SHA-256,
// Cognito's own padding (a number's shortest big-endian bytes, with a 00 in front when the top bit
// is set) and a 16-byte key by HKDF.
namespace pamcognito::pool {

// The data that a pool keeps of a password: v = g^x mod N, and the salt that is part of x.
struct SrpVerifier {
  BigNumber salt;
  BigNumber verifier;
};

// `pool_name` is the pool id after the underscore. `salt` may be any bytes.
[[nodiscard]] SrpVerifier make_verifier(std::string_view pool_name, std::string_view username,
                                        std::string_view password, std::string_view salt);
// A verifier that no password fits, always the same for the same seed: the simulated user.
[[nodiscard]] SrpVerifier fake_verifier(std::string_view seed);

// A client's public value. nullopt unless `hex` is 1 to 768 hex digits and not 0 modulo N.
[[nodiscard]] BigNumber parse_public_value(std::string_view hex);

// One exchange: the secret b and the public B = k v + g^b mod N.
class SrpExchange {
 public:
  explicit SrpExchange(const SrpVerifier& verifier);
  // With a given b, for test vectors.
  SrpExchange(const SrpVerifier& verifier, std::string_view b_hex);

  // Lower-case hex without leading zeros, as Cognito sends SRP_B and SALT.
  [[nodiscard]] std::string public_hex() const;
  [[nodiscard]] std::string salt_hex() const;
  // S = (A v^u)^b mod N.
  [[nodiscard]] BigNumber premaster(const BIGNUM* client_public) const;
  // The 16 bytes that key the claim signature.
  [[nodiscard]] std::string key(const BIGNUM* client_public) const;

 private:
  [[nodiscard]] BigNumber scrambler(const BIGNUM* client_public) const;

  BigNumber salt_;
  BigNumber verifier_;
  BigNumber secret_;
  BigNumber public_;
};

[[nodiscard]] std::string padded(const BIGNUM* number);
[[nodiscard]] std::string number_hex(const BIGNUM* number);
[[nodiscard]] BigNumber number_from_hex(std::string_view hex);

// PASSWORD_CLAIM_SIGNATURE in base64. `secret_block` is the decoded one.
[[nodiscard]] std::string claim_signature(std::string_view key, std::string_view pool_name,
                                          std::string_view user_id, std::string_view secret_block,
                                          std::string_view timestamp);

// Unix seconds of `Sat Nov 21 16:20:47 UTC 2026`; nullopt for any other form.
[[nodiscard]] std::optional<int64_t> parse_timestamp(std::string_view text);

}  // namespace pamcognito::pool
