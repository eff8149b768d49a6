#pragma once

#include <expected>
#include <memory>
#include <string>

#include "tests/pool/api.h"

// The operations and what they share. Each function is one API operation or one rule of the
// service.
namespace pamcognito::pool {

// sign_in.cc
[[nodiscard]] ApiResult initiate_auth(ApiCall& call);
[[nodiscard]] ApiResult respond_to_auth_challenge(ApiCall& call);

// challenges.cc
// After the first factor: the user's state, then the next challenge or tokens.
// `custom`: the rounds of CUSTOM_AUTH come instead of second factors.
[[nodiscard]] ApiResult after_password(ApiCall& call, User& user, const Client& client,
                                       bool custom = false);
[[nodiscard]] ApiResult answer_message_code(ApiCall& call, const Client& client,
                                            const Json::Value& responses);
[[nodiscard]] ApiResult answer_software_token(ApiCall& call, const Client& client,
                                              const Json::Value& responses);
[[nodiscard]] ApiResult answer_factor_choice(ApiCall& call, const Client& client,
                                             const Json::Value& responses);

// new_password.cc
[[nodiscard]] ApiResult ask_new_password(ApiCall& call, const User& user, const Client& client,
                                         bool custom);
[[nodiscard]] ApiResult answer_new_password(ApiCall& call, const Client& client,
                                            const Json::Value& responses);

// mfa_setup.cc
[[nodiscard]] ApiResult ask_mfa_setup(ApiCall& call, const User& user, const Client& client);
[[nodiscard]] ApiResult answer_mfa_setup(ApiCall& call, const Client& client,
                                         const Json::Value& responses);
// By access token or by the session of MFA_SETUP.
[[nodiscard]] ApiResult associate_software_token(ApiCall& call);
[[nodiscard]] ApiResult verify_software_token(ApiCall& call);

// custom_challenges.cc
// CUSTOM_AUTH without SRP in front of it.
[[nodiscard]] ApiResult start_custom(ApiCall& call, const Client& client,
                                     const Json::Value& parameters);
[[nodiscard]] ApiResult answer_custom_challenge(ApiCall& call, const Client& client,
                                                const Json::Value& responses);

// recovery.cc
[[nodiscard]] ApiResult forgot_password(ApiCall& call);
[[nodiscard]] ApiResult confirm_forgot_password(ApiCall& call);
// Sends a reset code, as an administrator's reset does; false when the user has no proved address.
bool send_reset_code(Pool& pool, User& user);

// sign_up.cc
[[nodiscard]] ApiResult resend_confirmation_code(ApiCall& call);
[[nodiscard]] ApiResult confirm_sign_up(ApiCall& call);
[[nodiscard]] ApiResult sign_up(ApiCall& call);

// token_operations.cc
// AuthenticationResult for a sign-in that has just been completed.
[[nodiscard]] ApiResult new_tokens(ApiCall& call, User& user, const Client& client);
[[nodiscard]] ApiResult refresh_by_initiate_auth(ApiCall& call, const Client& client,
                                                 const Json::Value& parameters);
[[nodiscard]] ApiResult get_tokens_from_refresh_token(ApiCall& call);
[[nodiscard]] ApiResult revoke_token(ApiCall& call);

// account.cc
[[nodiscard]] ApiResult get_user(ApiCall& call);
[[nodiscard]] ApiResult global_sign_out(ApiCall& call);
[[nodiscard]] ApiResult set_user_mfa_preference(ApiCall& call);
[[nodiscard]] ApiResult change_password(ApiCall& call);

// user_attributes.cc
[[nodiscard]] ApiResult update_user_attributes(ApiCall& call);
[[nodiscard]] ApiResult get_user_attribute_verification_code(ApiCall& call);
[[nodiscard]] ApiResult verify_user_attribute(ApiCall& call);

// listing.cc
[[nodiscard]] ApiResult list_users(ApiCall& call);
[[nodiscard]] ApiResult list_users_in_group(ApiCall& call);
[[nodiscard]] ApiResult list_groups(ApiCall& call);
[[nodiscard]] ApiResult admin_list_groups_for_user(ApiCall& call);

// pre_authentication.cc
// The PreAuthentication trigger, which runs in InitiateAuth. `user` is null for a name that does
// not exist, where the client hides that.
[[nodiscard]] std::expected<void, ApiError> pre_authentication(const ApiCall& call,
                                                               const User* user);

// common_rules.cc
// The client that the request's ClientId names.
[[nodiscard]] std::expected<Client*, ApiError> required_client(ApiCall& call);
// SECRET_HASH = Base64(HMAC-SHA256(client secret, USERNAME + ClientId)), where the client has one.
[[nodiscard]] std::expected<void, ApiError> check_secret_hash(const Client& client,
                                                              const std::string& username,
                                                              const std::string& hash);
// A map of texts, such as AuthParameters; anything else is a malformed request.
[[nodiscard]] std::expected<Json::Value, ApiError> text_map(const Json::Value& body,
                                                            const std::string& member);
// False while the user is locked, by failed passwords or by failed codes.
[[nodiscard]] bool may_try(ApiCall& call, User& user);

}  // namespace pamcognito::pool
