#include "pam/handle.h"

#include <security/pam_ext.h>

#include <array>

#include "pam/log_id.h"

namespace pamcognito::pam {
namespace {

// Null: not set, or libpam would not say.
const void* raw_item(pam_handle_t* pamh, int number) noexcept {
  const void* value = nullptr;
  if (::pam_get_item(pamh, number, &value) != PAM_SUCCESS) return nullptr;
  return value;
}

}  // namespace

std::string Handle::item(int number) const {
  const auto* value = static_cast<const char*>(raw_item(pamh_, number));
  return value != nullptr ? std::string(value) : std::string();
}

std::expected<std::string, int> Handle::user() const {
  const char* user = nullptr;
  const int code = ::pam_get_user(pamh_, &user, nullptr);
  if (code != PAM_SUCCESS) return std::unexpected(code);
  if (user == nullptr) return std::unexpected(PAM_SERVICE_ERR);
  return std::string(user);
}

const pam_conv* Handle::conversation() const noexcept {
  const auto* conversation = static_cast<const pam_conv*>(raw_item(pamh_, PAM_CONV));
  return conversation != nullptr && conversation->conv != nullptr ? conversation : nullptr;
}

std::expected<std::optional<Secret>, std::monostate> Handle::password(int number) const {
  const auto* value = static_cast<const char*>(raw_item(pamh_, number));
  if (value == nullptr) return std::optional<Secret>();
  auto password = Secret::copy_of(value);
  if (!password) return std::unexpected(std::monostate());
  return password;
}

bool Handle::set_password(int number, const Secret& password) const noexcept {
  // A secret ends without a NUL, and libpam wants one.
  std::array<char, Secret::kCapacity + 1> text{};
  password.reveal().copy(text.data(), Secret::kCapacity);
  const int code = ::pam_set_item(pamh_, number, text.data());
  wipe(text);
  return code == PAM_SUCCESS;
}

void Handle::log(int priority, const std::string& line) const noexcept {
  const char* id = log_id(pamh_);
  ::pam_syslog(pamh_, priority, "%s%s%s", line.c_str(), *id != '\0' ? " id=" : "", id);
}

}  // namespace pamcognito::pam
