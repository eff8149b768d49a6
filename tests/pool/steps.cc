#include "tests/pool/steps.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "tests/pool/crypto.h"
#include "tests/pool/json_reader.h"

namespace pamcognito::pool {

namespace {

std::string masked_phone(const std::string& number) {
  if (number.size() <= 5) return number;
  return number.substr(0, 1) + std::string(number.size() - 5, '*') +
         number.substr(number.size() - 4);
}

std::string masked_email(const std::string& address) {
  const size_t at = address.find('@');
  if (at == std::string::npos || at == 0 || at + 1 == address.size()) return "***";
  return address.substr(0, 1) + "***@" + address.substr(at + 1, 1) + "***";
}

std::string medium_of(const std::string& attribute) {
  return attribute == "phone_number" ? "SMS" : "EMAIL";
}

Json::Value details(const std::string& medium, const std::string& destination,
                    const std::string& attribute) {
  Json::Value answer;
  answer["CodeDeliveryDetails"]["DeliveryMedium"] = medium;
  answer["CodeDeliveryDetails"]["Destination"] = masked(medium, destination);
  answer["CodeDeliveryDetails"]["AttributeName"] = attribute;
  return answer;
}

}  // namespace

std::expected<void, ApiError> check_status(const User& user) {
  if (!user.enabled) return user_disabled();
  if (user.status == "UNCONFIRMED") {
    return refuse("UserNotConfirmedException", "User is not confirmed.");
  }
  if (user.status == "RESET_REQUIRED") {
    return refuse("PasswordResetRequiredException", "Password reset required for the user");
  }
  return {};
}

std::expected<NamedUser, ApiError> named_user(ApiCall& call) {
  const auto client = required_client(call);
  if (!client) return std::unexpected(client.error());
  const std::string name = string_at(call.body, "Username");
  if (name.empty()) return null_member("username");
  if (const auto hash = check_secret_hash(**client, name, string_at(call.body, "SecretHash"));
      !hash) {
    return std::unexpected(hash.error());
  }
  User* user = call.pool.users.resolve(name, call.pool.settings);
  if (user == nullptr && !(*client)->hides_users()) return no_such_username();
  return NamedUser{**client, name, user};
}

std::expected<Session*, ApiError> live_session(ApiCall& call, const std::string& handle,
                                               const Client* client) {
  Pool& pool = call.pool;
  if (handle.empty()) return missing_parameter("Session");
  Session* session = pool.sessions.find(handle);
  if (session == nullptr || (client != nullptr && session->client_id != client->id)) {
    return not_authorized("Invalid session for the user.");
  }
  if (session->used) {
    return not_authorized("Invalid session for the user, session can only be used once.");
  }
  const Client* owner = pool.find_client(session->client_id);
  if (owner == nullptr) return not_authorized("Invalid session for the user.");
  if (pool.clock.life_ms() - session->born_ms > owner->auth_session_validity_s * 1000) {
    return not_authorized("Invalid session for the user, session is expired.");
  }
  return session;
}

std::expected<OpenStep, ApiError> open_step(ApiCall& call, const Client& client,
                                            const Json::Value& responses) {
  Pool& pool = call.pool;
  const std::string handle = string_at(call.body, "Session");
  if (handle.empty()) return missing_parameter("Session");
  const std::string name = string_at(responses, "USERNAME");
  if (name.empty()) return missing_parameter("USERNAME");
  if (const auto hash = check_secret_hash(client, name, string_at(responses, "SECRET_HASH"));
      !hash) {
    return std::unexpected(hash.error());
  }
  const auto session = live_session(call, handle, &client);
  if (!session) return std::unexpected(session.error());
  User* user = pool.users.find((*session)->username);
  if (user == nullptr) return user_not_found();
  if (user != pool.users.resolve(name, pool.settings) && name != user->username) {
    return not_authorized("Invalid session for the user.");
  }
  if (!user->enabled) return user_disabled();
  if ((*session)->challenge != string_at(call.body, "ChallengeName")) return code_mismatch();
  return OpenStep{**session, *user};
}

Json::Value challenge_answer(ApiCall& call, const User& user, const Client& client,
                             const std::string& challenge, Json::Value parameters,
                             Session session) {
  session.username = user.username;
  session.client_id = client.id;
  session.challenge = challenge;
  session.born_ms = call.pool.clock.life_ms();
  // A custom challenge carries what its trigger made public, and the name.
  parameters[challenge == "CUSTOM_CHALLENGE" ? "USERNAME" : "USER_ID_FOR_SRP"] = user.username;
  Json::Value answer;
  answer["ChallengeName"] = challenge;
  answer["ChallengeParameters"] = std::move(parameters);
  answer["Session"] =
      call.pool.sessions.open(std::move(session), call.pool.settings.session_characters);
  return answer;
}

std::string masked(const std::string& medium, const std::string& destination) {
  return medium == "SMS" ? masked_phone(destination) : masked_email(destination);
}

void deliver_code(Pool& pool, const User& user, const std::string& medium,
                  const std::string& destination, const std::string& code,
                  const std::string& text_before) {
  Inbox::Message message;
  message.username = user.username;
  message.medium = medium;
  message.destination = destination;
  message.code = code;
  message.text = text_before + " " + code + ".";
  message.unix_s = pool.clock.wall_s();
  pool.inbox.deliver(std::move(message));
  pool.notify_changed();
}

SentCode send_confirmation_code(Pool& pool, const User& user, const std::string& attribute,
                                const std::string& text_before) {
  SentCode sent;
  sent.code = random_digits(static_cast<size_t>(pool.settings.confirmation_code_digits));
  sent.attribute = attribute;
  sent.born_ms = pool.clock.life_ms();
  deliver_code(pool, user, medium_of(attribute), user.attribute(attribute), sent.code, text_before);
  return sent;
}

Json::Value delivery_details(const User& user, const std::string& attribute) {
  return details(medium_of(attribute), user.attribute(attribute), attribute);
}

Json::Value simulated_delivery_details(const std::string& name) {
  // The same letters for the same name each time.
  const std::string letters = hex_encode(sha256("simulated address of " + name));
  return details("EMAIL", letters.substr(0, 1) + "@" + letters.substr(1, 1), "email");
}

std::expected<void, ApiError> check_code(const std::optional<SentCode>& sent,
                                         const std::string& code, int64_t life_s, int64_t now_ms) {
  if (!sent || now_ms - sent->born_ms > life_s * 1000) return stale_verification_code();
  // Nothing equals the code of a simulated user, which is empty.
  if (sent->code.empty() || !equal_constant_time(code, sent->code)) {
    return wrong_verification_code();
  }
  return {};
}

std::expected<void, ApiError> check_counted_code(std::optional<SentCode>& sent,
                                                 const std::string& code, int64_t life_s,
                                                 int64_t now_ms, int64_t most) {
  if (sent && most > 0 && sent->wrong_answers >= most) return too_many_wrong_codes();
  auto right = check_code(sent, code, life_s, now_ms);
  if (!right && sent && right.error().name == "CodeMismatchException") ++sent->wrong_answers;
  return right;
}

}  // namespace pamcognito::pool
