#include "tests/sessions/keeper_world.h"

#include <systemd/sd-event.h>

#include <algorithm>
#include <cstdint>
#include <expected>
#include <functional>
#include <string_view>
#include <system_error>

#include "daemon/runtime/metrics.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {

using cognito::Tokens;
using runtime::Task;

TemporaryDirectory::TemporaryDirectory() {
  std::string name = std::filesystem::temp_directory_path() / "pam-cognito-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string sub_of(const std::string& user) {
  return "sub-of-" + user;
}

sessions::Binding login(std::uint32_t audit_session, std::uint32_t uid) {
  return {uid, audit_session};
}

void assert_revalidation(cognito::AccountVerdict actual, cognito::AccountVerdict expected) {
  assert_int_equal(static_cast<int>(actual), static_cast<int>(expected));
}

KeeperWorld::KeeperWorld() {
  config->pool.region = "eu-west-1";
  config->pool.user_pool_id = "eu-west-1_Test";
  config->pool.client_id = "client";
  config->access.allow_groups = {"linux-users"};
  store = std::move(*sessions::SessionStore::open(Fd(), false));
  if (!known.load(config->pool.user_pool_id)) std::abort();
  keeper =
      std::make_unique<sessions::SessionKeeper>(loop, clock, *store, known, passwords, revocations);
  pool.on_refresh = [this](const cognito::RefreshProof& proof) {
    Tokens tokens;
    tokens.access_token = "access of " + proof.username;
    tokens.id_token = "id of " + proof.username;
    tokens.refresh_token = pool.rotated_token;
    return cognito::PoolResult<Tokens>(std::move(tokens));
  };
  pool.on_verify = [this](const Tokens& tokens) {
    cognito::PoolResult<cognito::VerifiedTokens> verified = pool.verified;
    if (verified && verified->sub.empty()) {
      verified->username = tokens.access_token.substr(std::string("access of ").size());
      verified->sub = sub_of(verified->username);
    }
    return verified;
  };
  pool.verified.emplace();
  pool.verified->groups = {"linux-users"};
  pool.before_answer = [this](const std::string& operation) {
    std::string of_user = operation + " of " + pool.calls.back().username;
    return wait_at(this, gates_.contains(of_user) ? std::move(of_user) : operation);
  };
  configure();
}

KeeperWorld::~KeeperWorld() {
  gates_.clear();
  keeper.reset();
}

std::shared_ptr<cognito::UserPool> KeeperWorld::pool_pointer() {
  return {std::shared_ptr<void>(), &pool};
}

SignInId KeeperWorld::keep(SignIn sign_in) {
  // As acceptance has done before.
  if (known.find(sign_in.user) == nullptr) pin(sign_in.user, sub_of(sign_in.user));
  const std::uint32_t number = ++sign_ins_;
  sessions::NewSession session;
  for (std::size_t i = 0; i < 4; ++i)
    session.id[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  session.id.back() = 1;
  const SignInId id = session.id;
  session.user = sign_in.user;
  session.service = sign_in.service;
  session.origin = "192.0.2.7";
  session.factor = cognito::Method::totp;
  if (sign_in.binding) session.binding = *sign_in.binding;
  session.pool = sign_in.pool;
  session.verified.sub = sub_of(sign_in.user);
  session.verified.username = sign_in.user;
  session.verified.groups = std::move(sign_in.groups);
  session.password = std::move(*Secret::copy_of(sign_in.password));

  Tokens tokens;
  tokens.access_token = "first access of " + sign_in.user;
  tokens.id_token = "id";
  tokens.refresh_token = sign_in.refresh_token.empty() ? "refresh " + std::to_string(number)
                                                       : std::move(sign_in.refresh_token);
  tokens.device_key = std::move(sign_in.device_key);
  if (!tokens.device_key.empty()) tokens.device_group_key = "group key";
  sessions::PendingTokens pending(
      std::move(tokens), [this](std::string token) { not_taken.push_back(std::move(token)); });
  keeper->keep(std::move(session), std::move(pending));
  return id;
}

SignInId KeeperWorld::keep_in_login(std::uint32_t audit_session, const std::string& user) {
  SignIn sign_in;
  sign_in.user = user;
  const SignInId id = keep(std::move(sign_in));
  assert_true(keeper->open_login(id, user, login(audit_session)));
  return id;
}

void KeeperWorld::run_until(const std::function<bool()>& done) {
  constexpr std::uint64_t nothing_happens_us = 60'000'000;
  while (!done())
    if (sd_event_run(loop.get(), nothing_happens_us) <= 0) fail_msg("nothing happens any more");
}

void KeeperWorld::drain() {
  while (sd_event_run(loop.get(), 0) > 0) {
  }
}

cognito::AccountVerdict KeeperWorld::revalidate(const SignInId& id) {
  return wait(keeper->revalidate(id, call()));
}

void KeeperWorld::pin(const std::string& user, const std::string& sub) {
  const std::expected<void, std::string> pinned =
      wait(known.pin(user, sub, sessions::PinnedBy::first_sign_in, clock.wall_time()));
  assert_true(pinned.has_value());
}

Task<void> KeeperWorld::pass(std::shared_ptr<Gate> gate) {
  co_await *gate;
}

Task<void> KeeperWorld::wait_at(KeeperWorld* world, std::string operation) {
  const auto gate = world->gates_.find(operation);
  if (gate != world->gates_.end()) co_await pass(gate->second);
}

void KeeperWorld::hold(const std::string& operation) {
  gates_[operation] = std::make_shared<Gate>();
}

void KeeperWorld::release(const std::string& operation) {
  const auto gate = gates_.extract(operation);
  Gate::give(loop, gate.mapped(), true);
  drain();
}

std::size_t KeeperWorld::calls_of(std::string_view operation) const {
  return static_cast<std::size_t>(std::ranges::count(pool.calls, operation, &PoolCall::operation));
}

std::vector<std::string> KeeperWorld::revoked() const {
  std::vector<std::string> tokens;
  for (const PoolCall& call : pool.calls)
    if (call.operation == "revoke") tokens.push_back(call.values.at("refresh_token"));
  return tokens;
}

double KeeperWorld::ended_by(std::string_view reason) {
  for (const runtime::Sample& sample : runtime::metrics().samples())
    if (sample.name == "pam_cognito_sessions_ended_total" && sample.labels.at("reason") == reason)
      return sample.value;
  return 0;
}

}  // namespace pamcognito::test
