#pragma once

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

// Digests, encodings and randomness over OpenSSL 3. Byte strings are std::string. A failure inside
// OpenSSL (out of memory, no random source) ends the process: a test tool has nothing better to do.
namespace pamcognito::pool {

template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using BigNumber = std::unique_ptr<BIGNUM, OpensslFree<BN_clear_free>>;

// Ends the process with `what` unless `ok`.
void require_crypto(bool ok, const char* what);

[[nodiscard]] std::string sha256(std::string_view data);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view data);
[[nodiscard]] std::string hmac_sha1(std::string_view key, std::string_view data);

[[nodiscard]] std::string random_bytes(size_t count);
// Decimal digits, each equally likely.
[[nodiscard]] std::string random_digits(size_t count);
// A random UUID, RFC 4122 version 4, and one that is made from 16 or more given bytes.
[[nodiscard]] std::string random_uuid();
[[nodiscard]] std::string uuid_from(std::string_view bytes);

[[nodiscard]] std::string hex_encode(std::string_view bytes);
[[nodiscard]] std::string base64_encode(std::string_view bytes);
// Takes the standard and the URL alphabet, padded or not; nullopt for anything else.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
// RFC 4648 section 5, without padding, as JWTs want it.
[[nodiscard]] std::string base64url_encode(std::string_view bytes);

[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace pamcognito::pool
