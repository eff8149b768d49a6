#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/cognito/pool_config.h"

namespace pamcognito::policy {

// An array by name: g++ 12 takes the one behind an initialiser list for uninitialised.
inline constexpr std::array kDefaultMethods = {cognito::Method::totp, cognito::Method::email,
                                               cognito::Method::sms};
// The places at which a second factor may be set up in a sign-in. when_required: only if the pool
// demands it (MFA_SETUP); at_console: also without its demand, on a console or greeter of this
// machine; anywhere: also remotely.
enum class Enroll : std::uint8_t { never, when_required, at_console, anywhere };
// The claim that identifies a user who is not pinned yet. pinned: only root pins users, and an
// unpinned user is refused.
enum class Identity : std::uint8_t { username, email, pinned };
// How a user who has a session signs in again. password: that of the session, checked by cognitod.
enum class Reauth : std::uint8_t { full, password, none };
// The sessions that `reauth` goes by: those of the same login, or also those that began from the
// same remote address. origin: with Reauth::password only.
enum class ReauthFrom : std::uint8_t { login, origin };
// How a QR code is shown to a terminal: half blocks are UTF-8, ascii is twice as large.
enum class Qr : std::uint8_t { none, half_blocks, ascii };
// The answer in the account phase about a user who has never signed in on this machine.
enum class NeverSignedIn : std::uint8_t { deny, allow, allow_root };

// [client_metadata]: what goes as ClientMetadata with each call that takes it, for the pool's
// Lambda triggers. At most 16 pairs; a name has at most 64 bytes, a value 256.
struct ClientMetadataConfig {
  std::map<std::string, std::string> pairs;
  // send = host service remote-host: values of the sign-in, sent as pairs of these names.
  bool host = false;
  bool service = false;
  bool remote_host = false;
};

// [custom_challenge]: how a custom challenge is shown.
struct CustomChallengeConfig {
  std::vector<std::string> prompt{"prompt"};  // the parameters whose texts are shown, in order
  bool show_answer = false;                   // may the answer be seen while it is typed?
};

// [password]: a forgotten password.
struct PasswordConfig {
  bool self_service = false;                // an empty answer at the password prompt offers a reset
  std::vector<std::string> reset_services;  // PAM services that begin with the reset
};

// [texts]: what people read.
struct TextsConfig {
  std::string language = "en";        // en, or a language that a catalogue is installed for
  bool show_trigger_message = false;  // show the text by which a PreAuthentication trigger refuses
  std::string help;  // whom to ask, at the end of refusals; empty: the administrator
};

struct AccessConfig {
  std::vector<std::string> allow_groups;
  std::vector<std::string> allow_users;
  bool allow_all = false;               // allow_users = *
  std::string cognito_username = "%u";  // how a Linux name becomes a Cognito name
  Identity identity = Identity::username;
  // The pool's UsernameConfiguration: another comparison of names is unsafe.
  bool case_sensitive = true;
};

struct MfaConfig {
  bool require = true;
  std::vector<cognito::Method> methods{kDefaultMethods.begin(), kDefaultMethods.end()};
  bool ask_method = false;  // let the user choose among several
  Enroll enroll = Enroll::when_required;
  std::string app_label = "Cognito";  // what an authenticator app shows beside the account
};

// [session]: what a sign-in is good for afterwards. Ages are by CLOCK_BOOTTIME.
struct SessionConfig {
  std::chrono::seconds lifetime{12 * 3600};  // 0: no sessions, tokens are revoked after the sign-in
  std::chrono::seconds revalidate{300};      // how old the pool's last answer may be
  std::chrono::seconds unreachable_grace{0};  // beyond it, while the pool cannot be reached
  bool end_on_logout = false;                 // also with the user's last login
};

// [metrics]
struct MetricsConfig {
  std::string textfile;  // where counters are written for Prometheus' node exporter; empty: nowhere
};

struct LimitsConfig {
  unsigned failures = 4;                 // failed passwords and codes of a user at the pool
  unsigned failures_unknown_origin = 3;  // of these, from origins not known for the user
  std::chrono::seconds failure_window{900};
  unsigned messages = 5;             // SMS and e-mail codes caused per user
  unsigned messages_unanswered = 2;  // in a row
  std::chrono::seconds message_window{900};
  // Sign-ins a minute that may ask the pool for a name without an account.
  unsigned first_logins = 60;
  unsigned first_logins_per_source = 20;  // of these, from one network
};

// [keys]: logins that ask for no password.
struct KeysConfig {
  std::chrono::seconds last_sign_in_max_age{7 * 24 * 3600};
};

// [service X]. For a setting that is absent, the built-in row counts (service_profile.h).
struct ServiceConfig {
  std::vector<std::string> allow_groups;  // narrows [access]; empty: does not
  std::optional<NeverSignedIn> never_signed_in;
  std::optional<bool> single_prompt;
  std::optional<bool> show_code;
  std::optional<std::chrono::seconds> sign_in_timeout;
  std::optional<Qr> qr;
  std::optional<bool> local_seat;  // is its person at this machine?
  std::optional<Reauth> reauth;
  std::optional<ReauthFrom> reauth_from;
  std::optional<std::chrono::seconds> mfa_max_age;
};

// A setting that a file has.
struct GivenSetting {
  std::string value;
  std::string place;    // "/etc/pam-cognito/cognitod.conf:7"
  std::string written;  // "[mfa] issuer": the names in that file
};

struct Config {
  cognito::PoolConfig pool;
  AccessConfig access;
  ClientMetadataConfig client_metadata;
  MfaConfig mfa;
  CustomChallengeConfig custom_challenge;
  PasswordConfig password;
  TextsConfig texts;
  SessionConfig session;
  LimitsConfig limits;
  KeysConfig keys;
  MetricsConfig metrics;
  std::map<std::string, ServiceConfig, std::less<>> services;
  std::vector<std::string> warnings;  // for the check of a configuration, and the log
  // Old names that the files use, each with its place: accepted in this version only.
  std::vector<std::string> old_names;
  // The settings that the files have, by section ("service sshd") and key, under present names.
  std::map<std::pair<std::string, std::string>, GivenSetting> given;
};

inline constexpr char kConfigPath[] = "/etc/pam-cognito/cognitod.conf";

// The whole configuration, or the reason why it is not one: file, line, what is wrong, what to do.
using ConfigResult = std::expected<Config, std::string>;

// Reads `path` and then `path`.d/*.conf in the order of their names; a later value replaces an
// earlier one. Secrets come from the directory $CREDENTIALS_DIRECTORY, if the variable is set.
ConfigResult load_config(const std::string& path);

}  // namespace pamcognito::policy
