#include "pam/password_change_data.h"

#include <utility>

#include "pam/pam_data.h"

namespace pamcognito::pam {
namespace {

constexpr char kName[] = "pam_cognito_password_change";

// Destroying it closes the conversation's socket without a word: in a forked child of the host, its
// parent may go on with it.
struct PasswordChangeData {
  std::string user;
  std::unique_ptr<Conversation> conversation;
};

}  // namespace

bool store_password_change(const Handle& pam, std::string user,
                           std::unique_ptr<Conversation> conversation) {
  return store_data(pam.get(), kName,
                    std::make_unique<PasswordChangeData>(std::move(user), std::move(conversation)));
}

void forget_password_change(const Handle& pam) noexcept {
  forget_data<PasswordChangeData>(pam.get(), kName);
}

std::unique_ptr<Conversation> take_password_change(const Handle& pam,
                                                   std::string_view user) noexcept {
  auto* data = find_data<PasswordChangeData>(pam.get(), kName);
  if (data == nullptr) return nullptr;
  std::unique_ptr<Conversation> conversation;
  if (data->user == user) conversation = std::move(data->conversation);
  forget_password_change(pam);
  return conversation;
}

}  // namespace pamcognito::pam
