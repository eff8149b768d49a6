#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/cognito/error_table.h"
#include "daemon/cognito/user_pool.h"
#include "daemon/policy/config.h"
#include "daemon/sessions/session_keeper.h"

// Amplify Auth's functions for the second factors of a user, with the same meaning
// (https://docs.amplify.aws/react/build-a-backend/auth/concepts/multi-factor-authentication/).
// A change is a conversation that begins with a sign-in of its own: Goal::change_factors.
namespace pamcognito::sign_in {

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

using cognito::MfaErrorKind;

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

// The change of the account's factors, as SetUserMFAPreference is to be sent. Pure: the
// conversions of Amplify, with only what differs from `user`, and the refusals.
MfaResult<cognito::MfaPreference> mfa_preference_of(const MfaPreferenceUpdate& update,
                                                    const cognito::UserState& user,
                                                    const policy::MfaConfig& mfa);
bool prefers_two(const MfaPreferenceUpdate& update);
MfaPreferenceUpdate update_for(PreferredMfa preferred, const cognito::UserState& user);

// The change that a conversation of Goal::change_factors is for.
struct SetUpTotp {};
using FactorChange = std::variant<SetUpTotp, MfaPreferenceUpdate, PreferredMfa>;
// SetUserMFAPreference for the change; empty preference: the account is as wanted. Not for
// SetUpTotp.
MfaResult<cognito::MfaPreference> preference_for(const FactorChange& change,
                                                 const cognito::UserState& user,
                                                 const policy::MfaConfig& mfa);
bool is_empty(const cognito::MfaPreference& preference);
// Does the preference switch on a factor that the account does not have?
bool switches_on(const cognito::MfaPreference& preference, const cognito::UserState& user);
// `switched_on`: the call that failed was to switch a factor on.
MfaError mfa_error_of(const cognito::PoolError& error, bool switched_on);

// Reads the second factors of a user's own account, by the user's own sessions.
class MfaPreferences {
 public:
  static constexpr std::size_t kMaxCached = 10000;

  // Both outlive this.
  MfaPreferences(sessions::SessionKeeper& sessions, runtime::Clock& clock)
      : sessions_(sessions), clock_(clock) {}
  void configure(std::shared_ptr<const policy::Config> config,
                 std::shared_ptr<cognito::UserPool> pool);

  // Uses any live session. A state fetched within [session] revalidate is answered again unless
  // `bypass_cache`, and within two seconds also then.
  runtime::Task<MfaResult<MfaPreferenceState>> fetch(std::string user, bool bypass_cache,
                                                     cognito::Call call);
  void forget(std::string_view user);  // what is cached

 private:
  struct Cached {
    MfaPreferenceState state;
    runtime::BootTime fetched;
  };
  runtime::Task<MfaResult<cognito::UserState>> get_user(std::string user, cognito::Call call);

  sessions::SessionKeeper& sessions_;
  runtime::Clock& clock_;
  std::shared_ptr<const policy::Config> config_;
  std::shared_ptr<cognito::UserPool> pool_;
  std::map<std::string, Cached, std::less<>> cached_;
};

}  // namespace pamcognito::sign_in
