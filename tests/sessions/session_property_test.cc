#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/sessions/keeper_world.h"

// Random sequences of what can happen to the sessions of several users.
namespace pamcognito::test {
namespace {

using cognito::ErrorKind;
using sessions::Session;
using std::chrono::minutes;

constexpr std::array kUsers = {"alice", "bob", "carol"};

// One run: after each step, only the sessions of the user that it was about may have changed,
// and none that has ended is there again. At the end no token counts at the pool but those of the
// sessions that are there.
class Run {
 public:
  explicit Run(unsigned seed) : random_(seed) {
    // The pool's side: each token that it hands out is good until it is rotated or revoked.
    world_.pool.on_refresh = [this](const cognito::RefreshProof& proof) { return refresh(proof); };
    for (const char* user : kUsers) world_.pin(user, sub_of(user));
  }

  void run() {
    for (int step = 0; step < 150; ++step) {
      const std::string user = kUsers.at(below(kUsers.size()));
      const auto before = others_of(user);
      act(user);
      world_.drain();
      if (others_of(user) != before)
        fail_msg("step %d of %s changed another's", step, user.c_str());
      nothing_came_back();
      if (below(8) == 0) pass_time();
    }
    settle();
  }

 private:
  using Answer = KeeperWorld::Started<cognito::AccountVerdict>;

  std::size_t below(std::size_t limit) { return random_() % limit; }

  void act(const std::string& user) {
    switch (below(8)) {
      case 0:
      case 1:
        return sign_in(user);
      case 2:
        return revalidate(user);
      case 3:
        return hold_or_release(user);
      case 4:
        // Any session's id, also another user's: then nothing happens.
        (void)world_.keeper->open_login(any_id(), user, login(random_audit_session()));
        return;
      case 5:
        world_.keeper->close_login(user, login(random_audit_session()));
        return;
      case 6: {
        const std::vector<Session> own = world_.store->sessions_of(user);
        if (!own.empty()) (void)world_.keeper->end(own[below(own.size())].id, "signed-out");
        return;
      }
      default:
        if (below(4) == 0) (void)world_.keeper->end_all(user, "signed-out");
        if (below(4) == 0) switch_end_on_logout();
        return;
    }
  }

  std::uint32_t random_audit_session() { return static_cast<std::uint32_t>(below(4)); }

  SignInId any_id() { return ids_.empty() ? SignInId{} : ids_[below(ids_.size())]; }

  void sign_in(const std::string& user) {
    KeeperWorld::SignIn sign_in;
    sign_in.user = user;
    constexpr std::array services = {"sshd", "sudo", "user"};
    sign_in.service = services.at(below(services.size()));
    if (sign_in.service == "sudo") sign_in.binding = login(random_audit_session());
    sign_in.refresh_token = issue(user);
    ids_.push_back(world_.keep(sign_in));
  }

  void revalidate(const std::string& user) {
    const std::vector<Session> own = world_.store->sessions_of(user);
    if (own.empty()) return;
    Answer answer =
        world_.start(world_.keeper->revalidate(own[below(own.size())].id, world_.call()));
    if (below(3) == 0) answer.spawned.cancel();
    answers_.push_back(std::move(answer));
  }

  void hold_or_release(const std::string& user) {
    const std::string operation = "refresh of " + user;
    if (held_.erase(operation) == 1)
      world_.release(operation);
    else if (held_.insert(operation).second)
      world_.hold(operation);
  }

  void switch_end_on_logout() {
    auto& end_on_logout = world_.config->session.end_on_logout;
    end_on_logout = !end_on_logout;
  }

  void pass_time() {
    world_.clock.advance(minutes(below(120)));
    world_.configure();
    world_.drain();
    nothing_came_back();
  }

  std::string issue(const std::string& user) {
    std::string token = "token " + std::to_string(++tokens_) + " of " + user;
    good_.insert(token);
    return token;
  }

  cognito::PoolResult<cognito::Tokens> refresh(const cognito::RefreshProof& proof) {
    constexpr std::array errors = {ErrorKind::not_authorized, ErrorKind::timed_out,
                                   ErrorKind::user_disabled, ErrorKind::too_many_requests};
    if (below(4) == 0) return std::unexpected(cognito::PoolError(errors.at(below(errors.size()))));
    cognito::Tokens tokens;
    tokens.access_token = "access of " + proof.username;
    if (below(2) == 0) {
      good_.erase(proof.refresh_token);
      tokens.refresh_token = issue(proof.username);
    }
    return tokens;
  }

  std::vector<std::string> others_of(const std::string& user) {
    std::vector<std::string> all;
    for (const char* other : kUsers) {
      if (other == user) continue;
      for (const Session& session : world_.store->sessions_of(other))
        all.push_back(std::string(session.id.begin(), session.id.end()) + session.user +
                      session.refresh_token + std::to_string(session.binding.audit_session) +
                      std::to_string(session.verified.time_since_epoch().count()) +
                      (session.login_open ? "open" : "closed"));
    }
    return all;
  }

  void nothing_came_back() {
    for (const SignInId& id : ids_) {
      const bool is_there = world_.store->find(id).has_value();
      if (is_there && gone_.contains(id)) fail_msg("a session came back");
      if (!is_there) gone_.insert(id);
    }
  }

  void settle() {
    for (const std::string& operation : held_) world_.release(operation);
    world_.drain();
    nothing_came_back();
    for (const std::string& token : world_.revoked()) good_.erase(token);
    for (const std::string& token : world_.not_taken) good_.erase(token);
    std::set<std::string> kept;
    for (const SignInId& id : world_.store->all())
      kept.insert(world_.store->find(id)->refresh_token);
    if (kept != good_) fail_msg("%zu tokens are kept, %zu are good", kept.size(), good_.size());
    for (const Answer& answer : answers_)
      if (answer.spawned.running()) fail_msg("somebody waits for ever");
  }

  std::minstd_rand random_;
  std::vector<SignInId> ids_;
  std::set<SignInId> gone_;
  std::set<std::string> held_;
  std::set<std::string> good_;
  std::size_t tokens_ = 0;
  KeeperWorld world_;
  std::vector<Answer> answers_;
};

void sessions_of_others_are_others_affair(void**) {
  constexpr unsigned runs = 40;
  for (unsigned seed = 1; seed <= runs; ++seed) {
    print_message("seed %u\n", seed);
    Run(seed).run();
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {cmocka_unit_test(sessions_of_others_are_others_affair)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
