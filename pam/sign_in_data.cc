#include "pam/sign_in_data.h"

#include <memory>
#include <utility>

namespace pamcognito::pam {
namespace {

constexpr char kName[] = "pam_cognito_sign_in";

// libpam calls this with C linkage when the data is replaced and at pam_end().
void clean_up(pam_handle_t* /*pamh*/, void* data, int /*status*/) noexcept {
  delete static_cast<SignInData*>(data);
}

}  // namespace

bool store_sign_in(const Handle& pam, SignInData data) {
  auto owned = std::make_unique<SignInData>(std::move(data));
  if (::pam_set_data(pam.get(), kName, owned.get(), &clean_up) != PAM_SUCCESS) return false;
  [[maybe_unused]] const auto* given_to_libpam = owned.release();
  return true;
}

void forget_sign_in(const Handle& pam) noexcept {
  const void* present = nullptr;
  // Not set where there is nothing to forget: libpam would keep an entry for it.
  if (::pam_get_data(pam.get(), kName, &present) != PAM_SUCCESS || present == nullptr) return;
  (void)::pam_set_data(pam.get(), kName, nullptr, nullptr);
}

const SignInData* find_sign_in(const Handle& pam, std::string_view user) noexcept {
  const void* present = nullptr;
  if (::pam_get_data(pam.get(), kName, &present) != PAM_SUCCESS || present == nullptr)
    return nullptr;
  const auto* data = static_cast<const SignInData*>(present);
  return data->user == user ? data : nullptr;
}

}  // namespace pamcognito::pam
