#include "pam/reset_demand.h"

#include <memory>
#include <string>

#include "pam/pam_data.h"

namespace pamcognito::pam {
namespace {

constexpr char kName[] = "pam_cognito_reset";

}  // namespace

bool store_reset_demand(const Handle& pam, std::string_view user) {
  return store_data(pam.get(), kName, std::make_unique<std::string>(user));
}

void forget_reset_demand(const Handle& pam) noexcept {
  forget_data<std::string>(pam.get(), kName);
}

bool has_reset_demand(const Handle& pam, std::string_view user) noexcept {
  const auto* demanded = find_data<std::string>(pam.get(), kName);
  return demanded != nullptr && *demanded == user;
}

}  // namespace pamcognito::pam
