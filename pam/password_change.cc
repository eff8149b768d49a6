// The password phase. libpam calls it twice, so the conversation with cognitod is split: the first
// call signs the user in until cognitod asks for the new password, and keeps the conversation in
// PAM data; the second call answers that question. If the second call never comes, pam_end()
// destroys the conversation, which closes its socket, and cognitod ends the sign-in.

#include <security/pam_modules.h>
#include <unistd.h>

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "pam/admission.h"
#include "pam/bus_client.h"
#include "pam/conversation.h"
#include "pam/phases.h"
#include "pam/result.h"
#include "pam/transaction.h"

namespace pamcognito::pam {
namespace {

constexpr char kPasswordChange[] = "pam_cognito_password_change";

// A change between the two calls. The destructor closes the socket without sending anything: in a
// forked child of the host, the parent may continue the conversation.
struct PasswordChangeData {
  std::string user;
  std::unique_ptr<Conversation> conversation;
};

// Replaces a stored change. Returns false if libpam refuses, and then closes the conversation.
[[nodiscard]] bool store_password_change(const Handle& pam, std::string user,
                                         std::unique_ptr<Conversation> conversation) {
  return store_data(pam.get(), kPasswordChange,
                    std::make_unique<PasswordChangeData>(std::move(user), std::move(conversation)));
}

void forget_password_change(const Handle& pam) noexcept {
  forget_data<PasswordChangeData>(pam.get(), kPasswordChange);
}

// Removes the stored change and returns its conversation, or null if the change is for another
// user, whose conversation is closed.
std::unique_ptr<Conversation> take_password_change(const Handle& pam,
                                                   std::string_view user) noexcept {
  auto* data = find_data<PasswordChangeData>(pam.get(), kPasswordChange);
  if (data == nullptr) return nullptr;
  std::unique_ptr<Conversation> conversation;
  if (data->user == user) conversation = std::move(data->conversation);
  forget_password_change(pam);
  return conversation;
}

bool pool_demands_change(const Handle& pam, const std::string& user, int flags) {
  return has_flag(flags, PAM_CHANGE_EXPIRED_AUTHTOK) && has_reset_demand(pam, user);
}

// Tells whether the local password of an emergency sign-in has expired. The account phase then
// demands a new one, and pam_unix sets it.
bool has_expired_in_emergency(const Handle& pam, const std::string& user, int flags) {
  return has_flag(flags, PAM_CHANGE_EXPIRED_AUTHTOK) && !has_reset_demand(pam, user) &&
         is_emergency(pam, user);
}

// The user, or a login program that acts for the user who is signing in.
bool may_change(const Handle& pam, const std::string& user, uid_t uid, int flags) {
  return ::getuid() == uid || (::getuid() == 0 && pool_demands_change(pam, user, flags));
}

// PAM_PRELIM_CHECK. On success the conversation is stored and waits for the new password.
std::expected<void, PhaseResult> begin_change(const Handle& pam, const std::string& user, uid_t uid,
                                              int flags, const Options& options) {
  if (!may_change(pam, user, uid, flags))
    return std::unexpected(PhaseResult{.outcome = Outcome::not_permitted, .cause = "another-user"});
  auto opened = open_password_change(make_request(pam, user, uid, flags));
  if (!opened) return std::unexpected(opened.error());
  auto conversation =
      std::make_unique<Conversation>(pam, options, has_flag(flags, PAM_SILENT),
                                     Conversation::Goal::change_password, std::move(*opened));
  if (auto waits = conversation->run_to_new_password(); !waits) return waits;
  if (!conversation->passwords().set_old_password_item(pam) ||
      !store_password_change(pam, user, std::move(conversation)))
    return std::unexpected(kItemsRefused);
  return {};
}

// PAM_UPDATE_AUTHTOK.
PhaseResult end_change(const Handle& pam, const std::string& user, int flags) {
  const auto conversation = take_password_change(pam, user);
  if (!conversation) return {.outcome = Outcome::unforeseen, .cause = "nothing-begun"};
  const PhaseResult result = conversation->resume(has_flag(flags, PAM_SILENT));
  if (result.outcome == Outcome::success && !conversation->passwords().set_items(pam))
    return kItemsRefused;
  return result;
}

int change_users_password(const Handle& pam, const std::string& user, int flags,
                          const Options& options) {
  const bool update = has_flag(flags, PAM_UPDATE_AUTHTOK);
  const Phase phase = update ? Phase::password_update : Phase::password_check;
  if (!update) forget_password_change(pam);
  const auto admitted = admit(pam, options, phase, "password-change", user);
  if (!admitted) return admitted.error();
  const auto report = [&](const PhaseResult& result) {
    log_result(pam, "password-change", result, user);
    return pam_code(phase, result);
  };
  if (!update) {
    const auto begun = begin_change(pam, user, admitted->uid, flags, options);
    return begun ? PAM_SUCCESS : report(begun.error());
  }
  return report(end_change(pam, user, flags));
}

}  // namespace

int change_password(Handle pam, int flags, const Options& options) {
  if (is_change_by_root(flags)) return PAM_IGNORE;
  const auto user = pam.user();
  if (!user) return user.error();
  if (has_expired_in_emergency(pam, *user, flags)) return PAM_AUTHINFO_UNAVAIL;
  const int code = change_users_password(pam, *user, flags, options);
  delay_refusal(pam, code);
  return code;
}

}  // namespace pamcognito::pam
