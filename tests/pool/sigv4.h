#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "tests/pool/http.h"

// AWS Signature Version 4, from the side that checks it. Written from the public description of the
// signing process ("Create a signed AWS API request" in the IAM User Guide).
namespace pamcognito::pool {

inline constexpr char kSigningAlgorithm[] = "AWS4-HMAC-SHA256";
inline constexpr char kScopeEnd[] = "aws4_request";

// The Authorization header of a signed request.
struct Authorization {
  std::string access_key_id;
  // The credential scope.
  std::string date;
  std::string region;
  std::string service;
  std::string terminator;
  // In lower case and sorted.
  std::vector<std::string> signed_headers;
  std::string signature;

  [[nodiscard]] std::string scope() const;
  [[nodiscard]] bool signs(const std::string& header) const;
};

// The header's parts, or the text of IncompleteSignatureException.
[[nodiscard]] std::expected<Authorization, std::string> parse_authorization(
    const std::string& header);
// Unix seconds of a time such as 20150830T123600Z.
[[nodiscard]] std::optional<int64_t> parse_amz_date(const std::string& text);
[[nodiscard]] std::string amz_date(int64_t unix_s);

// The request's payload hash is made from its body.
[[nodiscard]] std::string canonical_request(const HttpRequest& request,
                                            const std::vector<std::string>& signed_headers);
[[nodiscard]] std::string string_to_sign(const std::string& time, const std::string& scope,
                                         const std::string& canonical);
// Raw bytes.
[[nodiscard]] std::string signing_key(const std::string& secret, const std::string& date,
                                      const std::string& region, const std::string& service);
// In hexadecimal, as the header has it.
[[nodiscard]] std::string signature_of(const std::string& key, const std::string& text);

}  // namespace pamcognito::pool
