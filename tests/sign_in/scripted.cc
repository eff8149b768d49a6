#include "tests/sign_in/scripted.h"

#include <systemd/sd-event.h>

#include <algorithm>
#include <coroutine>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {

using cognito::AuthStep;
using cognito::CallContext;
using cognito::Challenge;
using cognito::ChallengeName;
using cognito::ErrorKind;
using cognito::PoolError;
using runtime::Task;

namespace {

std::string wire_name_of(ChallengeName name) {
  switch (name) {
    case ChallengeName::sms_mfa:
      return "SMS_MFA";
    case ChallengeName::email_otp:
      return "EMAIL_OTP";
    case ChallengeName::software_token_mfa:
      return "SOFTWARE_TOKEN_MFA";
    case ChallengeName::select_mfa_type:
      return "SELECT_MFA_TYPE";
    case ChallengeName::mfa_setup:
      return "MFA_SETUP";
    case ChallengeName::new_password_required:
      return "NEW_PASSWORD_REQUIRED";
    case ChallengeName::custom_challenge:
      return "CUSTOM_CHALLENGE";
    case ChallengeName::other:
      return "OTHER";
  }
  return {};
}

cognito::Tokens tokens() {
  cognito::Tokens tokens;
  tokens.access_token = "access";
  tokens.id_token = "id";
  tokens.refresh_token = "refresh";
  return tokens;
}

}  // namespace

Task<std::expected<Secret, sign_in::ConversationError>> ScriptedPerson::ask(
    sign_in::Prompt prompt) {
  prompts.push_back(prompt.text);
  notices.push_back(prompt.notice.text);
  purposes.push_back(prompt.purpose);
  echoes.push_back(prompt.echo);
  if (before_answer) before_answer();
  if (never_answers) {
    is_stuck = true;
    co_await std::suspend_always();
  }
  if (answers.empty()) co_return std::unexpected(sign_in::ConversationError::gone);
  std::optional<Secret> answer = Secret::copy_of(answers.front());
  answers.pop_front();
  if (!answer) std::abort();
  co_return std::move(*answer);
}

ScriptedPool::Result<AuthStep> ScriptedPool::next(const Call& call) {
  if (call.deadline <= clock_.now())
    return std::unexpected(PoolError(ErrorKind::timed_out, "no time was left"));
  if (is_now(fault_at)) return std::unexpected(fault);
  if (is_now(tokens_at)) {
    ++issued;
    return AuthStep(tokens());
  }
  if (replies.empty()) return std::unexpected(PoolError(ErrorKind::internal, "script at its end"));
  Result<AuthStep> reply = std::move(replies.front());
  replies.pop_front();
  if (reply && reply->challenge) reply->challenge->received = clock_.now();
  if (reply && reply->tokens) ++issued;
  return reply;
}

std::optional<PoolError> ScriptedPool::failure(const std::string& operation, Call call) {
  if (call.deadline <= clock_.now()) return PoolError(ErrorKind::timed_out, "no time was left");
  if (is_now(fault_at)) return fault;
  auto& waiting = failures_[operation];
  if (waiting.empty()) return std::nullopt;
  PoolError error = std::move(waiting.front());
  waiting.pop_front();
  return error;
}

void ScriptedPool::fail(const std::string& operation, ErrorKind kind, std::string message) {
  failures_[operation].emplace_back(kind, std::move(message));
}

Task<ScriptedPool::Result<AuthStep>> ScriptedPool::sign_in(std::string username,
                                                           const Secret* password,
                                                           const CallContext* context, Call call) {
  calls.push_back({"sign_in", std::move(username), std::string(password->reveal()), {}, *context});
  co_return next(call);
}

Task<ScriptedPool::Result<AuthStep>> ScriptedPool::respond(Challenge challenge,
                                                           cognito::StringMap responses,
                                                           const CallContext* context, Call call) {
  responses["(session)"] = challenge.challenge_session;
  calls.push_back(
      {"respond " + challenge.wire_name, challenge.username, {}, std::move(responses), *context});
  co_return next(call);
}

Task<ScriptedPool::Result<cognito::VerifiedTokens>> ScriptedPool::verify(
    const cognito::Tokens* tokens, Call) {
  calls.push_back({"verify", {}, {}, {}, {}});
  if (is_now(fault_at)) co_return std::unexpected(fault);
  if (on_verify) co_return on_verify(*tokens);
  co_return verified;
}

Task<ScriptedPool::Result<void>> ScriptedPool::revoke(std::string refresh_token, Call call) {
  calls.push_back({"revoke", {}, {}, {{"refresh_token", std::move(refresh_token)}}, {}});
  if (before_answer) co_await before_answer("revoke");
  if (auto error = failure("revoke", call)) co_return std::unexpected(std::move(*error));
  co_return Result<void>{};
}

Task<ScriptedPool::Result<cognito::Tokens>> ScriptedPool::refresh(cognito::RefreshProof proof,
                                                                  Call call) {
  calls.push_back({"refresh",
                   proof.username,
                   {},
                   {{"refresh_token", proof.refresh_token}, {"device_key", proof.device_key}},
                   {}});
  if (before_answer) co_await before_answer("refresh");
  if (auto error = failure("refresh", call)) co_return std::unexpected(std::move(*error));
  if (on_refresh) co_return on_refresh(proof);
  cognito::Tokens tokens;
  tokens.access_token = "refreshed access token";
  tokens.id_token = "refreshed id token";
  tokens.refresh_token = rotated_token;
  co_return tokens;
}

Task<ScriptedPool::Result<void>> ScriptedPool::confirm_device(std::string access_token,
                                                              std::string device_key,
                                                              std::string device_group_key,
                                                              std::string device_name, Call call) {
  calls.push_back({"confirm_device",
                   {},
                   {},
                   {{"access_token", std::move(access_token)},
                    {"device_key", std::move(device_key)},
                    {"device_group_key", std::move(device_group_key)},
                    {"device_name", std::move(device_name)}},
                   {}});
  if (before_answer) co_await before_answer("confirm_device");
  if (auto error = failure("confirm_device", call)) co_return std::unexpected(std::move(*error));
  co_return Result<void>{};
}

Task<ScriptedPool::Result<void>> ScriptedPool::forget_device(std::string access_token,
                                                             std::string device_key, Call call) {
  calls.push_back(
      {"forget_device",
       {},
       {},
       {{"access_token", std::move(access_token)}, {"device_key", std::move(device_key)}},
       {}});
  if (before_answer) co_await before_answer("forget_device");
  if (auto error = failure("forget_device", call)) co_return std::unexpected(std::move(*error));
  co_return Result<void>{};
}

Task<ScriptedPool::Result<cognito::SoftwareToken>> ScriptedPool::associate_software_token(
    cognito::SetUpProof proof, Call call) {
  calls.push_back({"associate",
                   {},
                   {},
                   {{"session", proof.challenge_session}, {"access_token", proof.access_token}},
                   {}});
  if (auto error = failure("associate", call)) co_return std::unexpected(std::move(*error));
  cognito::SoftwareToken token;
  token.secret_code = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
  if (!proof.challenge_session.empty())
    token.challenge_session = "associated " + std::to_string(++sessions_);
  co_return token;
}

Task<ScriptedPool::Result<cognito::SoftwareTokenCheck>> ScriptedPool::verify_software_token(
    cognito::SetUpProof proof, std::string code, std::string device_name, Call call) {
  calls.push_back({"verify_totp",
                   {},
                   {},
                   {{"session", proof.challenge_session},
                    {"access_token", proof.access_token},
                    {"code", std::move(code)},
                    {"device", std::move(device_name)}},
                   {}});
  if (auto error = failure("verify_totp", call)) co_return std::unexpected(std::move(*error));
  cognito::SoftwareTokenCheck check;
  check.verified = wrong_setup_codes-- <= 0;
  if (!proof.challenge_session.empty())
    check.challenge_session = "checked " + std::to_string(++sessions_);
  co_return check;
}

Task<ScriptedPool::Result<cognito::UserState>> ScriptedPool::get_user(std::string access_token,
                                                                      Call call) {
  calls.push_back({"get_user", {}, {}, {{"access_token", std::move(access_token)}}, {}});
  if (auto error = failure("get_user", call)) co_return std::unexpected(std::move(*error));
  co_return user;
}

Task<ScriptedPool::Result<void>> ScriptedPool::set_mfa_preference(std::string access_token,
                                                                  cognito::MfaPreference preference,
                                                                  Call call) {
  const auto word = [](const std::optional<cognito::FactorPreference>& factor) -> std::string {
    if (!factor) return "";
    return std::string(factor->enabled ? "enabled" : "disabled") +
           (factor->preferred ? ", preferred" : "");
  };
  calls.push_back({"set_preference",
                   {},
                   {},
                   {{"access_token", std::move(access_token)},
                    {"sms", word(preference.sms)},
                    {"totp", word(preference.totp)},
                    {"email", word(preference.email)}},
                   {}});
  if (auto error = failure("set_preference", call)) co_return std::unexpected(std::move(*error));
  co_return Result<void>{};
}

Task<ScriptedPool::Result<cognito::CodeDelivery>> ScriptedPool::forgot_password(
    std::string username, const CallContext* context, Call call) {
  calls.push_back({"forgot_password", std::move(username), {}, {}, *context});
  if (auto error = failure("forgot_password", call)) co_return std::unexpected(std::move(*error));
  cognito::CodeDelivery sent;
  sent.medium = "EMAIL";
  sent.destination = delivery;
  co_return sent;
}

Task<ScriptedPool::Result<void>> ScriptedPool::confirm_forgot_password(std::string username,
                                                                       std::string code,
                                                                       const Secret* new_password,
                                                                       const CallContext* context,
                                                                       Call call) {
  calls.push_back({"confirm_forgot_password",
                   std::move(username),
                   std::string(new_password->reveal()),
                   {{"code", std::move(code)}},
                   *context});
  if (auto error = failure("confirm_forgot_password", call))
    co_return std::unexpected(std::move(*error));
  co_return Result<void>{};
}

Task<ScriptedPool::Result<cognito::CodeDelivery>> ScriptedPool::resend_confirmation_code(
    std::string username, const CallContext* context, Call call) {
  calls.push_back({"resend", std::move(username), {}, {}, *context});
  if (auto error = failure("resend", call)) co_return std::unexpected(std::move(*error));
  cognito::CodeDelivery sent;
  sent.medium = "EMAIL";
  sent.destination = delivery;
  co_return sent;
}

Task<ScriptedPool::Result<void>> ScriptedPool::confirm_sign_up(std::string username,
                                                               std::string code,
                                                               const CallContext* context,
                                                               Call call) {
  calls.push_back(
      {"confirm_sign_up", std::move(username), {}, {{"code", std::move(code)}}, *context});
  if (auto error = failure("confirm_sign_up", call)) co_return std::unexpected(std::move(*error));
  co_return Result<void>{};
}

Task<ScriptedPool::Result<void>> ScriptedPool::change_password(std::string access_token,
                                                               const Secret* previous,
                                                               const Secret* proposed, Call call) {
  calls.push_back(
      {"change_password",
       {},
       std::string(proposed->reveal()),
       {{"access_token", std::move(access_token)}, {"previous", std::string(previous->reveal())}},
       {}});
  if (auto error = failure("change_password", call)) co_return std::unexpected(std::move(*error));
  co_return Result<void>{};
}

void ScriptedPool::reply_challenge(ChallengeName name, cognito::StringMap parameters) {
  Challenge challenge;
  challenge.name = name;
  challenge.wire_name = wire_name_of(name);
  challenge.challenge_session = "session";
  challenge.username = "alice";
  challenge.parameters = std::move(parameters);
  replies.emplace_back(AuthStep(std::move(challenge)));
}

void ScriptedPool::reply_tokens() {
  cognito::Tokens made = tokens();
  if (!id_token.empty()) made.id_token = id_token;
  replies.emplace_back(AuthStep(std::move(made)));
}

void ScriptedPool::reply_error(cognito::ErrorKind kind, std::string message, bool password_sent) {
  cognito::PoolError error(kind, std::move(message));
  error.password_sent = password_sent;
  replies.emplace_back(std::unexpected(std::move(error)));
}

void World::allow_alice(policy::Config& config, ScriptedPool& pool) {
  config.access.allow_groups = {"linux-users"};
  pool.verified.emplace();
  pool.verified->sub = "5e7b1c2a-0000-4000-8000-000000000001";
  pool.verified->username = "alice";
  pool.verified->groups = {"linux-users"};
}

World::World() {
  allow_alice(*config, pool);
  person->answers = {"right password"};
}

World::Machine::Machine(runtime::Clock& clock) : revocations(loop, clock) {
  auto opened = sessions::SessionStore::open(Fd(), false);
  if (!opened || !known.load("eu-west-1_Example")) std::abort();
  store = std::move(*opened);
  keeper =
      std::make_unique<sessions::SessionKeeper>(loop, clock, *store, known, passwords, revocations);
}

World::Directory::Directory() : path_(std::filesystem::temp_directory_path() / "flows.XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) std::abort();
}

World::Directory::~Directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void World::drive_root(runtime::Task<void> task) {
  constexpr std::uint64_t patience_usec = 60'000'000;
  bool done = false;
  bool failed = false;
  const auto running = loop.spawn(std::move(task), [&](bool threw) {
    done = true;
    failed = threw;
  });
  while (!done && !person->is_stuck)
    if (sd_event_run(loop.get(), patience_usec) <= 0) std::abort();
  if (failed) std::abort();
}

void World::pin(const std::string& sub) {
  const auto pinned = drive(known.pin(user, sub, sessions::PinnedBy::root, clock.wall_time()));
  if (!pinned || !*pinned) std::abort();
}

sessions::Session World::new_session() {
  sessions::Session made;
  made.id.back() = ++sessions_made_;
  made.user = user;
  made.sub = pool.verified->sub;
  made.cognito_name = pool.verified->username;
  made.groups = pool.verified->groups;
  made.service = "sshd";
  made.origin = origin.key();
  made.factor = cognito::Method::totp;
  made.signed_in = made.verified = clock.boot_time();
  made.binding = binding;
  made.pool = sessions::pool_fingerprint(config->pool);
  made.refresh_token = "refresh token of the session";
  return made;
}

void World::put(const sessions::Session& made) {
  if (known.find(made.user) == nullptr) pin(made.sub);
  if (!store->put(made)) std::abort();
}

sessions::PasswordVerifier World::verifier_of(const std::string& password) {
  static std::map<std::string, sessions::PasswordVerifier> made_before;
  if (const auto found = made_before.find(password); found != made_before.end())
    return found->second;
  const std::optional<Secret> secret = Secret::copy_of(password);
  if (!secret) std::abort();
  const auto made = drive(passwords.make(&*secret));
  if (!made || !*made) std::abort();
  return made_before.emplace(password, **made).first->second;
}

sessions::Session World::session_of(const SignInId& id) const {
  std::optional<sessions::Session> found = store->find(id);
  if (!found) std::abort();
  return std::move(*found);
}

runtime::Task<std::expected<void, sign_in::StoreFailure>> World::take_account(
    std::string of, std::string sub, std::vector<std::string> groups,
    sign_in::AccountClaims claims) {
  std::string line = of + " " + sub;
  for (const std::string& group : groups) line += " " + group;
  if (!claims.ssh_keys.empty()) line += " keys=" + claims.ssh_keys;
  if (claims.uid) line += " uid=" + std::to_string(*claims.uid);
  stored.push_back(std::move(line));
  co_return *store_result;
}

sign_in::SignInServices World::services() {
  sign_in::SignInServices services;
  services.config = config;
  services.pool = std::shared_ptr<cognito::UserPool>(std::shared_ptr<void>(), &pool);
  services.clock = &clock;
  services.failures = &failures;
  services.messages = &messages;
  services.reset_messages = &reset_messages;
  services.reset_messages_by_origin = &reset_messages_by_origin;
  services.account_failures = &failures;
  services.password_turns = &turns;
  services.refusal_time = &refusal_time;
  services.revoke_later = [this](std::string token) { revoked.push_back(std::move(token)); };
  keeper->configure(services.config, services.pool);
  services.sessions = keeper;
  services.known = &known;
  if (store_result)
    services.store_account = [this](std::string of, std::string sub,
                                    std::vector<std::string> groups,
                                    sign_in::AccountClaims claims) {
      return take_account(std::move(of), std::move(sub), std::move(groups), std::move(claims));
    };
  services.account_attributes = [this] { return attributes; };
  services.account_disabled = [this](const std::string& of) { disabled.push_back(of); };
  services.factors_changed = [this](const std::string& of) { factors_changed.push_back(of); };
  if (is_first_login) services.use(&first_logins);
  return services;
}

sign_in::SignInRequest World::request() {
  sign_in::SignInRequest request(user, service, kAliceUid, origin);
  if (origin.is_remote()) request.remote_host = remote_host;
  request.goal = goal;
  request.caller_is_root = caller_is_root;
  request.real_root = caller_is_root && origin.is_remote();
  request.binding = binding;
  request.place = place;
  request.change = change;
  request.device_name = device_name;
  request.plain_uri = plain_uri;
  request.has_stored_account = has_stored_account;
  request.is_first_login = is_first_login;
  request.is_test = is_test;
  if (!program.empty()) request.program = program;
  return request;
}

sign_in::SignInResult World::run() {
  sign_in::SignIn sign_in(services(), request(), person.get());
  std::optional<sign_in::SignInEnd> end = drive(sign_in.run());
  if (!end) std::abort();
  return std::move(**end);
}

std::string World::operations() const {
  std::string all;
  for (const PoolCall& call : pool.calls) all += (all.empty() ? "" : ", ") + call.operation;
  return all;
}

std::size_t World::calls_of(std::string_view operation) const {
  return static_cast<std::size_t>(std::ranges::count(pool.calls, operation, &PoolCall::operation));
}

const PoolCall& World::call(std::string_view operation) const {
  const auto found = std::ranges::find(pool.calls, operation, &PoolCall::operation);
  if (found == pool.calls.end()) std::abort();
  return *found;
}

void World::next_sign_in() {
  person = std::make_unique<ScriptedPerson>(clock);
  person->answers = {"right password"};
  pool.calls.clear();
  pool.replies.clear();
  pool.issued = 0;
  revoked.clear();
}

void then_totp(World& world) {
  world.pool.reply_challenge(ChallengeName::software_token_mfa);
  world.pool.reply_tokens();
}

void expect_closed(World& world, Outcome outcome, std::string_view cause) {
  {
    const sign_in::SignInResult result = world.run();
    assert_outcome(result.outcome, outcome);
    assert_text(result.cause, cause);
    assert_null(result.accepted.get());
  }
  assert_int_equal(world.revoked.size(), world.pool.issued);
}

}  // namespace pamcognito::test
