#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/cognito/user_pool.h"
#include "daemon/flows/session_keeper.h"
#include "daemon/policy/config.h"

// What Amplify Auth offers for a signed-in person's second factors, with the same meaning
// (https://docs.amplify.aws/react/build-a-backend/auth/concepts/multi-factor-authentication/).
// Setting up TOTP is a conversation: Goal::set_up_totp of a sign-in.
namespace pamcognito::flows {

// updateMFAPreference's values.
enum class MfaPreferenceValue : std::uint8_t { enabled, disabled, preferred, not_preferred };

struct MfaPreferenceUpdate {
  std::optional<MfaPreferenceValue> sms = {};
  std::optional<MfaPreferenceValue> totp = {};
  std::optional<MfaPreferenceValue> email = {};
};

// setPreferredMFA's: of Amplify v5, and EMAIL.
enum class PreferredMfa : std::uint8_t { totp, sms, email, none };

// fetchMFAPreference's answer: SMS, TOTP, EMAIL.
struct MfaPreferenceState {
  std::vector<std::string> enabled;
  std::string preferred;  // empty: none

  MfaPreferenceState() = default;
};

enum class MfaErrorKind : std::uint8_t {
  not_authorized,     // no session, or no full sign-in with a factor lately: sign in
  invalid_parameter,  // no such factor or value; two preferred
  refused,            // it would leave the person without a factor that policy accepts
  not_set_up,         // the factor cannot be switched on before it was set up
  resource_not_found,
  too_many_requests,
  unavailable,  // the pool cannot be reached
  failed,
};

struct MfaError {
  MfaErrorKind kind = MfaErrorKind::failed;
  std::string message;  // for the person: what to do
  std::string detail;   // for the log: the pool's own word; may be empty

  MfaError() = default;
  MfaError(MfaErrorKind kind_, std::string message_, std::string detail_ = {})
      : kind(kind_), message(std::move(message_)), detail(std::move(detail_)) {}
};

template <class T>
using MfaResult = std::expected<T, MfaError>;

// "PREFERRED" …; nullopt: another word.
std::optional<MfaPreferenceValue> mfa_preference_value(std::string_view word);
std::optional<PreferredMfa> preferred_mfa(std::string_view word);

// What of the account's factors would change, as SetUserMFAPreference is to be sent. Pure: the
// conversions of Amplify, with only what differs from `user`, and the refusals.
MfaResult<cognito::MfaPreference> mfa_preference_of(const MfaPreferenceUpdate& update,
                                                    const cognito::UserState& user,
                                                    const policy::MfaConfig& mfa);
MfaPreferenceUpdate update_for(PreferredMfa preferred, const cognito::UserState& user);

// May a person without any factor set up the first one outside a sign-in?
bool permits_first_factor(const policy::MfaConfig& mfa);

// The second factors of the caller's own account, by its own sessions.
class MfaPreferences {
 public:
  static constexpr std::chrono::minutes kRecent{5};
  static constexpr std::size_t kMaxCached = 10000;

  // Both outlive this.
  MfaPreferences(SessionKeeper& sessions, runtime::Clock& clock)
      : sessions_(sessions), clock_(clock) {}
  void configure(std::shared_ptr<const policy::Config> config,
                 std::shared_ptr<cognito::UserPool> pool);

  // By any live session. What was fetched within [session] revalidate is answered again unless
  // `bypass_cache`, and within two seconds also then.
  runtime::Task<MfaResult<MfaPreferenceState>> fetch(std::string user, bool bypass_cache,
                                                     cognito::Call call);
  // Both need a full sign-in with a factor within kRecent.
  runtime::Task<MfaResult<void>> update(std::string user, MfaPreferenceUpdate update,
                                        cognito::Call call);
  runtime::Task<MfaResult<void>> set_preferred(std::string user, PreferredMfa preferred,
                                               cognito::Call call);

  // A session by which the user may set up TOTP now: of a full sign-in within kRecent, one with a
  // factor first. Without a factor it is good for the account's first one only (the flow asks the
  // pool whether it is), and only where policy permits that.
  [[nodiscard]] std::optional<SignInId> recent_session(std::string_view user) const;
  static bool is_recent(const sessions::Session& session, runtime::BootTime now);
  void forget(std::string_view user);  // what is cached

 private:
  struct Cached {
    MfaPreferenceState state;
    runtime::BootTime fetched;
  };
  // What update() and set_preferred() are told.
  using Change = std::variant<MfaPreferenceUpdate, PreferredMfa>;
  runtime::Task<MfaResult<void>> change(std::string user, Change change, cognito::Call call);
  runtime::Task<MfaResult<cognito::UserState>> get_user(std::string user, cognito::Call call);
  [[nodiscard]] std::optional<SignInId> session_with_factor(std::string_view user) const;

  SessionKeeper& sessions_;
  runtime::Clock& clock_;
  std::shared_ptr<const policy::Config> config_;
  std::shared_ptr<cognito::UserPool> pool_;
  std::map<std::string, Cached, std::less<>> cached_;
};

}  // namespace pamcognito::flows
