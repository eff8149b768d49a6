#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/cognito/error_table.h"
#include "daemon/runtime/host_name.h"
#include "daemon/runtime/journal.h"
#include "daemon/sessions/session_keeper.h"

namespace pamcognito::sessions {
namespace {

using runtime::Level;
using runtime::Task;

constexpr std::chrono::seconds kTimeForDevice{8};

}  // namespace

void SessionKeeper::in_background(Task<void> task, std::function<void()> if_thrown) {
  const std::uint64_t number = next_background_++;
  background_.emplace(number, loop_.spawn(std::move(task),
                                          [this, number, clear = std::move(if_thrown)](bool threw) {
                                            if (threw) clear();
                                            background_.erase(number);
                                          }));
}

Task<void> SessionKeeper::make_verifier(SignInId id, Secret password) {
  const std::expected<PasswordVerifier, CheckError> made = co_await passwords_.make(&password);
  // Gone from there: the session has ended, or the password has changed since.
  if (!pending_verifiers_.contains(id)) co_return;
  std::optional<Session> session = store_.find(id);
  if (!session) {
    verifier_settled(id);
    co_return;
  }
  if (made) session->verifier = *made;
  if (!made || !store_.put(*session))
    runtime::log(Level::warning,
                 "the session of " + session->user + " has no password verifier: " +
                     (made                               ? "no room"
                      : made.error() == CheckError::busy ? "busy"
                                                         : "internal"),
                 {{"USER", session->user}});
  verifier_settled(id);
}

void SessionKeeper::verifier_settled(const SignInId& id) {
  const auto found = pending_verifiers_.find(id);
  if (found == pending_verifiers_.end()) return;
  std::shared_ptr<runtime::SharedAnswer<bool>> answer = std::move(found->second);
  pending_verifiers_.erase(found);
  runtime::SharedAnswer<bool>::give(loop_, std::move(answer), true);
}

bool SessionKeeper::can_check_password(const Session& session) const {
  return session.verifier || pending_verifiers_.contains(session.id);
}

Task<std::optional<bool>> SessionKeeper::check_password(SignInId id, const Secret* password) {
  // A sudo may come before the login's verifier is made.
  if (const auto making = pending_verifiers_.find(id); making != pending_verifiers_.end())
    co_await runtime::wait_for_answer(making->second);
  std::optional<Session> session = find(id);
  if (!session || !session->verifier) co_return std::nullopt;
  PasswordVerifier& verifier = *session->verifier;
  if (verifier.failures >= PasswordVerifier::kMaxFailures) co_return std::nullopt;
  // Counted before the result is known: a caller that asks many times at once, or goes away, must
  // not get more tries.
  ++verifier.failures;
  const PasswordVerifier asked = verifier;
  if (!store_.put(*session)) co_return std::nullopt;
  session.reset();

  const std::expected<bool, CheckError> matches = co_await passwords_.matches(password, asked);
  session = find(id);
  if (!session || !session->verifier || session->verifier->salt != asked.salt)
    co_return std::nullopt;
  PasswordVerifier& now = *session->verifier;
  if (!matches)
    now.failures = now.failures > 0 ? static_cast<std::uint8_t>(now.failures - 1) : now.failures;
  else if (*matches)
    now.failures = 0;
  else if (now.failures >= PasswordVerifier::kMaxFailures)
    session->verifier.reset();
  if (!store_.put(*session)) co_return std::nullopt;
  if (!matches) co_return std::nullopt;
  co_return *matches;
}

void SessionKeeper::forget_passwords(std::string_view user) {
  for (Session& session : store_.sessions_of(user)) {
    verifier_settled(session.id);
    if (!session.verifier) continue;
    session.verifier.reset();
    if (!store_.put(session)) (void)end(session.id, "not-stored");
  }
}

Task<void> SessionKeeper::confirm_device(SignInId id, std::string user, cognito::Tokens tokens) {
  const std::shared_ptr<cognito::UserPool> pool = pool_;  // outlives the call
  const cognito::PoolResult<void> confirmed = co_await pool->confirm_device(
      std::move(tokens.access_token), tokens.device_key, std::move(tokens.device_group_key),
      user + "@" + runtime::host_name(), clock_.now() + kTimeForDevice);
  if (!confirmed) {
    const std::string_view cause = cognito::error_row(confirmed.error().kind).word;
    runtime::log(Level::warning,
                 "a device of " + user + " was not confirmed: " + std::string(cause),
                 {{"USER", user},
                  {"CAUSE", cause},
                  {"DETAIL", confirmed.error().message},
                  {"REQUEST_ID", confirmed.error().request_id}});
  }
  device_settled(id, confirmed ? std::move(tokens.device_key) : std::string());
}

void SessionKeeper::device_settled(const SignInId& id, std::string device_key) {
  const auto found = confirmations_.find(id);
  if (found == confirmations_.end()) return;
  const std::shared_ptr<Confirmation> confirmation = found->second;

  std::optional<Session> session = store_.find(id);
  if (session && !device_key.empty()) {
    session->device_key = device_key;
    // Without the key no refresh of it would be answered.
    if (!store_.put(*session)) (void)end(id, "not-stored");
  }
  confirmations_.erase(found);
  if (confirmation->to_revoke) {
    confirmation->to_revoke->device_key = std::move(device_key);
    revocations_.add(confirmation->pool, std::move(*confirmation->to_revoke));
  }
  runtime::SharedAnswer<bool>::give(loop_, {confirmation, &confirmation->answer}, true);
}

}  // namespace pamcognito::sessions
