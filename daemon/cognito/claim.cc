#include "daemon/cognito/claim.h"

#include <utility>

#include "daemon/cognito/json.h"
#include "daemon/cognito/jwt.h"

namespace pamcognito::cognito {

std::optional<std::string> text_claim(std::string_view token, const std::string& name,
                                      std::size_t max_bytes) {
  const auto jwt = parse_jwt(token);
  if (!jwt) return std::nullopt;
  auto text = optional_string(jwt->claims.root(), name.c_str(), max_bytes);
  if (!text) return std::nullopt;
  return std::move(*text);
}

}  // namespace pamcognito::cognito
