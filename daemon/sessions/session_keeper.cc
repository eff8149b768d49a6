#include "daemon/sessions/session_keeper.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "daemon/policy/setting_names.h"
#include "daemon/runtime/journal.h"

namespace pamcognito::sessions {
namespace {

using policy::kUserService;
using runtime::Level;

// Verifiers and devices; beyond it a session does without.
constexpr std::size_t kMaxInBackground = 1024;

// A user's own process belongs to no login that could be told, so its sign-ins replace each other.
bool is_same_place(const Session& one, const Session& other) {
  if (one.binding.is_set() || other.binding.is_set())
    return one.binding.is_same_login(other.binding);
  return one.service == kUserService && other.service == kUserService && one.origin == other.origin;
}

// The session that the sign-in becomes. The password stays where it is.
Session as_session(NewSession& fresh) {
  Session session;
  session.id = fresh.id;
  session.user = std::move(fresh.user);
  session.sub = std::move(fresh.verified.sub);
  session.cognito_name = std::move(fresh.verified.username);
  session.groups = std::move(fresh.verified.groups);
  session.service = std::move(fresh.service);
  session.origin = std::move(fresh.origin);
  session.factor = fresh.factor;
  session.binding = fresh.binding;
  session.address = std::move(fresh.address);
  return session;
}

}  // namespace

SessionKeeper::SessionKeeper(runtime::EventLoop& loop, runtime::Clock& clock, SessionStore& store,
                             KnownUsers& known, PasswordChecker& passwords,
                             Revocations& revocations)
    : loop_(loop),
      clock_(clock),
      store_(store),
      known_(known),
      passwords_(passwords),
      revocations_(revocations),
      kind_of_address_(
          [](const std::string& address) { return runtime::kind_of_address(address); }) {}

SessionKeeper::~SessionKeeper() = default;

void SessionKeeper::configure(std::shared_ptr<const policy::Config> config,
                              std::shared_ptr<cognito::UserPool> pool) {
  const bool configured = config && pool;
  const std::uint64_t fingerprint = configured ? pool_fingerprint(config->pool) : 0;
  if (configured) {
    // While the client of the pool before is at hand, which alone can revoke their tokens.
    for (const SignInId& id : store_.all()) {
      const std::optional<Session> session = store_.find(id);
      if (session && session->pool != fingerprint) (void)end(id, "other-pool");
    }
  }
  config_ = configured ? std::move(config) : nullptr;
  pool_ = configured ? std::move(pool) : nullptr;
  fingerprint_ = fingerprint;
  end_expired();
  arm_expiry();
  note_addresses_of_sessions();
}

// A daemon before this one may have kept them. Users who have signed out since are not known.
void SessionKeeper::note_addresses_of_sessions() {
  const std::chrono::seconds longest =
      config_ ? policy::longest_origin_age(*config_) : std::chrono::seconds::zero();
  if (longest == std::chrono::seconds::zero()) {
    address_users_.clear();
    return;
  }
  for (const Session& session : all())
    address_users_.signed_in(session.address, session.user, session.signed_in, longest,
                             clock_.boot_time());
}

void SessionKeeper::note_address(Session& session) {
  const std::chrono::seconds longest = policy::longest_origin_age(*config_);
  if (!policy::may_be_one_machine(session.address)) session.address.clear();
  if (longest == std::chrono::seconds::zero() || session.address.empty()) {
    session.address.clear();
    return;
  }
  // Each service counts: an address is shared, however people sign in from there.
  address_users_.signed_in(session.address, session.user, session.signed_in, longest,
                           session.signed_in);
  // Also now: an address of this machine may be another one's later.
  if (policy::reauth_rule(*config_, session.service).from != policy::ReauthFrom::origin ||
      kind_of_address_(session.address) != runtime::AddressKind::remote)
    session.address.clear();
}

policy::OriginQuestion SessionKeeper::origin_question(const Session& session,
                                                      std::string_view address,
                                                      std::string_view service,
                                                      std::chrono::seconds within) const {
  policy::OriginQuestion question;
  question.address = address;
  question.session_address = session.address;
  question.same_service = session.service == service;
  question.login_open = session.login_open;
  // The kernel is asked only about addresses that a session has.
  if (address.empty() || session.address != address) return question;
  question.kind = kind_of_address_(session.address);
  question.users = address_users_.users(session.address, within, clock_.boot_time());
  return question;
}

void SessionKeeper::keep(NewSession fresh, PendingTokens tokens) {
  users_not_kept_.erase(fresh.user);
  if (!config_ || config_->session.lifetime.count() == 0 || tokens.get().refresh_token.empty())
    return;
  // A reload has changed the pool since the sign-in began.
  if (fresh.pool != 0 && fresh.pool != fingerprint_) return;

  Session session = as_session(fresh);
  session.signed_in = session.verified = clock_.boot_time();
  session.pool = fingerprint_;
  session.refresh_token = tokens.get().refresh_token;

  // Root may have changed the pin, or the pool disabled the account, before the acknowledgement.
  if (!is_of_the_user(session)) return;
  note_address(session);

  const std::optional<Session> before = replaced_by(session);
  std::optional<SignInId> replaced;
  if (before) {
    replaced = before->id;
    session.login_open = before->login_open;
  }
  if (!put_with_room(session, replaced)) {
    runtime::log(Level::warning,
                 "the sign-in of " + session.user + " by " + session.service +
                     " is not kept as a session: there is no room for it",
                 {{"USER", session.user}, {"SERVICE", session.service}});
    if (users_not_kept_.size() < kMaxUsersNotKept) users_not_kept_.insert(session.user);
    return;
  }
  if (replaced) (void)end(*replaced, "replaced");
  if (!expiry_) arm_expiry();

  cognito::Tokens taken = tokens.take();
  if (background_.size() >= kMaxInBackground) {
    runtime::log(Level::warning,
                 "a session does without password verifier and device: too many "
                 "wait for theirs",
                 {{"USER", session.user}});
    return;
  }
  const SignInId id = session.id;
  if (!fresh.password.empty() && policy::wants_password_verifiers(*config_)) {
    pending_verifiers_.emplace(id, std::make_shared<runtime::SharedAnswer<bool>>());
    in_background(make_verifier(id, std::move(fresh.password)),
                  [this, id] { verifier_settled(id); });
  }
  if (!taken.device_key.empty() && !taken.device_group_key.empty()) {
    const auto confirmation = std::make_shared<Confirmation>();
    confirmation->pool = pool_;
    confirmations_.emplace(id, confirmation);
    in_background(confirm_device(id, session.user, std::move(taken)),
                  [this, id] { device_settled(id, {}); });
  }
}

bool SessionKeeper::was_not_kept(std::string_view user) const {
  return users_not_kept_.contains(user);
}

std::optional<Session> SessionKeeper::replaced_by(const Session& session) const {
  for (Session& other : store_.sessions_of(session.user))
    if (other.id != session.id && is_same_place(session, other)) return std::move(other);
  return std::nullopt;
}

bool SessionKeeper::put_with_room(const Session& session, const std::optional<SignInId>& replaced) {
  make_room_of_user(session.user, replaced);
  // The replaced session stays until the new one is stored, unless its room is needed. Then the
  // oldest sessions of all users go.
  bool may_end_replaced = replaced.has_value();
  while (store_.room_for(session) == SessionStore::Room::later) {
    if (std::exchange(may_end_replaced, false)) {
      (void)end(*replaced, "replaced");
      continue;
    }
    const std::optional<SignInId> oldest = store_.oldest();
    if (!oldest) return false;
    (void)end(*oldest, "too-many");
  }
  return store_.put(session);
}

void SessionKeeper::make_room_of_user(std::string_view user,
                                      const std::optional<SignInId>& replaced) {
  std::vector<Session> others = store_.sessions_of(user);
  std::erase_if(others, [&replaced](const Session& session) { return session.id == replaced; });
  // Screens are unlocked more often than logins begin: those that no login has open go first.
  std::ranges::sort(others, std::greater(), [](const Session& session) {
    return std::pair(session.login_open, session.signed_in);
  });
  for (; others.size() >= SessionStore::kMaxOfUser; others.pop_back())
    (void)end(others.back().id, "too-many-of-user");
}

bool SessionKeeper::is_expired(const Session& session) const {
  return clock_.boot_time() - session.signed_in >= config_->session.lifetime;
}

bool SessionKeeper::counts(const Session& session) const {
  return config_ && session.pool == fingerprint_ && !is_expired(session) && is_of_the_user(session);
}

// Asks the pin as it is now; root may have changed it, or the pool disabled the account.
bool SessionKeeper::is_of_the_user(const Session& session) const {
  const KnownUser* user = known_.is_readable() ? known_.find(session.user) : nullptr;
  return user != nullptr && user->sub == session.sub && user->account_status == AccountStatus::good;
}

std::vector<Session> SessionKeeper::sessions_of(std::string_view user) const {
  std::vector<Session> sessions = store_.sessions_of(user);
  std::erase_if(sessions, [this](const Session& session) { return !counts(session); });
  return sessions;
}

std::vector<Session> SessionKeeper::all() const {
  std::vector<Session> sessions;
  for (const SignInId& id : store_.all()) {
    std::optional<Session> session = find(id);
    if (session) sessions.push_back(std::move(*session));
  }
  return sessions;
}

std::optional<Session> SessionKeeper::find(const SignInId& id) const {
  std::optional<Session> session = store_.find(id);
  if (session && !counts(*session)) session.reset();
  return session;
}

bool SessionKeeper::open_login(const SignInId& id, std::string_view user, const Binding& binding) {
  std::optional<Session> session = find(id);
  // A user's own process begins no login; nor does what runs as root by a user's hand.
  if (!session || session->user != user || session->service == kUserService ||
      session->origin.starts_with("uid:"))
    return false;
  if (!binding.is_set() || session->binding.is_set()) return false;
  if (clock_.boot_time() - session->signed_in > kTimeToOpenLogin) return false;

  session->binding = binding;
  session->login_open = true;
  const std::optional<Session> replaced = replaced_by(*session);
  if (!store_.put(*session)) return false;
  if (replaced) (void)end(replaced->id, "replaced");
  return true;
}

void SessionKeeper::close_login(std::string_view user, const Binding& binding) {
  bool closed = false;
  bool another_is_open = false;
  for (Session& session : store_.sessions_of(user)) {
    if (!session.login_open) continue;
    if (!session.binding.is_same_login(binding)) {
      another_is_open = true;
      continue;
    }
    session.login_open = false;
    closed = true;
    // One that stays open for ever would keep the user's others from ending.
    if (!store_.put(session)) (void)end(session.id, "not-stored");
  }
  if (closed && !another_is_open && config_ && config_->session.end_on_logout)
    (void)end_all(user, "last-logout");
}

}  // namespace pamcognito::sessions
