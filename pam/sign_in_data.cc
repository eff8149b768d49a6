#include "pam/sign_in_data.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "pam/pam_data.h"

namespace pamcognito::pam {
namespace {

constexpr char kName[] = "pam_cognito_sign_in";

}  // namespace

bool store_sign_in(const Handle& pam, SignInData data) {
  return store_data(pam.get(), kName, std::make_unique<SignInData>(std::move(data)));
}

void forget_sign_in(const Handle& pam) noexcept {
  forget_data<SignInData>(pam.get(), kName);
}

const SignInData* find_sign_in(const Handle& pam, std::string_view user) noexcept {
  const auto* data = find_data<SignInData>(pam.get(), kName);
  return data != nullptr && data->user == user ? data : nullptr;
}

bool accept_local_password(const Handle& pam, std::string_view user) noexcept {
  auto* data = find_data<SignInData>(pam.get(), kName);
  if (data == nullptr || data->user != user || data->id) return false;
  data->local_password = true;
  return true;
}

bool is_emergency(const Handle& pam, std::string_view user) noexcept {
  const SignInData* data = find_sign_in(pam, user);
  return data != nullptr && !data->id && data->local_password;
}

Fd take_account_socket(const Handle& pam, std::string_view user,
                       std::string_view service) noexcept {
  auto* data = find_data<SignInData>(pam.get(), kName);
  // A forked child and its parent share the socket: one would read the other's answer.
  if (data == nullptr || data->user != user || data->service != service ||
      data->process != ::getpid())
    return {};
  return std::move(data->socket);
}

bool has_sign_in_of_another(const Handle& pam, std::string_view user) noexcept {
  const auto* data = find_data<SignInData>(pam.get(), kName);
  return data != nullptr && data->user != user;
}

}  // namespace pamcognito::pam
