#include <cstdint>
#include <cstdlib>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tests/pool/crypto.h"
#include "tests/pool/devices.h"
#include "tests/pool/json_reader.h"
#include "tests/pool/operations.h"
#include "tests/pool/steps.h"

// InitiateAuth and the password part of RespondToAuthChallenge.
namespace pamcognito::pool {

namespace {

// Stands for a name that does not exist, always the same for the same name and pool.
std::string ghost_seed(const Pool& pool, const std::string& name) {
  return sha256("simulated user of " + pool.settings.id + ": " + name);
}

Refusal not_confirmed() {
  return refuse("UserNotConfirmedException", "User is not confirmed.");
}

bool is_unconfirmed(const User* user) {
  return user != nullptr && user->enabled && user->status == "UNCONFIRMED";
}

// A user who came by a CSV file has no password that could be looked at: InitiateAuth refuses.
// SRP ends with "Invalid input given" as clients have met it, or as AWS's guide says.
std::expected<void, ApiError> check_imported(const Pool& pool, const Client& client,
                                             const User* user, bool srp) {
  if (user == nullptr || !user->imported || !user->enabled) return {};
  if (srp && pool.settings.imported_users == "invalid_parameter") {
    return invalid_parameter("Invalid input given");
  }
  if (client.hides_users()) return wrong_password();
  return refuse("PasswordResetRequiredException", "Password reset required for the user");
}

Session srp_session(const std::string& user_id, const Client& client, int64_t now_ms) {
  Session session;
  session.username = user_id;
  session.client_id = client.id;
  session.challenge = "PASSWORD_VERIFIER";
  session.born_ms = now_ms;
  return session;
}

// The flow that SRP is part of.
enum class SrpIn : std::uint8_t { srp, custom, choice };

ApiResult start_srp_for(ApiCall& call, const Client& client, const Json::Value& parameters,
                        SrpIn flow) {
  Pool& pool = call.pool;
  const std::string name = string_at(parameters, "USERNAME");
  if (name.empty()) return missing_parameter("USERNAME");
  if (!parameters.isMember("SRP_A")) return missing_parameter("SRP_A");
  if (const auto hash = check_secret_hash(client, name, string_at(parameters, "SECRET_HASH"));
      !hash) {
    return std::unexpected(hash.error());
  }
  BigNumber client_public = parse_public_value(string_at(parameters, "SRP_A"));
  if (client_public == nullptr) return invalid_parameter("Invalid SRP_A parameter");

  User* user = pool.users.resolve(name, pool.settings);
  if (user == nullptr && !client.hides_users()) return user_not_found();
  if (user != nullptr && !user->enabled && !client.hides_users()) return user_disabled();
  if (const auto let_in = pre_authentication(call, user); !let_in) {
    return std::unexpected(let_in.error());
  }
  if (is_unconfirmed(user) && pool.settings.unconfirmed_told == "initiate") return not_confirmed();
  if (const auto fit = check_imported(pool, client, user, true); !fit) {
    return std::unexpected(fit.error());
  }

  const std::string ghost = ghost_seed(pool, name);
  const std::string user_id = user != nullptr ? user->username : uuid_from(ghost);
  SrpExchange exchange = user != nullptr ? SrpExchange(user->verifier(pool.settings.name()))
                                         : SrpExchange(fake_verifier(ghost));
  Json::Value challenge;
  challenge["SALT"] = exchange.salt_hex();
  challenge["SRP_B"] = exchange.public_hex();
  challenge["USER_ID_FOR_SRP"] = user_id;
  challenge["USERNAME"] = user_id;
  const std::optional<std::string> username =
      user != nullptr ? std::optional(user->username) : std::nullopt;
  const int64_t now = pool.clock.life_ms();
  // The triggers of CUSTOM_AUTH, and the choice of USER_AUTH, hang on a session from the first step
  // on.
  const bool with_session = pool.settings.srp_session || flow != SrpIn::srp;
  challenge["SECRET_BLOCK"] = pool.sessions.begin_srp(
      SrpAttempt{username, name, user_id, client.id, std::move(client_public), std::move(exchange),
                 now, flow == SrpIn::custom, with_session});
  Json::Value answer;
  answer["ChallengeName"] = "PASSWORD_VERIFIER";
  answer["ChallengeParameters"] = challenge;
  if (with_session) {
    answer["Session"] =
        pool.sessions.open(srp_session(user_id, client, now), pool.settings.session_characters);
  }
  return answer;
}

ApiResult start_srp(ApiCall& call, const Client& client, const Json::Value& parameters) {
  return start_srp_for(call, client, parameters, SrpIn::srp);
}

ApiResult start_custom_auth(ApiCall& call, const Client& client, const Json::Value& parameters) {
  const bool srp_first = string_at(parameters, "CHALLENGE_NAME") == "SRP_A";
  return srp_first ? start_srp_for(call, client, parameters, SrpIn::custom)
                   : start_custom(call, client, parameters);
}

ApiResult sign_in_by_password(ApiCall& call, const Client& client, const Json::Value& parameters) {
  Pool& pool = call.pool;
  const std::string name = string_at(parameters, "USERNAME");
  if (name.empty()) return missing_parameter("USERNAME");
  if (!parameters.isMember("PASSWORD")) return missing_parameter("PASSWORD");
  if (const auto hash = check_secret_hash(client, name, string_at(parameters, "SECRET_HASH"));
      !hash) {
    return std::unexpected(hash.error());
  }
  const int64_t now = pool.clock.life_ms();
  User* user = pool.users.resolve(name, pool.settings);
  if (user == nullptr && !client.hides_users()) return user_not_found();
  if (user != nullptr && !user->enabled && !client.hides_users()) return user_disabled();
  if (const auto let_in = pre_authentication(call, user); !let_in) {
    return std::unexpected(let_in.error());
  }
  if (user == nullptr) {
    Lockout& lock = pool.ghost_lock(name);
    if (pool.settings.lockout && !lock.attempt(now)) return attempts_exceeded();
    lock.failed(now);
    return wrong_password();
  }
  if (!may_try(call, *user)) return attempts_exceeded();
  if (is_unconfirmed(user) && pool.settings.unconfirmed_told != "password") return not_confirmed();
  if (const auto fit = check_imported(pool, client, user, false); !fit) {
    return std::unexpected(fit.error());
  }
  if (!equal_constant_time(string_at(parameters, "PASSWORD"), user->password)) {
    user->password_lock.failed(now);
    return wrong_password();
  }
  if (const auto known = check_device_at_sign_in(user, string_at(parameters, "DEVICE_KEY"));
      !known) {
    return std::unexpected(known.error());
  }
  return after_password(call, *user, client);
}

constexpr char kChoice[] = "SELECT_CHALLENGE";

// USER_AUTH: passwords are the only first factors here, by themselves or by SRP.
ApiResult begin_with(ApiCall& call, const Client& client, const Json::Value& values,
                     const std::string& choice) {
  if (choice == "PASSWORD_SRP") return start_srp_for(call, client, values, SrpIn::choice);
  return sign_in_by_password(call, client, values);
}

ApiResult start_choice(ApiCall& call, const Client& client, const Json::Value& parameters) {
  const std::string name = string_at(parameters, "USERNAME");
  if (name.empty()) return missing_parameter("USERNAME");
  if (const auto hash = check_secret_hash(client, name, string_at(parameters, "SECRET_HASH"));
      !hash) {
    return std::unexpected(hash.error());
  }
  const std::string preferred = string_at(parameters, "PREFERRED_CHALLENGE");
  if (preferred == "PASSWORD_SRP" || preferred == "PASSWORD") {
    return begin_with(call, client, parameters, preferred);
  }
  Session session = srp_session(name, client, call.pool.clock.life_ms());
  session.challenge = kChoice;
  Json::Value answer;
  answer["ChallengeName"] = kChoice;
  answer["AvailableChallenges"].append("PASSWORD_SRP");
  answer["AvailableChallenges"].append("PASSWORD");
  answer["ChallengeParameters"] = Json::objectValue;
  answer["Session"] =
      call.pool.sessions.open(std::move(session), call.pool.settings.session_characters);
  return answer;
}

ApiResult answer_choice(ApiCall& call, const Client& client, const Json::Value& responses) {
  const auto session = live_session(call, string_at(call.body, "Session"), &client);
  if (!session) return std::unexpected(session.error());
  if ((*session)->challenge != kChoice ||
      (*session)->username != string_at(responses, "USERNAME")) {
    return not_authorized("Invalid session for the user.");
  }
  const std::string choice = string_at(responses, "ANSWER");
  if (choice != "PASSWORD_SRP" && choice != "PASSWORD") {
    return invalid_parameter("Invalid answer to the SELECT_CHALLENGE challenge.");
  }
  (*session)->used = true;
  return begin_with(call, client, responses, choice);
}

ApiResult refresh(ApiCall& call, const Client& client, const Json::Value& parameters) {
  return refresh_by_initiate_auth(call, client, parameters);
}

// Whether the claim's time and proof are right.
bool claim_holds(const Pool& pool, const SrpAttempt& attempt, const Json::Value& responses) {
  const std::string timestamp = string_at(responses, "TIMESTAMP");
  const auto claimed_s = parse_timestamp(timestamp);
  const auto secret_block = base64_decode(string_at(responses, "PASSWORD_CLAIM_SECRET_BLOCK"));
  if (!claimed_s || !secret_block) return false;
  if (std::abs(*claimed_s - pool.clock.wall_s()) > pool.settings.timestamp_tolerance_s) {
    return false;
  }
  if (pool.clock.life_ms() - attempt.born_ms > pool.settings.srp_answer_s * 1000) return false;
  const std::string right =
      claim_signature(attempt.exchange.key(attempt.client_public.get()), pool.settings.name(),
                      attempt.user_id, *secret_block, timestamp);
  return equal_constant_time(string_at(responses, "PASSWORD_CLAIM_SIGNATURE"), right);
}

ApiResult answer_password_verifier(ApiCall& call, const Client& client,
                                   const Json::Value& responses) {
  Pool& pool = call.pool;
  for (const char* name :
       {"USERNAME", "PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"}) {
    if (!responses.isMember(name)) return missing_parameter(name);
  }
  const std::string name = string_at(responses, "USERNAME");
  if (const auto hash = check_secret_hash(client, name, string_at(responses, "SECRET_HASH"));
      !hash) {
    return std::unexpected(hash.error());
  }
  // Before the attempt is used up: clients send the same answer again without the key.
  if (const auto known = check_device_at_sign_in(pool.users.resolve(name, pool.settings),
                                                 string_at(responses, "DEVICE_KEY"));
      !known) {
    return std::unexpected(known.error());
  }
  const auto attempt = pool.sessions.take_srp(string_at(responses, "PASSWORD_CLAIM_SECRET_BLOCK"));
  if (!attempt || attempt->client_id != client.id ||
      (name != attempt->user_id && name != attempt->typed_name)) {
    return wrong_password();
  }
  if (attempt->with_session) {
    const auto session = live_session(call, string_at(call.body, "Session"), &client);
    if (!session) return std::unexpected(session.error());
    (*session)->used = true;
  }
  const int64_t now = pool.clock.life_ms();
  if (!attempt->username) {
    Lockout& lock = pool.ghost_lock(attempt->typed_name);
    if (pool.settings.lockout && !lock.attempt(now)) return attempts_exceeded();
    // Computed for nobody, so that a simulated user takes as long as a real one.
    (void)claim_holds(pool, *attempt, responses);
    lock.failed(now);
    return wrong_password();
  }
  User* user = pool.users.find(*attempt->username);
  if (user == nullptr) return wrong_password();
  if (!may_try(call, *user)) return attempts_exceeded();
  if (is_unconfirmed(user) && pool.settings.unconfirmed_told == "respond") return not_confirmed();
  if (!claim_holds(pool, *attempt, responses)) {
    user->password_lock.failed(now);
    return wrong_password();
  }
  return after_password(call, *user, client, attempt->custom);
}

using Step = ApiResult (*)(ApiCall& call, const Client& client, const Json::Value& values);

const std::map<std::string, Step> kFlows = {
    {"USER_SRP_AUTH", start_srp},       {"USER_PASSWORD_AUTH", sign_in_by_password},
    {"CUSTOM_AUTH", start_custom_auth}, {"USER_AUTH", start_choice},
    {"REFRESH_TOKEN_AUTH", refresh},    {"REFRESH_TOKEN", refresh}};
const std::set<std::string> kOtherFlows = {"ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"};

const std::map<std::string, Step> kChallenges = {{"PASSWORD_VERIFIER", answer_password_verifier},
                                                 {"SELECT_CHALLENGE", answer_choice},
                                                 {"SMS_MFA", answer_message_code},
                                                 {"EMAIL_OTP", answer_message_code},
                                                 {"SOFTWARE_TOKEN_MFA", answer_software_token},
                                                 {"SELECT_MFA_TYPE", answer_factor_choice},
                                                 {"NEW_PASSWORD_REQUIRED", answer_new_password},
                                                 {"MFA_SETUP", answer_mfa_setup},
                                                 {"CUSTOM_CHALLENGE", answer_custom_challenge}};
const std::set<std::string> kOtherChallenges = {
    "DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER", "SMS_OTP", "PASSWORD", "PASSWORD_SRP",
    "WEB_AUTHN",       "ADMIN_NO_SRP_AUTH"};

Refusal not_in_enum(const std::string& value, const std::string& member) {
  return constraint_violated("'" + value + "'", member, "Member must satisfy enum value set");
}

}  // namespace

ApiResult initiate_auth(ApiCall& call) {
  const std::string flow = string_at(call.body, "AuthFlow");
  if (flow.empty()) return null_member("authFlow");
  const auto known = kFlows.find(flow);
  if (known == kFlows.end() && !kOtherFlows.contains(flow)) return not_in_enum(flow, "authFlow");
  const auto client = required_client(call);
  if (!client) return std::unexpected(client.error());
  if (known == kFlows.end()) return invalid_parameter("Initiate Auth method not supported.");
  const std::string allowed_as = flow == "REFRESH_TOKEN" ? "REFRESH_TOKEN_AUTH" : flow;
  if (!(*client)->allows(allowed_as)) {
    return invalid_parameter(flow + " flow not enabled for this client");
  }
  const auto parameters = text_map(call.body, "AuthParameters");
  if (!parameters) return std::unexpected(parameters.error());
  if (const auto metadata = text_map(call.body, "ClientMetadata"); !metadata) {
    return std::unexpected(metadata.error());
  }
  return known->second(call, **client, *parameters);
}

ApiResult respond_to_auth_challenge(ApiCall& call) {
  const std::string challenge = string_at(call.body, "ChallengeName");
  if (challenge.empty()) return null_member("challengeName");
  const auto known = kChallenges.find(challenge);
  if (known == kChallenges.end() && !kOtherChallenges.contains(challenge)) {
    return not_in_enum(challenge, "challengeName");
  }
  const auto client = required_client(call);
  if (!client) return std::unexpected(client.error());
  if (known == kChallenges.end()) {
    return invalid_parameter("Challenge " + challenge + " cannot be answered in this pool.");
  }
  const auto responses = text_map(call.body, "ChallengeResponses");
  if (!responses) return std::unexpected(responses.error());
  return known->second(call, **client, *responses);
}

}  // namespace pamcognito::pool
