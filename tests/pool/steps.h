#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>

#include "tests/pool/api_errors.h"
#include "tests/pool/operations.h"

// Functions that the steps of a sign-in share: sessions, the next challenge, messages with codes.
namespace pamcognito::pool {

struct OpenStep {
  Session& session;
  User& user;
};

// The user of a request without session or token.
struct NamedUser {
  const Client& client;
  std::string typed;
  // Null for a name that does not exist, when the client hides that.
  User* user;

  // The name under which limits are counted: all aliases of a user count together.
  [[nodiscard]] const std::string& counted_name() const {
    return user != nullptr ? user->username : typed;
  }
};

// By the members ClientId, Username and SecretHash.
[[nodiscard]] std::expected<NamedUser, ApiError> named_user(ApiCall& call);

// The session with this handle, if it can still be used, by the service's order of complaints.
// `client` is null where the operation names none.
[[nodiscard]] std::expected<Session*, ApiError> live_session(ApiCall& call,
                                                             const std::string& handle,
                                                             const Client* client);
// The session and user that an answer to a challenge belongs to.
[[nodiscard]] std::expected<OpenStep, ApiError> open_step(ApiCall& call, const Client& client,
                                                          const Json::Value& responses);
// Asks `challenge` of the user, with a new session.
[[nodiscard]] Json::Value challenge_answer(ApiCall& call, const User& user, const Client& client,
                                           const std::string& challenge, Json::Value parameters,
                                           Session session);
// The step after everything that comes before second factors: one of these, MFA_SETUP or tokens.
[[nodiscard]] ApiResult ask_second_factor(ApiCall& call, User& user, const Client& client);
// EMAIL_OTP to an address that becomes the user's factor with the right code.
[[nodiscard]] ApiResult prove_new_email(ApiCall& call, const User& user, const Client& client,
                                        const std::string& address);
// The first round of the user's script; `session` carries nothing yet.
[[nodiscard]] ApiResult begin_custom_rounds(ApiCall& call, const User& user, const Client& client);

// Refuses a user who may not sign in, or not yet: disabled, unconfirmed, or to be reset.
[[nodiscard]] std::expected<void, ApiError> check_status(const User& user);
// The user whose access token a request carries, and the client that it was made for.
struct SignedIn {
  User& user;
  const Client& client;
};
[[nodiscard]] std::expected<SignedIn, ApiError> signed_in(ApiCall& call);
// Its user only.
[[nodiscard]] std::expected<User*, ApiError> signed_in_user(ApiCall& call);

// `+15550004567` becomes `+*******4567`; `bob@example.com` becomes `b***@e***`.
[[nodiscard]] std::string masked(const std::string& medium, const std::string& destination);
// Puts a message "{text_before} {code}." into the inbox.
void deliver_code(Pool& pool, const User& user, const std::string& medium,
                  const std::string& destination, const std::string& code,
                  const std::string& text_before);
// Sends a new code to the user's `attribute` (email or phone_number).
[[nodiscard]] SentCode send_confirmation_code(Pool& pool, const User& user,
                                              const std::string& attribute,
                                              const std::string& text_before);
// CodeDeliveryDetails, for a real user and for one that does not exist.
[[nodiscard]] Json::Value delivery_details(const User& user, const std::string& attribute);
[[nodiscard]] Json::Value simulated_delivery_details(const std::string& name);
// Whether `code` is the one that was sent, and not older than `life_s`.
[[nodiscard]] std::expected<void, ApiError> check_code(const std::optional<SentCode>& sent,
                                                       const std::string& code, int64_t life_s,
                                                       int64_t now_ms);
// As check_code, and after `most` wrong answers (0: no limit) the code is good for nothing.
[[nodiscard]] std::expected<void, ApiError> check_counted_code(std::optional<SentCode>& sent,
                                                               const std::string& code,
                                                               int64_t life_s, int64_t now_ms,
                                                               int64_t most);

// Whether users of this client may write the attribute themselves.
[[nodiscard]] bool may_write(const Client& client, const std::string& attribute);
// UserAttributes, a list of {Name, Value}, as a map.
[[nodiscard]] std::expected<std::map<std::string, std::string>, ApiError> attribute_list(
    const Json::Value& body);
// Another user who has proved the same address, if it is an alias; or null.
[[nodiscard]] User* other_owner(Pool& pool, const User& user, const std::string& attribute);

// The pool's rules for a password that a user chooses, and the passwords they had before.
[[nodiscard]] std::expected<void, ApiError> check_new_password(const PoolSettings& settings,
                                                               const User& user,
                                                               const std::string& password);

}  // namespace pamcognito::pool
