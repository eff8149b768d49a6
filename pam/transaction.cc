#include "pam/transaction.h"

#include <security/pam_appl.h>
#include <security/pam_ext.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "common/hexadecimal.h"
#include "common/text.h"

namespace pamcognito::pam {
namespace {

// Null if the item is not set or libpam fails.
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
  if (code == PAM_CONV_ERR) return std::unexpected(PAM_CONV_ERR);
  if (code != PAM_SUCCESS || user == nullptr) return std::unexpected(PAM_SERVICE_ERR);
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
  // libpam needs a NUL at the end, which a Secret does not have.
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

void Handle::log_bare(int priority, const std::string& line) const noexcept {
  ::pam_syslog(pamh_, priority, "%s", line.c_str());
}

namespace {

constexpr char kLogId[] = "pam_cognito_id";

struct LogId {
  std::array<char, kLogIdSize + 1> text{};
};

const char* store(pam_handle_t* pamh, std::unique_ptr<LogId> id) noexcept {
  const char* text = id->text.data();
  return store_data(pamh, kLogId, std::move(id)) ? text : "";
}

}  // namespace

const char* log_id(pam_handle_t* pamh) noexcept {
  if (const auto* present = find_data<LogId>(pamh, kLogId)) return present->text.data();
  std::array<std::uint8_t, kLogIdSize / 2> random{};
  // Without GRND_NONBLOCK an early login would wait for randomness only to get a log id.
  if (::getrandom(random.data(), random.size(), GRND_NONBLOCK) !=
      static_cast<ssize_t>(random.size()))
    return "";
  std::unique_ptr<LogId> id(new (std::nothrow) LogId());
  if (!id) return "";
  write_hexadecimal(random, id->text.data());
  return store(pamh, std::move(id));
}

void adopt_log_id(pam_handle_t* pamh, const char* digits) noexcept {
  std::unique_ptr<LogId> id(new (std::nothrow) LogId());
  if (!id) return;
  std::memcpy(id->text.data(), digits, kLogIdSize);
  (void)store(pamh, std::move(id));
}

namespace {

constexpr char kSignIn[] = "pam_cognito_sign_in";

}  // namespace

bool store_sign_in(const Handle& pam, SignInData data) {
  return store_data(pam.get(), kSignIn, std::make_unique<SignInData>(std::move(data)));
}

void forget_sign_in(const Handle& pam) noexcept {
  forget_data<SignInData>(pam.get(), kSignIn);
}

const SignInData* find_sign_in(const Handle& pam, std::string_view user) noexcept {
  const auto* data = find_data<SignInData>(pam.get(), kSignIn);
  return data != nullptr && data->user == user ? data : nullptr;
}

bool accept_local_password(const Handle& pam, std::string_view user) noexcept {
  auto* data = find_data<SignInData>(pam.get(), kSignIn);
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
  auto* data = find_data<SignInData>(pam.get(), kSignIn);
  // A forked child shares the socket with its parent, and one would read the answer of the other.
  if (data == nullptr || data->user != user || data->service != service ||
      data->process != ::getpid())
    return {};
  return std::move(data->socket);
}

bool has_other_users_sign_in(const Handle& pam, std::string_view user) noexcept {
  const auto* data = find_data<SignInData>(pam.get(), kSignIn);
  return data != nullptr && data->user != user;
}

namespace {

constexpr char kResetDemand[] = "pam_cognito_reset";

}  // namespace

bool store_reset_demand(const Handle& pam, std::string_view user) {
  return store_data(pam.get(), kResetDemand, std::make_unique<std::string>(user));
}

void forget_reset_demand(const Handle& pam) noexcept {
  forget_data<std::string>(pam.get(), kResetDemand);
}

bool has_reset_demand(const Handle& pam, std::string_view user) noexcept {
  const auto* demanded = find_data<std::string>(pam.get(), kResetDemand);
  return demanded != nullptr && *demanded == user;
}

namespace {

constexpr char kVariable[] = "PAM_COGNITO_SIGN_IN";
constexpr std::size_t kSignInDigits = 2 * kSignInIdSize;

std::optional<Ticket> parse_ticket(std::string_view text) {
  // The log id is missing if authentication had none.
  if (text.size() != kSignInDigits && text.size() != kSignInDigits + kLogIdSize)
    return std::nullopt;
  Ticket ticket;
  const std::string_view log_id = text.substr(kSignInDigits);
  if (!read_hexadecimal(text.substr(0, kSignInDigits), ticket.sign_in)) return std::nullopt;
  if (!log_id.empty() && !is_log_id(log_id)) return std::nullopt;
  ticket.log_id = log_id;
  return ticket;
}

}  // namespace

bool leave_ticket(const Handle& pam, const SignInId& sign_in) {
  std::array<char, kSignInDigits> digits{};
  write_hexadecimal(sign_in, digits.data());
  std::string assignment = std::string(kVariable) + "=";
  assignment.append(digits.data(), digits.size()).append(log_id(pam.get()));
  return ::pam_putenv(pam.get(), assignment.c_str()) == PAM_SUCCESS;
}

std::optional<Ticket> take_ticket(const Handle& pam) {
  const char* value = ::pam_getenv(pam.get(), kVariable);
  if (value == nullptr) return std::nullopt;
  auto ticket = parse_ticket(value);
  (void)::pam_putenv(pam.get(), kVariable);  // without "=" it removes the variable
  return ticket;
}

std::string log_field(std::string_view name, std::string_view value) {
  constexpr std::size_t longest = 128;
  std::string text = printable(value, longest);
  for (char& c : text)
    if (c == ' ' || c == '\n') c = '?';
  return std::string(" ").append(name).append("=").append(text);
}

}  // namespace pamcognito::pam
