#include "pam/password_change_data.h"

#include <utility>

namespace pamcognito::pam {
namespace {

constexpr char kName[] = "pam_cognito_password_change";

struct PasswordChangeData {
  std::string user;
  std::unique_ptr<Conversation> conversation;
};

// libpam calls this with C linkage when the data is replaced and at pam_end(), which a forked child
// of the host may call too: the socket is closed without a word, as its parent may go on with it.
void clean_up(pam_handle_t* /*pamh*/, void* data, int /*status*/) noexcept {
  delete static_cast<PasswordChangeData*>(data);
}

PasswordChangeData* find(const Handle& pam) noexcept {
  const void* present = nullptr;
  if (::pam_get_data(pam.get(), kName, &present) != PAM_SUCCESS) return nullptr;
  // It was ours when libpam got it.
  return static_cast<PasswordChangeData*>(const_cast<void*>(present));
}

}  // namespace

bool store_password_change(const Handle& pam, std::string user,
                           std::unique_ptr<Conversation> conversation) {
  auto owned = std::make_unique<PasswordChangeData>(std::move(user), std::move(conversation));
  if (::pam_set_data(pam.get(), kName, owned.get(), &clean_up) != PAM_SUCCESS) return false;
  [[maybe_unused]] const auto* given_to_libpam = owned.release();
  return true;
}

void forget_password_change(const Handle& pam) noexcept {
  // Not set where there is nothing to forget: libpam would keep an entry for it.
  if (find(pam) != nullptr) (void)::pam_set_data(pam.get(), kName, nullptr, nullptr);
}

std::unique_ptr<Conversation> take_password_change(const Handle& pam,
                                                   std::string_view user) noexcept {
  PasswordChangeData* data = find(pam);
  if (data == nullptr) return nullptr;
  std::unique_ptr<Conversation> conversation;
  if (data->user == user) conversation = std::move(data->conversation);
  forget_password_change(pam);
  return conversation;
}

}  // namespace pamcognito::pam
