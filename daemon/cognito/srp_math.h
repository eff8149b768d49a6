#pragma once

#include <openssl/bn.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/cognito/digest.h"

// The numbers of Cognito's SRP: RFC 5054's scheme over the 3072-bit group of RFC 3526, SHA-256, and
// Java's BigInteger.toByteArray() where the RFC pads. srp.h is what the client calls.
namespace pamcognito::cognito::srp {

enum class SrpError : std::uint8_t {
  bad_server_value,  // not hex, too long, or a number that breaks the proof: B mod N = 0, u = 0
  internal,          // OpenSSL failed (no memory, no randomness)
};

struct ClearFree {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(BN_MONT_CTX* context) const { BN_MONT_CTX_free(context); }
};
using Bn = std::unique_ptr<BIGNUM, ClearFree>;
using BnContext = std::unique_ptr<BN_CTX, ClearFree>;
using BnResult = std::expected<Bn, SrpError>;

inline constexpr int kGroupBits = 3072;

// Not negative, hex digits only, at most `max_bits` of value; the text may have leading zeros up to
// one byte more than that.
BnResult number_from_hex(std::string_view hex, int max_bits);

// Lower case, without leading zeros: how the wire carries A.
std::expected<std::string, SrpError> hex_of(const BIGNUM* number);

// PAD: big-endian, one 00 byte in front when the top bit is set; zero is one 00 byte.
std::string pad(const BIGNUM* number);

// g^exponent mod N, in a time that does not depend on the exponent's bits.
BnResult power_of_generator(BIGNUM* exponent);

// H(PAD(A) | PAD(B)); zero is refused.
BnResult scrambling(const BIGNUM* a_public, const BIGNUM* b_public);

// x = H(PAD(salt) | H(group | user | ":" | password)).
BnResult private_exponent(const BIGNUM* salt, std::string_view group, std::string_view user,
                          std::string_view password);

// S = (B - k g^x) ^ (a + u x) mod N. B mod N = 0 is refused.
BnResult shared_secret(const BIGNUM* a, const BIGNUM* b_public, const BIGNUM* u, BIGNUM* x);

// The first 16 bytes of HKDF-SHA256(PAD(S), salt PAD(u), info "Caldera Derived Key") (RFC 5869);
// the rest of the digest is its second half.
std::expected<Digest, SrpError> derive_key(const BIGNUM* secret, const BIGNUM* u);
inline constexpr std::size_t kKeyBytes = 16;

}  // namespace pamcognito::cognito::srp
