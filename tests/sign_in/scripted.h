#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/limits/first_logins.h"
#include "daemon/runtime/worker.h"
#include "daemon/sessions/known_users.h"
#include "daemon/sessions/password_check.h"
#include "daemon/sessions/revocations.h"
#include "daemon/sessions/session_keeper.h"
#include "daemon/sessions/session_store.h"
#include "daemon/sign_in/sign_in.h"

// A scripted person, a scripted pool and a clock that only moves when told: a whole sign-in runs in
// one call, without a socket.
namespace pamcognito::test {

// Its times are never compared with the kernel's. It starts a century after boot: a test that
// compares the two by mistake fails on every machine, and not only on one that was booted a short
// time ago. A test with a real loop below the flow takes LoopClock instead.
class ScriptedClock final : public runtime::Clock {
 public:
  [[nodiscard]] runtime::MonotonicTime now() const override { return now_; }
  [[nodiscard]] runtime::BootTime boot_time() const override {
    return runtime::BootTime(now_.time_since_epoch() + kAsleep);
  }
  [[nodiscard]] std::time_t wall_time() const override {
    return 1'800'000'000 + std::chrono::floor<std::chrono::seconds>(now_ - kStart).count();
  }
  runtime::Task<void> sleep_until(runtime::MonotonicTime when) override {
    slept += when - now_;
    now_ = when;
    co_return;
  }
  void advance(std::chrono::seconds by) { now_ += by; }

  std::chrono::nanoseconds slept{0};

 private:
  static constexpr runtime::MonotonicTime kStart{std::chrono::hours(100 * 365 * 24)};
  // The machine slept so long since its boot, so that the two clocks of the kernel differ as well.
  static constexpr std::chrono::hours kAsleep{50};
  runtime::MonotonicTime now_ = kStart;
};

// A scripted user: records what is shown, and takes the answers in order; without one the caller
// hangs up.
class ScriptedPerson final : public sign_in::Conversation {
 public:
  explicit ScriptedPerson(ScriptedClock& clock) : clock_(clock) {}

  runtime::Task<std::expected<Secret, sign_in::ConversationError>> ask(
      sign_in::Prompt prompt) override;
  [[nodiscard]] runtime::MonotonicTime ends_at() const override { return clock_.now() + time_left; }

  std::deque<std::string> answers;
  std::function<void()> before_answer;  // time passes, another user signs in …
  bool never_answers = false;           // suspends for ever
  bool is_stuck = false;                // it does so now
  std::vector<std::string> prompts;
  std::vector<std::string> notices;
  std::vector<Purpose> purposes;
  std::vector<bool> echoes;
  std::chrono::seconds time_left{300};

 private:
  ScriptedClock& clock_;
};

struct PoolCall {
  std::string operation;  // sign_in, respond SMS_MFA, verify, associate, get_user …
  std::string username;
  std::string password;  // the new one, where there are two
  cognito::StringMap values;
  cognito::CallContext context;
};

class ScriptedPool final : public cognito::UserPool {
 public:
  template <class T>
  using Result = cognito::PoolResult<T>;
  using Call = cognito::Call;

  explicit ScriptedPool(const runtime::Clock& clock) : clock_(clock) {}

  void prewarm() override { ++prewarmed; }
  runtime::Task<Result<cognito::AuthStep>> sign_in(std::string username, const Secret* password,
                                                   const cognito::CallContext* context,
                                                   Call call) override;
  runtime::Task<Result<cognito::AuthStep>> respond(cognito::Challenge challenge,
                                                   cognito::StringMap responses,
                                                   const cognito::CallContext* context,
                                                   Call call) override;
  runtime::Task<Result<cognito::VerifiedTokens>> verify(const cognito::Tokens* tokens,
                                                        Call call) override;
  runtime::Task<Result<void>> revoke(std::string refresh_token, Call call) override;
  runtime::Task<Result<cognito::Tokens>> refresh(cognito::RefreshProof proof, Call call) override;
  runtime::Task<Result<void>> confirm_device(std::string access_token, std::string device_key,
                                             std::string device_group_key, std::string device_name,
                                             Call call) override;
  runtime::Task<Result<void>> forget_device(std::string access_token, std::string device_key,
                                            Call call) override;
  runtime::Task<Result<cognito::SoftwareToken>> associate_software_token(cognito::SetUpProof proof,
                                                                         Call call) override;
  runtime::Task<Result<cognito::SoftwareTokenCheck>> verify_software_token(
      cognito::SetUpProof proof, std::string code, std::string device_name, Call call) override;
  runtime::Task<Result<cognito::UserState>> get_user(std::string access_token, Call call) override;
  runtime::Task<Result<void>> set_mfa_preference(std::string access_token,
                                                 cognito::MfaPreference preference,
                                                 Call call) override;
  runtime::Task<Result<cognito::CodeDelivery>> forgot_password(std::string username,
                                                               const cognito::CallContext* context,
                                                               Call call) override;
  runtime::Task<Result<void>> confirm_forgot_password(std::string username, std::string code,
                                                      const Secret* new_password,
                                                      const cognito::CallContext* context,
                                                      Call call) override;
  runtime::Task<Result<cognito::CodeDelivery>> resend_confirmation_code(
      std::string username, const cognito::CallContext* context, Call call) override;
  runtime::Task<Result<void>> confirm_sign_up(std::string username, std::string code,
                                              const cognito::CallContext* context,
                                              Call call) override;
  runtime::Task<Result<void>> change_password(std::string access_token, const Secret* previous,
                                              const Secret* proposed, Call call) override;

  // Replies to sign_in and respond, in order; beyond the last one: ErrorKind::internal.
  void reply_challenge(cognito::ChallengeName name, cognito::StringMap parameters = {});
  void reply_tokens();
  std::string id_token;  // in place of the usual one
  void reply_error(cognito::ErrorKind kind, std::string message = {}, bool password_sent = true);

  // Errors of the other operations, by the names in PoolCall::operation, in order; without one the
  // call succeeds.
  void fail(const std::string& operation, cognito::ErrorKind kind, std::string message = {});

  // Walks over a whole flow: what the call of that number, from 0, answers instead of its script.
  std::optional<std::size_t> fault_at;
  cognito::PoolError fault;
  std::optional<std::size_t> tokens_at;  // sign_in and respond only

  std::deque<Result<cognito::AuthStep>> replies;
  Result<cognito::VerifiedTokens> verified;
  cognito::UserState user;    // of get_user
  int wrong_setup_codes = 0;  // so many checks answer 200 with Status ERROR first
  std::string rotated_token;  // what a refresh hands out as the new refresh token; empty: none
  // If set: refresh, confirm_device, forget_device and revoke answer after the task that
  // before_answer returns; the other functions answer instead of the script.
  std::function<runtime::Task<void>(std::string operation)> before_answer;
  std::function<Result<cognito::Tokens>(const cognito::RefreshProof&)> on_refresh;
  std::function<Result<cognito::VerifiedTokens>(const cognito::Tokens&)> on_verify;
  std::string delivery = "a***@e***";
  std::vector<PoolCall> calls;
  int prewarmed = 0;
  std::size_t issued = 0;  // how often tokens were handed out

 private:
  [[nodiscard]] bool is_now(const std::optional<std::size_t>& call) const {
    return call && *call + 1 == calls.size();
  }
  Result<cognito::AuthStep> next(const Call& call);
  // The error that the script has for the operation now.
  std::optional<cognito::PoolError> failure(const std::string& operation, Call call);

  const runtime::Clock& clock_;
  std::map<std::string, std::deque<cognito::PoolError>> failures_;
  int sessions_ = 0;
};

// One world for a sign-in of alice by sshd from 192.0.2.7: change what the test is about, then
// run().
class World {
 public:
  World();
  // The configuration, and whom the pool's tokens are for; for a test that has a pool without a
  // world.
  static void allow_alice(policy::Config& config, ScriptedPool& pool);
  sign_in::SignInResult run();
  // The calls' operations, joined by ", ".
  [[nodiscard]] std::string operations() const;
  // How often the operation was called, and its first call, which there must be.
  [[nodiscard]] std::size_t calls_of(std::string_view operation) const;
  [[nodiscard]] const PoolCall& call(std::string_view operation) const;
  // A new sign-in in the same world: budgets and clock stay.
  void next_sign_in();

  ScriptedClock clock;
  ScriptedPool pool{clock};
  std::unique_ptr<ScriptedPerson> person = std::make_unique<ScriptedPerson>(clock);
  std::shared_ptr<policy::Config> config = std::make_shared<policy::Config>();
  limits::FailureBudgets failures{policy::LimitsConfig{}};
  limits::MessageBudgets messages{policy::LimitsConfig{}};
  limits::MessageBudgets reset_messages{policy::LimitsConfig{}};
  limits::MessageBudgets reset_messages_by_origin{policy::LimitsConfig{}};
  limits::FirstLogins first_logins{policy::LimitsConfig{}};
  limits::UserQueue turns;
  std::chrono::milliseconds refusal_time{250};
  std::vector<std::string> revoked;
  std::vector<std::string> factors_changed;  // of which users
  std::string user = "alice";
  std::string service = "sshd";
  std::string program;  // empty: as the service
  limits::Origin origin = limits::Origin::of_host("192.0.2.7");
  std::string remote_host = "192.0.2.7";  // of a remote origin
  sign_in::Goal goal = sign_in::Goal::sign_in;

  // For request().
  bool caller_is_root = true;
  sessions::Binding binding{kAliceUid, 7};
  sign_in::CallerPlace place;
  std::optional<sign_in::FactorChange> change;
  // The user has no local account: sign-ins are stored with this result. nullopt: nothing stores
  // them.
  bool has_stored_account = false;
  bool is_first_login = false;
  AccountAttributes attributes;
  bool is_test = false;
  std::optional<std::expected<void, sign_in::StoreFailure>> store_result =
      std::expected<void, sign_in::StoreFailure>();
  std::vector<std::string> stored;    // "user sub group,group"
  std::vector<std::string> disabled;  // users whom the pool has disabled
  std::string device_name;
  bool plain_uri = false;

  runtime::Task<std::expected<void, sign_in::StoreFailure>> take_account(
      std::string of, std::string sub, std::vector<std::string> groups,
      sign_in::AccountClaims claims);
  sign_in::SignInServices services();
  sign_in::SignInRequest request();

  // Runs a task that may wait for the worker, a check of a password or a refresh; nullopt: the
  // person never answers.
  template <class T>
  std::optional<T> drive(runtime::Task<T> task) {
    std::optional<T> result;
    drive_root(into(std::move(task), &result));
    return result;
  }
  // Pins the user, as root does.
  void pin(const std::string& sub);
  // As a sign-in with TOTP just now would have left it, in this login, and alice pinned to it.
  [[nodiscard]] sessions::Session new_session();
  void put(const sessions::Session& session);
  // Made once for each password: scrypt takes its time.
  sessions::PasswordVerifier verifier_of(const std::string& password);
  [[nodiscard]] sessions::Session session_of(const SignInId& id) const;

  static constexpr std::uint32_t kAliceUid = 1001;

  // The state that outlives a sign-in, as in the daemon; the identities are in a directory of their
  // own.
  class Directory {
   public:
    Directory();
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory();
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] const std::string& path() const { return path_; }

   private:
    std::string path_;
  };
  // On the heap: an assertion that fails leaves without destructors, and the threads run on.
  struct Machine {
    explicit Machine(runtime::Clock& clock);

    Directory directory;
    runtime::EventLoop loop;
    runtime::Worker worker{loop, 64};
    sessions::KnownUsers known{loop, worker, directory.file("known-users.db")};
    std::unique_ptr<sessions::SessionStore> store;
    sessions::PasswordChecker passwords{loop};
    sessions::Revocations revocations;
    std::unique_ptr<sessions::SessionKeeper> keeper;
  };
  std::unique_ptr<Machine> machine = std::make_unique<Machine>(clock);
  const Directory& directory = machine->directory;
  runtime::EventLoop& loop = machine->loop;
  runtime::Worker& worker = machine->worker;
  sessions::KnownUsers& known = machine->known;
  sessions::SessionStore* const store = machine->store.get();
  sessions::PasswordChecker& passwords = machine->passwords;
  sessions::SessionKeeper* const keeper = machine->keeper.get();

 private:
  template <class T>
  static runtime::Task<void> into(runtime::Task<T> task, std::optional<T>* result) {
    *result = co_await std::move(task);
  }
  void drive_root(runtime::Task<void> task);
  std::uint8_t sessions_made_ = 0;
};

// The text of NotAuthorizedException if a challenge's session has expired.
inline constexpr char kChallengeSessionExpired[] =
    "Invalid session for the user, session is expired.";

// The pool asks for a TOTP code, and then hands out tokens.
void then_totp(World& world);
// The sign-in of alice ends so, is refused, and all tokens are revoked.
void expect_closed(World& world, Outcome outcome, std::string_view cause);

// Runs a task that never waits for anything outside; nullopt: it does wait.
template <class T>
std::optional<T> run_now(runtime::Task<T>& task) {
  task.handle().resume();
  if (!task.handle().done()) return std::nullopt;
  return task.handle().promise().take();
}

}  // namespace pamcognito::test
