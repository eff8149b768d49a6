#pragma once

#include <openssl/evp.h>

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace pamcognito::cognito {

// An RSA public key; shared, because a verification may outlive the set that it came from.
using PublicKey = std::shared_ptr<EVP_PKEY>;

// RFC 7517: the keys of a set by `kid`. Only what can verify RS256 is kept: kty RSA, use absent or
// sig, alg absent or RS256, 2048 to 8192 bits. The error says why the text is not a key set.
using KeySet = std::map<std::string, PublicKey, std::less<>>;
std::expected<KeySet, std::string> parse_key_set(std::string_view text);

}  // namespace pamcognito::cognito
