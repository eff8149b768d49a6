#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/sessions/session_store.h"
#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

// The session store as the daemon has it, in this process.
namespace pamcognito::bench {
namespace {

using sessions::Session;
using sessions::SessionStore;

constexpr std::size_t kMany = SessionStore::kMaxSessions;
constexpr std::size_t kFew = 10;
constexpr std::size_t kTokenSize = 1800;  // Cognito's refresh tokens have about so many bytes

std::string user_name(std::size_t i) {
  return "user" + std::to_string(i);
}

Session session_of(std::size_t i) {
  Session session;
  for (std::size_t byte = 0; byte < sizeof i; ++byte)
    session.id[byte] = static_cast<std::uint8_t>(i >> (8 * byte));
  session.user = user_name(i);
  session.sub = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
  session.cognito_name = session.user;
  session.groups = {"linux-users", "linux-admins"};
  session.service = "sshd";
  session.origin = "198.51.100.7";
  session.factor = cognito::Method::totp;
  session.signed_in = runtime::BootTime(std::chrono::seconds(i));
  session.verified = session.signed_in;
  session.refresh_token = std::string(kTokenSize, static_cast<char>('a' + i % 26));
  session.verifier.emplace();
  return session;
}

std::unique_ptr<SessionStore> filled(std::size_t count) {
  auto store = SessionStore::open(Fd(), false);
  if (!store) throw Failed("the session store: " + store.error());
  for (std::size_t i = 0; i < count; ++i)
    if (!(*store)->put(session_of(i)))
      throw Failed("session " + std::to_string(i) + " did not fit");
  return std::move(*store);
}

// Microseconds of one look-up.
double look_up(const SessionStore& store, std::size_t count) {
  constexpr std::size_t look_ups = 2000;
  const double began = wall_time();
  for (std::size_t i = 0; i < look_ups; ++i)
    if (store.sessions_of(user_name(i * 7919 % count)).size() != 1)
      throw Failed("a session is gone");
  return (wall_time() - began) / look_ups;
}

}  // namespace

void measure_sessions(Report* report) {
  constexpr int rounds = 15;
  const auto few = filled(kFew);
  const Memory before = memory_of(::getpid());
  const auto many = filled(kMany);
  const Memory after = memory_of(::getpid());
  Row memory{.id = "sessions_memory",
             .what = "10,000 cached sessions",
             .unit = "MiB",
             .decimals = 1,
             .figure = (after.proportional - before.proportional) / 1024};
  memory.limit = 40;
  memory.budget = "≤ 40 MiB";
  memory.note = "tokens of 1,800 bytes; the memory file's pages and the index";
  report->add(memory);

  std::vector<double> among_few;
  std::vector<double> among_many;
  for (int i = 0; i < rounds; ++i) {
    among_few.push_back(look_up(*few, kFew));
    among_many.push_back(look_up(*many, kMany));
  }
  Row time{.id = "session_look_up",
           .what = "a user's sessions, among 10,000",
           .unit = "µs",
           .decimals = 2,
           .figure = median(among_many)};
  time.reference = median(among_few);
  time.reference_is = "among 10";
  time.limit = 2 * *time.reference;
  time.budget = "≤ 2 × reference";
  time.note = "copies the whole session, its token included";
  report->add(time);
}

}  // namespace pamcognito::bench
