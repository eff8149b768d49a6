#include "daemon/bus/sign_in_methods.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "common/bus_names.h"
#include "common/stored_account.h"
#include "common/user_name.h"
#include "daemon/bus/caller_context.h"
#include "daemon/policy/service_profile.h"
#include "daemon/policy/values.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/metrics.h"
#include "daemon/runtime/wiping.h"

namespace pamcognito::bus {
namespace {

using runtime::Level;
using runtime::Task;

// A slow directory must not cost root's callers the two seconds that their module waits: then it is
// just not known. A change of the password is refused without it, so that it may take most of them.
constexpr std::chrono::milliseconds kNameTime{300};
constexpr std::chrono::milliseconds kNeededNameTime{1500};
constexpr std::uint32_t kChangeExpired = 0x20;  // PAM_CHANGE_EXPIRED_AUTHTOK

// Reads one small file of root's, and none for a uid that no range can have.
bool is_in_accounts_range(uid_t uid) {
  return AccountsRange::may_contain(uid) && AccountsRange::read().contains(uid);
}

}  // namespace

const sd_bus_vtable SignInMethods::kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("OpenSignIn", SD_BUS_ARGS("s", user, "s", service, "a{sv}", facts),
                            SD_BUS_RESULT("h", socket, "u", deadline_s),
                            &Dispatch<&SignInMethods::open_sign_in>::call,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "OpenPasswordChange", SD_BUS_ARGS("s", user, "s", service, "a{sv}", facts),
        SD_BUS_RESULT("h", socket, "u", deadline_s),
        &Dispatch<&SignInMethods::open_password_change>::call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "CheckAccount", SD_BUS_ARGS("s", user, "s", service, "ay", sign_in_id, "a{sv}", facts),
        SD_BUS_RESULT("y", outcome), &Dispatch<&SignInMethods::check_account>::call,
        SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

Task<void> SignInMethods::open_sign_in(MessageRef message) {
  co_await open(message, sign_in::Goal::sign_in);
}

Task<void> SignInMethods::open_password_change(MessageRef message) {
  co_await open(message, sign_in::Goal::change_password);
}

Task<void> SignInMethods::open(MessageRef message, sign_in::Goal goal) {
  const char* user = nullptr;
  const char* service = nullptr;
  const int read = sd_bus_message_read(message.get(), "ss", &user, &service);
  std::expected<CallerContext, int> context = std::unexpected(read);
  if (read >= 0) context = read_caller_context(message.get());
  if (!context || !is_valid_user_name(user) || !policy::is_service_name(service)) {
    refuse(message, bus_names::kErrorInvalidArgument,
           "The user, the service or the facts are malformed.");
    co_return;
  }
  const std::string user_name(user);
  const std::string service_name(service);
  const bool changes_password = goal == sign_in::Goal::change_password;
  const bool is_demanded = (context->pam_flags & kChangeExpired) != 0;
  const bool is_test = context->test != 0 && !changes_password;
  const uid_t uid_by_module = context->user_uid;
  PamCaller caller =
      co_await core_.callers.pam_host(message, user_name, service_name, std::move(*context),
                                      changes_password ? kNeededNameTime : kNameTime);
  // A caller changes only its own password, and root has no account in the pool. A login program
  // runs as root when the account phase has demanded a new password of the user before it.
  const bool is_login_program = caller.real_root && is_demanded;
  if (changes_password && caller.refused == nullptr && caller.user_uid == kNoUid &&
      !is_login_program)
    caller.refused = bus_names::kErrorNotPermitted;
  if (caller.refused != nullptr) {
    refuse(message, caller.refused,
           changes_password ? "This caller may not change that user's password."
                            : "This caller may not sign that user in.");
    co_return;
  }
  if (!core_.is_configured()) {
    refuse(message, bus_names::kErrorUnconfigured, "cognitod has no valid configuration.");
    co_return;
  }
  // A greeter that names no terminal: its service says that its person is at this machine.
  if (caller.origin.is_unknown() &&
      policy::service_profile(core_.config.get(), service_name).local_seat)
    caller.origin = limits::Origin::local();
  sign_in::SignInRequest request(user_name, std::move(caller.service), caller.user_uid,
                                 std::move(caller.origin));
  request.remote_host = std::move(caller.remote_host);
  request.goal = goal;
  request.program = service_name;
  request.log_id = std::move(caller.log_id);
  request.is_test = is_test;
  request.caller_is_root = caller.is_root;
  request.binding = caller.binding;
  request.real_root = caller.real_root;
  const uid_t uid = caller.is_root ? uid_by_module : caller.user_uid;
  request.has_stored_account = is_in_accounts_range(uid);
  std::string unused;
  request.is_first_login = request.has_stored_account &&
                           read_stored_account(user_name, uid, unused) == StoredAccount::none;
  reply_with_socket(message.get(), std::move(request));
}

Task<Outcome> SignInMethods::decide_account(const sign_in::SignInRequest& request,
                                            const SignInId& sign_in_id) {
  Core::AccountQuestion question;
  question.user = request.user;
  question.service = request.service;
  question.sign_in_id = sign_in_id;
  question.real_root = request.real_root;
  question.log_id = request.log_id;
  return core_.decide_account(std::move(question));
}

void SignInMethods::end_all() {
  for (const auto& [number, sign_in] : std::exchange(sign_ins_, {})) sign_in->stop();
}

// Anybody may have a sign-in begun for any name without an account, from many networks: these lines
// have one bound together.
Level SignInMethods::level_of_line(const sign_in::SignInRequest& request, Level level) {
  return core_.level_of_line(
      request.is_first_login ? "names without an account" : request.origin.key(), level);
}

void SignInMethods::finished(std::uint64_t number) {
  sign_ins_.erase(number);
  runtime::wipe_stack();
}

void SignInMethods::refuse_to_open(sd_bus_message* message, const sign_in::SignInRequest& request,
                                   Level level, std::string_view cause) {
  runtime::log(level,
               "sign-in of " + request.user + " by " + request.service + " from " +
                   request.origin.key() + ": not opened (" + std::string(cause) +
                   ") id=" + request.log_id,
               {{"ID", request.log_id},
                {"USER", request.user},
                {"SERVICE", request.service},
                {"ORIGIN", request.origin.key()},
                {"CAUSE", cause}});
  (void)sd_bus_reply_method_errorf(message, bus_names::kErrorTooManySignIns,
                                   "Too many sign-ins: %s.", std::string(cause).c_str());
}

void SignInMethods::reply_with_socket(sd_bus_message* message, sign_in::SignInRequest request) {
  if (!request.caller_is_root) {
    const auto count = core_.opened.count(request.origin.key(), core_.clock.boot_time());
    if (count != limits::PerMinute::Count::within) {
      const bool is_first = count == limits::PerMinute::Count::first_beyond;
      runtime::metrics().count("pam_cognito_limits_hit_total", {{"limit", "opened-per-minute"}});
      refuse_to_open(message, request, is_first ? Level::warning : Level::debug,
                     "too-many-in-a-minute");
      return;
    }
  }
  std::optional<limits::SignInPlace> place =
      core_.open.take(request.user, request.origin, request.is_first_login);
  if (!place) {
    refuse_to_open(message, request, level_of_line(request, Level::warning), "too-many-open");
    return;
  }
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
    (void)sd_bus_reply_method_errno(message, errno, nullptr);
    return;
  }
  Fd ours(pair[0]);
  const Fd theirs(pair[1]);
  const std::uint64_t number = next_number_++;
  OpenSignIn::Holder* const holder = this;
  sign_in::SignInServices services = core_.sign_in_services(request);
  auto sign_in = std::make_unique<OpenSignIn>(core_.loop, std::move(services), std::move(request),
                                              std::move(*place), holder, number, std::move(ours));
  // Before it begins: the bus daemon passes the socket on meanwhile.
  const auto deadline = sign_in->deadline_for_module().count();
  if (sd_bus_reply_method_return(message, "hu", theirs.get(),
                                 static_cast<std::uint32_t>(deadline)) < 0)
    return;
  OpenSignIn& started = *sign_in;
  sign_ins_.emplace(number, std::move(sign_in));
  started.start();
}

Task<void> SignInMethods::check_account(MessageRef message) {
  const char* user = nullptr;
  const char* service = nullptr;
  const void* id = nullptr;
  std::size_t id_size = 0;
  int read = sd_bus_message_read(message.get(), "ss", &user, &service);
  if (read >= 0) read = sd_bus_message_read_array(message.get(), 'y', &id, &id_size);
  std::expected<CallerContext, int> context = std::unexpected(read);
  if (read >= 0) context = read_caller_context(message.get());
  if (!context || !is_valid_user_name(user) || !policy::is_service_name(service) ||
      (id_size != 0 && id_size != kSignInIdSize)) {
    refuse(message, bus_names::kErrorInvalidArgument,
           "The user, the service, the sign-in id or the facts are malformed.");
    co_return;
  }
  Core::AccountQuestion question;
  question.user = user;
  if (id_size == kSignInIdSize) std::memcpy(question.sign_in_id.emplace().data(), id, id_size);

  PamCaller caller = co_await core_.callers.pam_host(message, question.user, service,
                                                     std::move(*context), kNameTime);
  if (caller.refused != nullptr) {
    refuse(message, caller.refused, "This caller may not ask for that account.");
    co_return;
  }
  question.service = std::move(caller.service);
  question.real_root = caller.real_root;
  question.of_person = !caller.is_root;
  question.log_id = std::move(caller.log_id);
  const Outcome outcome = co_await core_.decide_account(std::move(question));
  (void)sd_bus_reply_method_return(message.get(), "y", static_cast<int>(outcome));
}

}  // namespace pamcognito::bus
