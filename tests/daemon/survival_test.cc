#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "common/hexadecimal.h"
#include "tests/cmocka_cpp.h"
#include "tests/daemon/bus_client.h"
#include "tests/daemon/stage.h"

// The daemon is killed, again and again, at random points, while sessions are made, used and ended:
// none that was acknowledged is lost, none that has ended comes back.
namespace pamcognito::test {
namespace {

constexpr std::uint32_t kAlice = 1001;
constexpr std::size_t kMostAtOnce = 10;  // below what the daemon keeps of a user

// A process that makes, uses and ends sessions of alice's, and reports them: "made ID" once the
// daemon has confirmed it, "ending ID", "ended ID".
class Worker {
 public:
  Worker(Pool* pool, int out, unsigned seed) : pool_(pool), out_(out), random_(seed) {}

  [[noreturn]] void run() {
    for (;;) {
      // A connection of its own each time: the daemon may have been another one meanwhile.
      BusClient bus;
      if (made_.size() < 3 || (made_.size() < kMostAtOnce && random_() % 3 != 0))
        make(bus);
      else
        end(bus);
    }
  }

 private:
  void say(const std::string& word, const std::string& id) const {
    const std::string line = word + " " + id + "\n";
    (void)!::write(out_, line.data(), line.size());
  }

  void make(BusClient& bus) {
    Json::Value who;
    who["username"] = "alice";
    const FactMap facts{{"ruid", 0U}, {"uid", kAlice}, {"rhost", "192.0.2.7"}};
    const Conversation login = sign_in(bus, "alice", "sshd", facts, [&](const DaemonFrame& frame) {
      if (frame.purpose == Purpose::password) return std::string("Correct-Horse-1");
      (void)pool_->admin("users/unlock", who);
      return pool_->totp_code("alice");
    });
    if (login.outcome != Outcome::success || ask_account(login) != Outcome::success) return;
    const std::string id = hexadecimal(login.id);
    made_.push_back(id);
    say("made", id);
    (void)bus.open_login("alice", login.id, facts_in_login(kAlice, next_login_++));
  }

  void end(BusClient& bus) {
    const std::size_t which = random_() % made_.size();
    const std::string id = made_[which];
    say("ending", id);
    const Reply reply = bus.call_text("EndSession", id);
    // No answer: it will be tried again. "No such session": an earlier try did it.
    if (!reply.error().empty() && reply.error() != "NoSuchSession") return;
    made_.erase(made_.begin() + static_cast<std::ptrdiff_t>(which));
    say("ended", id);
  }

  Pool* pool_;
  int out_;
  std::mt19937 random_;
  std::vector<std::string> made_;
  std::uint32_t next_login_ = 100;
};

std::set<std::string> listed() {
  BusClient bus;
  const std::string text = bus.call_text("ListSessions", "alice").text();
  std::set<std::string> ids;
  const std::regex id("id \\[([0-9a-f]{32}) \\]");
  for (std::sregex_iterator it(text.begin(), text.end(), id), end; it != end; ++it)
    ids.insert((*it)[1]);
  return ids;
}

// The worker's output since the last call; up to its end, if it has ended.
void hear(int out, std::string* said) {
  std::array<char, 4096> part{};
  ssize_t size = 0;
  while ((size = ::read(out, part.data(), part.size())) > 0)
    said->append(part.data(), static_cast<std::size_t>(size));
}

std::size_t made_in(const std::string& said) {
  std::size_t made = 0;
  for (std::size_t at = 0; (at = said.find("made ", at)) != std::string::npos; ++at) ++made;
  return made;
}

void sessions_survive_kills_under_load(void**) {
  Pool pool;
  Supervisor daemon(configuration_for(pool));
  std::array<int, 2> out{};
  assert_int_equal(::pipe2(out.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const unsigned seed = std::random_device()();
  print_message("seed %u\n", seed);
  Child worker([&] {
    Worker(&pool, out[1], seed).run();
    return 0;
  });
  (void)::close(out[1]);
  std::mt19937 random(seed);
  constexpr int least_kills = 30;
  constexpr std::size_t least_made = 6;
  std::string said;
  // Until both are reached. A machine on which no sign-in ends in the time between two kills is
  // given more of it; the program's own time limit bounds that.
  useconds_t longest_us = 300'000;
  for (int i = 0; i < least_kills || made_in(said) < least_made; ++i) {
    (void)::usleep(static_cast<useconds_t>(random() % longest_us));
    if (i % 5 == 4)
      daemon.restart();
    else
      daemon.kill_and_start();
    const std::size_t before = made_in(said);
    hear(out[0], &said);
    constexpr useconds_t longer_us = 100'000;
    if (before < least_made && made_in(said) == before) longest_us += longer_us;
  }
  worker.kill();
  hear(out[0], &said);
  (void)::close(out[0]);

  std::set<std::string> must;     // made, and their end did not begin
  std::set<std::string> may_not;  // ended
  std::istringstream lines(said);
  std::string word;
  std::string id;
  while (lines >> word >> id) {
    if (word == "made") must.insert(id);
    if (word == "ending") must.erase(id);
    if (word == "ended") may_not.insert(id);
  }
  print_message("%zu sessions were made, %zu ended\n", made_in(said), may_not.size());
  const std::set<std::string> there = listed();
  for (const std::string& one : must)
    if (!there.contains(one)) fail_msg("%s was lost", one.c_str());
  for (const std::string& one : may_not)
    if (there.contains(one)) fail_msg("%s has come back", one.c_str());
  assert_false(Cognitod::log().contains("Sanitizer"));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  enter_sandbox();
  set_up_accounts();
  const PrivateBus bus;
  const CMUnitTest tests[] = {
      cmocka_unit_test(sessions_survive_kills_under_load),
  };
  const int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
  if (failed != 0) (void)std::fputs(Cognitod::log().c_str(), stderr);
  return failed;
}
