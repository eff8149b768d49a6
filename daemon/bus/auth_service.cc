#include "daemon/bus/auth_service.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/bus_names.h"
#include "common/user_name.h"
#include "daemon/bus/unix_user.h"
#include "daemon/flows/account.h"
#include "daemon/policy/values.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/wiping.h"

namespace pamcognito::bus {
namespace {

using runtime::Level;
using runtime::Task;

constexpr std::size_t kMaxCalls = 4096;
constexpr std::size_t kMaxCallsOfOne = 8;
// After the conversations' sockets: an acknowledged sign-in is known before its account is asked
// for.
constexpr std::int64_t kBusPriority = SD_EVENT_PRIORITY_NORMAL + 10;
// A slow directory must not cost root's callers the two seconds that their module waits: then it is
// just not known. A change of the password is refused without it, so that it may take most of them.
constexpr std::chrono::milliseconds kNameTime{300};
constexpr std::chrono::milliseconds kNeededNameTime{1500};
// The service of everybody who is not root: what they say of theirs is not believed.
constexpr char kUserService[] = "user";

// An address may be a whole office's, with several people who have forgotten their passwords.
policy::LimitsConfig limits_of_an_origin(policy::LimitsConfig limits) {
  constexpr unsigned people = 4;
  limits.messages *= people;
  limits.messages_unanswered *= people;
  return limits;
}

}  // namespace

// A message that is answered later.
class AuthService::MessageRef {
 public:
  explicit MessageRef(sd_bus_message* message) : message_(sd_bus_message_ref(message)) {}
  MessageRef(const MessageRef& other) : message_(sd_bus_message_ref(other.message_)) {}
  MessageRef& operator=(const MessageRef&) = delete;
  ~MessageRef() { sd_bus_message_unref(message_); }
  [[nodiscard]] sd_bus_message* get() const noexcept { return message_; }

 private:
  sd_bus_message* message_;
};

struct AuthService::Caller {
  bool is_root = false;
  std::string service;
  uid_t user_uid = static_cast<uid_t>(-1);
  limits::Origin origin = limits::Origin::local();
  std::string remote_host;
  const char* refused = nullptr;

  Caller() = default;
};

const sd_bus_vtable AuthService::kVtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("OpenSignIn", SD_BUS_ARGS("s", user, "s", service, "a{sv}", facts),
                            SD_BUS_RESULT("h", socket, "u", deadline_s),
                            &AuthService::on_open_sign_in, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("OpenPasswordChange",
                            SD_BUS_ARGS("s", user, "s", service, "a{sv}", facts),
                            SD_BUS_RESULT("h", socket, "u", deadline_s),
                            &AuthService::on_open_password_change, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "CheckAccount", SD_BUS_ARGS("s", user, "s", service, "ay", sign_in_id, "a{sv}", facts),
        SD_BUS_RESULT("y", outcome), &AuthService::on_check_account, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Version", "s", &AuthService::get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Configured", "b", &AuthService::get_configured, 0, 0),
    SD_BUS_VTABLE_END};

AuthService::AuthService(runtime::EventLoop& loop, runtime::Clock& clock, runtime::Worker& worker,
                         std::shared_ptr<const policy::Config> config, cognito::UserPool* pool,
                         std::size_t max_sign_ins)
    : loop_(loop),
      clock_(clock),
      worker_(worker),
      config_(std::move(config)),
      pool_(pool),
      open_(max_sign_ins),
      failures_(config_ ? config_->limits : policy::LimitsConfig{}),
      messages_(config_ ? config_->limits : policy::LimitsConfig{}),
      reset_messages_(config_ ? config_->limits : policy::LimitsConfig{}),
      reset_messages_by_origin_(
          limits_of_an_origin(config_ ? config_->limits : policy::LimitsConfig{})),
      revocations_(loop, clock) {}

AuthService::~AuthService() {
  password_turns_.close();
  calls_.clear();
  sign_ins_.clear();
  sd_bus_slot_unref(vtable_slot_);
  sd_bus_flush_close_unref(bus_);
}

int AuthService::start() {
  int result = sd_bus_open_system(&bus_);
  if (result >= 0) result = sd_bus_set_exit_on_disconnect(bus_, 1);
  if (result >= 0)
    result = sd_bus_add_object_vtable(bus_, &vtable_slot_, bus_names::kPath, bus_names::kInterface,
                                      kVtable, this);
  if (result >= 0) result = sd_bus_attach_event(bus_, loop_.get(), kBusPriority);
  if (result >= 0) result = sd_bus_request_name(bus_, bus_names::kService, 0);
  return result;
}

void AuthService::stop(std::function<void()> stopped) {
  (void)sd_bus_release_name(bus_, bus_names::kService);
  password_turns_.close();
  calls_.clear();
  sign_ins_.clear();
  revocations_.when_idle(std::move(stopped));
}

int AuthService::on_open_sign_in(sd_bus_message* message, void* self, sd_bus_error*) {
  return static_cast<AuthService*>(self)->accept(message, &AuthService::open_sign_in);
}

int AuthService::on_open_password_change(sd_bus_message* message, void* self, sd_bus_error*) {
  return static_cast<AuthService*>(self)->accept(message, &AuthService::open_password_change);
}

int AuthService::on_check_account(sd_bus_message* message, void* self, sd_bus_error*) {
  return static_cast<AuthService*>(self)->accept(message, &AuthService::check_account);
}

int AuthService::get_version(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                             void*, sd_bus_error*) {
  return sd_bus_message_append(reply, "s", PAM_COGNITO_VERSION);
}

int AuthService::get_configured(sd_bus*, const char*, const char*, const char*,
                                sd_bus_message* reply, void* self, sd_bus_error*) {
  return sd_bus_message_append(reply, "b", static_cast<AuthService*>(self)->config_ ? 1 : 0);
}

int AuthService::accept(sd_bus_message* message,
                        Task<void> (AuthService::*handle)(MessageRef)) try {
  const char* sender = sd_bus_message_get_sender(message);
  if (sender == nullptr || sd_bus_message_get_expect_reply(message) <= 0) return -EINVAL;
  const auto of_sender = calls_by_sender_.find(sender);
  if (calls_.size() >= kMaxCalls ||
      (of_sender != calls_by_sender_.end() && of_sender->second >= kMaxCallsOfOne))
    return -EBUSY;
  ++calls_by_sender_[sender];
  const std::uint64_t id = next_id_++;
  MessageRef kept(message);
  calls_.emplace(id, loop_.spawn((this->*handle)(kept), [this, id, kept](bool threw) {
    if (threw) (void)sd_bus_reply_method_errno(kept.get(), EIO, nullptr);
    calls_.erase(id);
    const auto calls = calls_by_sender_.find(sd_bus_message_get_sender(kept.get()));
    if (--calls->second == 0) calls_by_sender_.erase(calls);
  }));
  return 1;
} catch (...) {
  return -ENOMEM;
}

Task<std::string> AuthService::name_of(uid_t uid) {
  std::expected<std::string, runtime::WorkerBusy> name =
      co_await worker_.run([uid] { return user_with_uid(uid); });
  co_return name ? std::move(*name) : std::string();
}

Task<AuthService::Caller> AuthService::establish_caller(MessageRef message, std::string user,
                                                        std::string service, Facts facts,
                                                        std::chrono::milliseconds name_time) {
  Caller caller;
  const char* sender = sd_bus_message_get_sender(message.get());
  std::expected<uid_t, int> uid = std::unexpected(-ENXIO);
  if (sender != nullptr) uid = co_await unix_user_of(bus_, sender);
  if (!uid) {
    caller.refused = bus_names::kErrorNotPermitted;
    co_return caller;
  }
  if (*uid == 0) {
    if (facts.real_uid == static_cast<uid_t>(-1)) {
      caller.refused = bus_names::kErrorInvalidArgument;
      co_return caller;
    }
    caller.is_root = facts.real_uid == 0;
    caller.service = std::move(service);
    caller.origin = origin_of(facts);
    caller.remote_host = limits::literal_address(facts.remote_host);
    if (facts.real_uid != 0) {
      // sudo and the like by the user itself: an origin that is known for this user.
      const auto name =
          co_await runtime::with_deadline(loop_, loop_.now() + name_time, name_of(facts.real_uid));
      if (name && *name == user) caller.user_uid = facts.real_uid;
    }
    co_return caller;
  }

  const uid_t caller_uid = *uid;
  std::expected<std::string, runtime::WorkerBusy> name =
      co_await worker_.run([caller_uid] { return our_user_with_uid(caller_uid); });
  if (!name || name->empty())
    caller.refused = bus_names::kErrorNotOurs;
  else if (*name != user)
    caller.refused = bus_names::kErrorNotPermitted;
  caller.service = kUserService;
  caller.user_uid = caller_uid;
  caller.origin = limits::Origin::of_uid(caller_uid);
  co_return caller;
}

Task<void> AuthService::open_sign_in(MessageRef message) {
  co_await open(message, flows::Goal::sign_in);
}

Task<void> AuthService::open_password_change(MessageRef message) {
  co_await open(message, flows::Goal::change_password);
}

Task<void> AuthService::open(MessageRef message, flows::Goal goal) {
  const char* user = nullptr;
  const char* service = nullptr;
  const int read = sd_bus_message_read(message.get(), "ss", &user, &service);
  std::expected<Facts, int> facts = std::unexpected(read);
  if (read >= 0) facts = read_facts(message.get());
  if (!facts || !is_valid_user_name(user) || !policy::is_service_name(service)) {
    (void)sd_bus_reply_method_errorf(message.get(), bus_names::kErrorInvalidArgument,
                                     "The user, the service or the facts are malformed.");
    co_return;
  }
  const std::string user_name(user);
  const std::string service_name(service);
  const bool changes_password = goal == flows::Goal::change_password;
  Caller caller = co_await establish_caller(message, user_name, service_name, std::move(*facts),
                                            changes_password ? kNeededNameTime : kNameTime);
  // Nobody's password is changed but the caller's own, and root is nobody in the pool.
  if (changes_password && caller.refused == nullptr && caller.user_uid == static_cast<uid_t>(-1))
    caller.refused = bus_names::kErrorNotPermitted;
  if (caller.refused != nullptr) {
    (void)sd_bus_reply_method_errorf(message.get(), caller.refused,
                                     changes_password
                                         ? "This caller may not change that user's password."
                                         : "This caller may not sign that user in.");
    co_return;
  }
  if (!config_ || pool_ == nullptr) {
    (void)sd_bus_reply_method_errorf(message.get(), bus_names::kErrorUnconfigured,
                                     "cognitod has no valid configuration.");
    co_return;
  }
  flows::SignInRequest request(user_name, std::move(caller.service), caller.user_uid,
                               std::move(caller.origin));
  request.remote_host = std::move(caller.remote_host);
  request.goal = goal;
  request.program = service_name;
  reply_with_socket(message.get(), std::move(request));
}

void AuthService::reply_with_socket(sd_bus_message* message, flows::SignInRequest request) {
  std::optional<limits::SignInPlace> place = open_.take(request.user, request.origin);
  if (!place) {
    runtime::log(Level::warning,
                 "sign-in of " + request.user + " by " + request.service + " from " +
                     request.origin.key() + ": not opened (too-many-open)",
                 {{"USER", request.user},
                  {"SERVICE", request.service},
                  {"ORIGIN", request.origin.key()},
                  {"CAUSE", "too-many-open"}});
    (void)sd_bus_reply_method_errorf(message, bus_names::kErrorTooManySignIns,
                                     "Too many sign-ins are open.");
    return;
  }
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
    (void)sd_bus_reply_method_errno(message, errno, nullptr);
    return;
  }
  Fd ours(pair[0]);
  const Fd theirs(pair[1]);
  const std::uint64_t id = next_id_++;
  auto sign_in =
      std::make_unique<OpenSignIn>(loop_, services(), std::move(request), std::move(*place), facts_,
                                   std::move(ours), [this, id] {
                                     sign_ins_.erase(id);
                                     runtime::wipe_stack();
                                   });
  const auto deadline = static_cast<std::uint32_t>(sign_in->deadline_for_module().count());
  if (sd_bus_reply_method_return(message, "hu", theirs.get(), deadline) < 0) return;
  OpenSignIn& started = *sign_in;
  sign_ins_.emplace(id, std::move(sign_in));
  started.start();
}

Task<void> AuthService::check_account(MessageRef message) {
  const char* user = nullptr;
  const char* service = nullptr;
  const void* id = nullptr;
  std::size_t id_size = 0;
  int read = sd_bus_message_read(message.get(), "ss", &user, &service);
  if (read >= 0) read = sd_bus_message_read_array(message.get(), 'y', &id, &id_size);
  std::expected<Facts, int> facts = std::unexpected(read);
  if (read >= 0) facts = read_facts(message.get());
  if (!facts || !is_valid_user_name(user) || !policy::is_service_name(service) ||
      (id_size != 0 && id_size != kSignInIdSize)) {
    (void)sd_bus_reply_method_errorf(message.get(), bus_names::kErrorInvalidArgument,
                                     "The user, the service, the sign-in id or the facts are "
                                     "malformed.");
    co_return;
  }
  std::optional<SignInId> sign_in_id;
  if (id_size == kSignInIdSize) std::memcpy(sign_in_id.emplace().data(), id, kSignInIdSize);

  const std::string user_name(user);
  Caller caller =
      co_await establish_caller(message, user_name, service, std::move(*facts), kNameTime);
  if (caller.refused != nullptr) {
    (void)sd_bus_reply_method_errorf(message.get(), caller.refused,
                                     "This caller may not ask for that account.");
    co_return;
  }
  const flows::AccountDecision decision =
      flows::decide_account({user_name, caller.service, sign_in_id, caller.is_root}, config_.get(),
                            facts_, clock_.boot_time());
  runtime::log(decision.outcome == Outcome::success ? Level::info : Level::notice,
               "account of " + user_name + " for " + caller.service + ": " +
                   std::string(to_string(decision.outcome)) + " (" + std::string(decision.reason) +
                   ")",
               {{"USER", user_name},
                {"SERVICE", caller.service},
                {"OUTCOME", to_string(decision.outcome)},
                {"CAUSE", decision.reason}});
  (void)sd_bus_reply_method_return(message.get(), "y", static_cast<int>(decision.outcome));
}

flows::SignInServices AuthService::services() {
  flows::SignInServices services;
  services.config = config_;
  services.pool = pool_;
  services.clock = &clock_;
  services.failures = &failures_;
  services.messages = &messages_;
  services.reset_messages = &reset_messages_;
  services.reset_messages_by_origin = &reset_messages_by_origin_;
  services.password_turns = &password_turns_;
  services.refusal_time = &refusal_time_;
  services.revoke_later = [this, pool = pool_](std::string refresh_token) {
    revocations_.add(pool, std::move(refresh_token));
  };
  return services;
}

}  // namespace pamcognito::bus
