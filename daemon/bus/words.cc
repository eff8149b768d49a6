#include "daemon/bus/words.h"

namespace pamcognito::bus {

std::string_view factor_word(const std::optional<policy::Method>& factor) {
  if (!factor) return "none";
  switch (*factor) {
    case policy::Method::totp:
      return "totp";
    case policy::Method::email:
      return "email";
    case policy::Method::sms:
      return "sms";
    case policy::Method::custom:
      return "custom";
  }
  return "none";
}

}  // namespace pamcognito::bus
