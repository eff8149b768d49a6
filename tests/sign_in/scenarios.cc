#include "tests/sign_in/scenarios.h"

#include <array>
#include <chrono>

namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::Method;

void tokens_alone(World& world) {
  world.config->mfa.require = false;
  world.pool.reply_tokens();
}

void totp(World& world) {
  then_totp(world);
  world.person->answers = {"right password", "123456"};
}

void sms(World& world) {
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
}

void email(World& world) {
  world.pool.reply_challenge(ChallengeName::email_otp);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "12345678"};
}

void choice_by_policy(World& world) {
  world.pool.reply_challenge(ChallengeName::select_mfa_type,
                             {{"MFAS_CAN_CHOOSE", R"(["SMS_MFA","SOFTWARE_TOKEN_MFA"])"}});
  totp(world);
}

void choice_by_the_person(World& world) {
  world.config->mfa.ask_method = true;
  world.pool.reply_challenge(ChallengeName::select_mfa_type,
                             {{"MFAS_CAN_CHOOSE", R"(["SMS_MFA","SOFTWARE_TOKEN_MFA"])"}});
  sms(world);
  world.person->answers = {"right password", "2", "123456"};
}

void the_other_method(World& world) {
  for (const ChallengeName asked : {ChallengeName::software_token_mfa, ChallengeName::sms_mfa}) {
    world.pool.reply_challenge(ChallengeName::select_mfa_type,
                               {{"MFAS_CAN_CHOOSE", R"(["SMS_MFA","SOFTWARE_TOKEN_MFA"])"}});
    world.pool.reply_challenge(asked);
  }
  world.pool.reply_tokens();
  world.person->answers = {"right password", "o", "123456"};
}

void totp_set_up_by_session(World& world) {
  world.pool.reply_challenge(ChallengeName::mfa_setup,
                             {{"MFAS_CAN_SETUP", R"(["SOFTWARE_TOKEN_MFA"])"}});
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
}

void email_set_up(World& world) {
  world.pool.reply_challenge(ChallengeName::mfa_setup, {{"MFAS_CAN_SETUP", R"(["EMAIL_OTP"])"}});
  world.pool.reply_challenge(ChallengeName::email_otp);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "alice@example.com", "12345678"};
}

void new_password(World& world) {
  world.pool.reply_challenge(ChallengeName::new_password_required);
  then_totp(world);
  world.person->answers = {"temporary", "new password", "new password", "123456"};
}

void new_password_and_set_up(World& world) {
  world.pool.reply_challenge(ChallengeName::new_password_required);
  totp_set_up_by_session(world);
  world.person->answers = {"temporary", "new password", "new password", "123456"};
}

void reset_demanded(World& world) {
  world.pool.reply_error(ErrorKind::password_reset_required);
  then_totp(world);
  world.person->answers = {"old password", "4711", "new password", "new password", "123456"};
}

void reset_by_an_empty_answer(World& world) {
  world.config->password.self_service = true;
  then_totp(world);
  world.person->answers = {"", "yes", "4711", "new password", "new password", "123456"};
}

void reset_by_a_named_service(World& world) {
  world.config->password.reset_services = {"sshd"};
  then_totp(world);
  world.person->answers = {"4711", "new password", "new password", "123456"};
}

void sign_up_confirmed(World& world) {
  world.pool.reply_error(ErrorKind::user_not_confirmed);
  then_totp(world);
  world.person->answers = {"right password", "4711", "123456"};
}

void custom_after_the_password(World& world) {
  world.config->pool.auth_flow = cognito::AuthFlow::custom_srp;
  world.config->mfa.methods = {Method::custom};
  world.pool.reply_challenge(ChallengeName::custom_challenge);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "blue"};
}

void custom_for_the_password(World& world) {
  world.config->pool.auth_flow = cognito::AuthFlow::custom;
  world.pool.reply_challenge(ChallengeName::custom_challenge);
  then_totp(world);
  world.person->answers = {"right answer", "123456"};
}

void enrolment_by_access_token(World& world) {
  world.config->mfa.enroll = policy::Enroll::anywhere;
  world.pool.reply_tokens();
  world.person->answers = {"right password", "123456"};
}

void outside_methods(World& world) {
  world.config->mfa.enroll = policy::Enroll::anywhere;
  world.config->mfa.methods = {Method::totp};
  world.pool.user.enabled_factors = {"SMS_MFA"};
  world.pool.user.preferred_factor = "SMS_MFA";
  world.pool.reply_challenge(ChallengeName::sms_mfa);
  world.pool.reply_tokens();
  world.person->answers = {"right password", "4711", "123456"};
}

void passwd(World& world) {
  world.goal = sign_in::Goal::change_password;
  world.service = "passwd";
  totp(world);
  world.person->answers = {"right password", "123456", "new password", "new password"};
}

// alice runs sudo in a login that she signed in to ten minutes ago: the pool is asked.
sessions::Session in_a_login(World& world, policy::Reauth mode) {
  world.service = "sudo";
  world.origin = limits::Origin::of_uid(World::kAliceUid);
  world.config->services["sudo"].reauth = mode;
  sessions::Session session = world.new_session();
  world.clock.advance(std::chrono::minutes(10));
  return session;
}

void by_session(World& world) {
  world.put(in_a_login(world, policy::Reauth::none));
  world.person->answers = {};
}

void by_session_and_password(World& world) {
  sessions::Session session = in_a_login(world, policy::Reauth::password);
  session.verifier = world.verifier_of("right password");
  world.put(session);
  world.person->answers = {"right password"};
}

// A program of alice's own, in front of the machine.
void change(World& world, sign_in::FactorChange wanted) {
  world.goal = sign_in::Goal::change_factors;
  world.service = "user";
  world.caller_is_root = false;
  world.place.kind = sign_in::CallerPlace::Kind::seat;
  world.change = wanted;
}

void change_to_a_new_app(World& world) {
  change(world, sign_in::SetUpTotp());
  world.pool.user.enabled_factors = {"SOFTWARE_TOKEN_MFA"};
  then_totp(world);
  world.person->answers = {"right password", "123456", "654321"};
}

void change_of_preference(World& world) {
  change(world, sign_in::PreferredMfa::sms);
  world.pool.user.enabled_factors = {"SOFTWARE_TOKEN_MFA"};
  then_totp(world);
  world.person->answers = {"right password", "123456"};
}

void change_to_the_first_factor(World& world) {
  change(world, sign_in::SetUpTotp());
  world.config->mfa.enroll = policy::Enroll::at_console;
  world.pool.reply_tokens();
  world.person->answers = {"right password", "654321"};
}

void change_to_the_first_factor_on_demand(World& world) {
  change(world, sign_in::SetUpTotp());
  totp_set_up_by_session(world);
}

constexpr std::array kScenarios = {
    Scenario{"tokens, where no factor is required", tokens_alone, "sign_in, verify", 0},
    Scenario{"SOFTWARE_TOKEN_MFA", totp, "sign_in, respond SOFTWARE_TOKEN_MFA, verify", 1},
    Scenario{"SMS_MFA", sms, "sign_in, respond SMS_MFA, verify", 1},
    Scenario{"EMAIL_OTP", email, "sign_in, respond EMAIL_OTP, verify", 1},
    Scenario{"SELECT_MFA_TYPE, policy chooses", choice_by_policy,
             "sign_in, respond SELECT_MFA_TYPE, respond SOFTWARE_TOKEN_MFA, verify", 2},
    Scenario{"SELECT_MFA_TYPE, the person chooses", choice_by_the_person,
             "sign_in, respond SELECT_MFA_TYPE, respond SMS_MFA, verify", 2},
    Scenario{"SELECT_MFA_TYPE, and then the other method", the_other_method,
             "sign_in, respond SELECT_MFA_TYPE, sign_in, respond SELECT_MFA_TYPE, respond SMS_MFA, "
             "verify",
             4},
    Scenario{"MFA_SETUP, TOTP by session", totp_set_up_by_session,
             "sign_in, associate, verify_totp, respond MFA_SETUP, verify, get_user, set_preference",
             2},
    Scenario{"MFA_SETUP, e-mail", email_set_up,
             "sign_in, respond MFA_SETUP, respond EMAIL_OTP, verify", 2},
    Scenario{"NEW_PASSWORD_REQUIRED", new_password,
             "sign_in, respond NEW_PASSWORD_REQUIRED, respond SOFTWARE_TOKEN_MFA, verify", 2},
    Scenario{"NEW_PASSWORD_REQUIRED, then MFA_SETUP", new_password_and_set_up,
             "sign_in, respond NEW_PASSWORD_REQUIRED, associate, verify_totp, respond MFA_SETUP, "
             "verify, get_user, set_preference",
             3},
    Scenario{"CUSTOM_CHALLENGE after the password", custom_after_the_password,
             "sign_in, respond CUSTOM_CHALLENGE, verify", 1},
    Scenario{"CUSTOM_CHALLENGE for the password", custom_for_the_password,
             "sign_in, respond CUSTOM_CHALLENGE, respond SOFTWARE_TOKEN_MFA, verify", 2},
    Scenario{"PasswordResetRequiredException", reset_demanded,
             "sign_in, confirm_forgot_password, sign_in, respond SOFTWARE_TOKEN_MFA, verify", 3},
    Scenario{"forgotten password, by an empty answer", reset_by_an_empty_answer,
             "forgot_password, confirm_forgot_password, sign_in, respond SOFTWARE_TOKEN_MFA, "
             "verify",
             3},
    Scenario{"forgotten password, by a named service", reset_by_a_named_service,
             "forgot_password, confirm_forgot_password, sign_in, respond SOFTWARE_TOKEN_MFA, "
             "verify",
             3},
    Scenario{"UserNotConfirmedException", sign_up_confirmed,
             "sign_in, confirm_sign_up, sign_in, respond SOFTWARE_TOKEN_MFA, verify", 3},
    Scenario{"tokens without a factor, TOTP enrolled by access token", enrolment_by_access_token,
             "sign_in, verify, get_user, associate, verify_totp, get_user, set_preference", 4},
    Scenario{"a factor outside methods, TOTP enrolled", outside_methods,
             "sign_in, respond SMS_MFA, verify, get_user, associate, verify_totp, get_user, "
             "set_preference",
             5},
    Scenario{"a session stands in", by_session, "refresh, verify", 0},
    Scenario{"a session and its password stand in", by_session_and_password, "refresh, verify", 0},
    Scenario{"a change of factors: a new app", change_to_a_new_app,
             "sign_in, respond SOFTWARE_TOKEN_MFA, verify, get_user, associate, verify_totp, "
             "get_user, set_preference",
             1},
    Scenario{"a change of factors: which is preferred", change_of_preference,
             "sign_in, respond SOFTWARE_TOKEN_MFA, verify, get_user, set_preference", 1},
    Scenario{"a change of factors: the first one", change_to_the_first_factor,
             "sign_in, verify, get_user, associate, verify_totp, get_user, set_preference", 0},
    Scenario{"a change of factors: the first one, by the pool's demand",
             change_to_the_first_factor_on_demand,
             "sign_in, associate, verify_totp, respond MFA_SETUP, verify, get_user, "
             "set_preference",
             2},
    Scenario{"passwd", passwd, "sign_in, respond SOFTWARE_TOKEN_MFA, verify, change_password", 1},
};

}  // namespace

std::span<const Scenario> scenarios() {
  return kScenarios;
}

}  // namespace pamcognito::test
