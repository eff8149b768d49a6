#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/secret.h"
#include "daemon/cognito/error_table.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/policy/config.h"
#include "daemon/policy/reauth.h"
#include "daemon/runtime/address_kind.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/shared_answer.h"
#include "daemon/sessions/address_users.h"
#include "daemon/sessions/known_users.h"
#include "daemon/sessions/password_check.h"
#include "daemon/sessions/revocations.h"
#include "daemon/sessions/session_store.h"

namespace pamcognito::sessions {

// A sign-in that was committed, on its way to become a session.
struct NewSession {
  SignInId id{};
  std::string user;
  std::string service;
  std::string origin;   // limits::Origin::key()
  std::string address;  // SignInRequest::remote_address()
  std::optional<cognito::Method> factor;
  Binding binding;         // unset: a login whose session opens later, or nothing to bind to
  std::uint64_t pool = 0;  // pool_fingerprint() of where the tokens are from; 0: of the present one
  cognito::VerifiedTokens verified;
  Secret password;  // for the verifier; empty: none is made

  NewSession() = default;
};

// The life of sessions: from a committed sign-in to their end. It is told in four chapters:
//
// - session_keeper.cc keeps a sign-in as a session, and joins it to a login.
// - session_keeper_background.cc makes password verifiers, checks passwords and confirms devices.
// - session_keeper_refresh.cc asks the pool whether the account is still good, once for all callers
//   that wait.
// - session_keeper_end.cc ends sessions, each with a stable reason, and revokes their tokens.
//
// It makes no decision about permissions; policy, decisions.h and sign_in/ do. Not thread-safe:
// it belongs to the loop's thread.
class SessionKeeper {
 public:
  // A login that opens later than this does not join its sign-in.
  static constexpr std::chrono::minutes kTimeToOpenLogin{10};

  // All outlive this.
  SessionKeeper(runtime::EventLoop& loop, runtime::Clock& clock, SessionStore& store,
                KnownUsers& known, PasswordChecker& passwords, Revocations& revocations);
  SessionKeeper(const SessionKeeper&) = delete;
  SessionKeeper& operator=(const SessionKeeper&) = delete;
  ~SessionKeeper();

  // At the start and after a reload. Sessions of another user pool end. Null: unconfigured; they
  // stay, and are good for nothing until a configuration comes.
  void configure(std::shared_ptr<const policy::Config> config,
                 std::shared_ptr<cognito::UserPool> pool);

  // Takes the tokens over. Replaces the user's session of the same login, and takes over whether
  // that login is open. If there are too many sessions, the oldest goes; of a user's, those first
  // that no login has open. A session that does not fit is not kept, and its tokens are revoked.
  // Password verifier and device follow in the background.
  void keep(NewSession session, PendingTokens tokens);
  // The number of users whose latest sign-in is not a session, because the store did not take it.
  [[nodiscard]] std::size_t users_not_kept() const noexcept { return users_not_kept_.size(); }
  // True if the user is one of them.
  [[nodiscard]] bool was_not_kept(std::string_view user) const;

  // The user's sessions that may count: younger than their lifetime, of the configured pool and the
  // pinned account, which is not disabled. Newest sign-in first.
  [[nodiscard]] std::vector<Session> sessions_of(std::string_view user) const;
  [[nodiscard]] std::vector<Session> all() const;
  [[nodiscard]] std::optional<Session> find(const SignInId& id) const;

  // Asks the pool whether the account is still good, by a refresh. A session has one refresh at a
  // time, and later callers wait for its answer. Verifies the new tokens, the same `sub`; stores a
  // rotated token and the groups. Ends the session if the pool refuses it. After call.deadline:
  // unreachable; the refresh goes on, because its answer may carry the only refresh token that
  // still counts.
  runtime::Task<cognito::AccountVerdict> revalidate(SignInId id, cognito::Call call);
  // An access token of the session, fresh from a refresh. The error: why there is none.
  runtime::Task<std::expected<std::string, cognito::AccountVerdict>> access_token(
      SignInId id, cognito::Call call);

  // Checks the password against that of the session. A wrong one counts; the fifth in a row erases
  // the verifier. nullopt: cannot be checked (there is no verifier any more, or too many checks
  // wait).
  runtime::Task<std::optional<bool>> check_password(SignInId id, const Secret* password);
  // Whether check_password() can check it. Also while the verifier is being made, which it waits
  // for.
  [[nodiscard]] bool can_check_password(const Session& session) const;
  // After a change or reset of the password made here: what was known of the old one is forgotten.
  void forget_passwords(std::string_view user);

  // The facts that policy asks for about a login of the same user from `address` to `service`, by a
  // session that may have begun from there. `within`: mfa_max_age of the service.
  [[nodiscard]] policy::OriginQuestion origin_question(const Session& session,
                                                       std::string_view address,
                                                       std::string_view service,
                                                       std::chrono::seconds within) const;
  // Tells the kinds of addresses; by default the kernel.
  void use_kinds_of_addresses(std::function<runtime::AddressKind(const std::string&)> kind_of) {
    kind_of_address_ = std::move(kind_of);
  }

  // Called with the name of a user whose session the pool ends because the account is disabled or
  // deleted.
  void on_disabled(std::function<void(const std::string& user)> call) {
    on_disabled_ = std::move(call);
  }

  // open_session of a login: joins the sign-in to the login, once, within kTimeToOpenLogin. False:
  // there is no such session, it is another user's, it was joined before, or it came from a process
  // of the user's own, whose factor root's programs do not take.
  bool open_login(const SignInId& id, std::string_view user, const Binding& binding);
  // close_session of a login; nothing, if no session has it open. With end_on_logout = yes the
  // last one ends the user's sessions.
  void close_login(std::string_view user, const Binding& binding);

  // Each wipes the session at once, forgets its device and revokes its tokens in the background.
  // `reason`: a stable word for the log. How many ended.
  std::size_t end(const SignInId& id, std::string_view reason);
  std::size_t end_all(std::string_view user, std::string_view reason);

 private:
  // A refresh's end. The access token only with cognito::AccountVerdict::good.
  struct Refreshed {
    cognito::AccountVerdict verdict;
    std::string access_token;

    explicit Refreshed(cognito::AccountVerdict verdict_) : verdict(verdict_) {}
  };
  struct RefreshInFlight {
    runtime::SharedAnswer<Refreshed> answer;
    cognito::CallTrace trace;
  };
  // A device that is being confirmed. Meanwhile it is unknown whether a refresh needs its key, so
  // refreshes and the session's revocation wait.
  struct Confirmation {
    std::shared_ptr<cognito::UserPool> pool;
    runtime::SharedAnswer<bool> answer;              // true: it has ended, well or not
    std::optional<cognito::RefreshProof> to_revoke;  // the session has ended
  };

  [[nodiscard]] bool counts(const Session& session) const;
  [[nodiscard]] bool is_of_the_user(const Session& session) const;
  [[nodiscard]] bool is_expired(const Session& session) const;

  // Remembers who signs in from where, and whether the session may count for logins from there.
  void note_address(Session& session);
  void note_addresses_of_sessions();

  // keep()
  [[nodiscard]] std::optional<Session> replaced_by(const Session& session) const;
  bool put_with_room(const Session& session, const std::optional<SignInId>& replaced);
  void make_room_of_user(std::string_view user, const std::optional<SignInId>& replaced);

  // Runs a task in the background. `if_thrown` cleans up after an exception that left the task.
  void in_background(runtime::Task<void> task, std::function<void()> if_thrown);
  runtime::Task<void> make_verifier(SignInId id, Secret password);
  runtime::Task<void> confirm_device(SignInId id, std::string user, cognito::Tokens tokens);
  void verifier_settled(const SignInId& id);
  void device_settled(const SignInId& id, std::string device_key);

  // revalidate()
  runtime::Task<Refreshed> refreshed(SignInId id, cognito::Call call);
  runtime::Task<void> run_refresh(SignInId id, std::shared_ptr<RefreshInFlight> in_flight);
  runtime::Task<Refreshed> refresh(SignInId id, RefreshInFlight* in_flight);
  void complete_refresh(const SignInId& id, Refreshed refreshed);
  cognito::AccountVerdict refused(const SignInId& id, const cognito::PoolError& error);
  void log_unanswered(const SignInId& id, const cognito::PoolError& error) const;
  bool store_rotated(const SignInId& id, const std::string& refresh_token);
  cognito::AccountVerdict accept(const SignInId& id, const cognito::VerifiedTokens& verified,
                                 runtime::BootTime asked);

  // The end of sessions
  enum class Revoke : std::uint8_t {
    device_and_tokens,
    tokens,  // the pool has refused the refresh, without which the device cannot be forgotten
  };
  std::size_t end(const SignInId& id, std::string_view reason, Revoke what);
  std::size_t end_all(std::string_view user, std::string_view reason, Revoke what);
  void revoke(const Session& session, Revoke what);
  void end_expired();
  void arm_expiry();

  runtime::EventLoop& loop_;
  runtime::Clock& clock_;
  SessionStore& store_;
  KnownUsers& known_;
  PasswordChecker& passwords_;
  Revocations& revocations_;
  std::shared_ptr<const policy::Config> config_;
  std::shared_ptr<cognito::UserPool> pool_;
  std::uint64_t fingerprint_ = 0;  // of pool_
  std::map<SignInId, std::shared_ptr<RefreshInFlight>> refreshes_in_flight_;
  std::map<SignInId, std::shared_ptr<Confirmation>> confirmations_;
  std::map<SignInId, std::shared_ptr<runtime::SharedAnswer<bool>>> pending_verifiers_;
  // Bounded because one entry per user is added without one being removed. Users beyond the bound
  // are not told.
  static constexpr std::size_t kMaxUsersNotKept = 1000;
  std::set<std::string, std::less<>> users_not_kept_;
  AddressUsers address_users_;  // empty unless a service has reauth_from = origin
  std::function<runtime::AddressKind(const std::string&)> kind_of_address_;
  std::function<void(const std::string&)> on_disabled_;
  std::optional<runtime::Timer> expiry_;  // one, at the next session's end
  std::uint64_t next_background_ = 1;
  // Last, so that what runs in the background is cancelled before what it uses goes.
  std::map<std::uint64_t, runtime::EventLoop::Spawned> background_;
};

}  // namespace pamcognito::sessions
