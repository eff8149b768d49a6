// Whenever the daemon is killed, each session is in the memory once, as it was before or after
// the change that was under way. Two ways: SIGKILL at random points of random changes, and a stop
// after each instruction of one change.
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "daemon/runtime/journal.h"
#include "tests/unit/sessions/sample_sessions.h"

namespace pamcognito::test {
namespace {

// Session number to version.
using Model = std::map<unsigned, unsigned>;

constexpr unsigned kNumbers = 24;
constexpr std::size_t kMostSlots = 3;

// One slot, two or three, so that sessions grow and shrink.
std::size_t slots_of(unsigned version) {
  return 1 + version % kMostSlots;
}

Session sample_of(unsigned number, unsigned version) {
  return large_sample(number, version, slots_of(version));
}

std::size_t slots_of(const Model& model) {
  std::size_t slots = 0;
  for (const auto& [number, version] : model) slots += slots_of(version);
  return slots;
}

bool agrees(const SessionStore& store, const Model& model) {
  if (store.size() != model.size()) return false;
  return std::ranges::all_of(model, [&](const auto& entry) {
    const auto found = store.find(id_of(entry.first));
    return found && same(*found, sample_of(entry.first, entry.second));
  });
}

// One change, the same for who makes it and who judges it.
struct Change {
  unsigned number;
  unsigned version;  // 0: erase
};

Change next_change(std::mt19937& random, unsigned& last_version) {
  const unsigned number = static_cast<unsigned>(random() % kNumbers);
  return random() % 4 == 0 ? Change{number, 0} : Change{number, ++last_version};
}

void perform(SessionStore& store, const Change& change) {
  if (change.version == 0)
    store.erase(id_of(change.number));
  else if (!store.put(sample_of(change.number, change.version)))
    ::_exit(1);
}

void note(Model& model, const Change& change) {
  if (change.version == 0)
    model.erase(change.number);
  else
    model[change.number] = change.version;
}

// Changes without end; one byte to the pipe for each that was made.
[[noreturn]] void change_until_killed(int memory, int pipe, std::mt19937 random, unsigned version) {
  const auto store = open_store(copy_of(memory));
  for (;;) {
    perform(*store, next_change(random, version));
    if (::write(pipe, "", 1) != 1) ::_exit(1);
  }
}

// Kills after about `wanted` changes; how many were acknowledged.
std::size_t kill_after(std::size_t wanted, unsigned spins, int pipe, pid_t child) {
  std::array<char, 4096> bytes{};
  std::size_t acknowledged = 0;
  while (acknowledged < wanted) {
    const ssize_t count = ::read(pipe, bytes.data(), wanted - acknowledged);
    if (count <= 0) fail_msg("the child ended by itself");
    acknowledged += static_cast<std::size_t>(count);
  }
  volatile unsigned spun = 0;
  while (spun < spins) spun = spun + 1;
  assert_int_equal(::kill(child, SIGKILL), 0);
  int status = 0;
  assert_int_equal(::waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  for (ssize_t count = 0; (count = ::read(pipe, bytes.data(), bytes.size())) > 0;)
    acknowledged += static_cast<std::size_t>(count);
  return acknowledged;
}

void a_kill_loses_nothing_and_revives_nothing(void**) {
  const char* const given = std::getenv("SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                         : std::random_device()();
  print_message("SEED=%u\n", seed);
  std::mt19937 points(seed);
  constexpr unsigned kKills = 220;
  const Fd memory = copy_of(open_store()->fd());
  Model model;
  unsigned version = 0;
  unsigned in_flight_done = 0;
  for (unsigned round = 0; round < kKills; ++round) {
    std::mt19937 random(seed + round);
    int pipe[2];
    assert_int_equal(::pipe(pipe), 0);
    Fd from(pipe[0]);
    Fd to(pipe[1]);
    const pid_t child = ::fork();
    if (child == 0) change_until_killed(memory.get(), to.get(), random, version);
    to.reset();
    const std::size_t acknowledged =
        kill_after(points() % 40, static_cast<unsigned>(points() % 20000), from.get(), child);
    for (std::size_t i = 0; i < acknowledged; ++i) note(model, next_change(random, version));

    const auto store = open_store(copy_of(memory.get()));
    Model also_next = model;
    note(also_next, next_change(random, version));
    if (!agrees(*store, model)) {
      if (!agrees(*store, also_next)) fail_msg("SEED=%u: wrong after kill %u", seed, round);
      model = also_next;
      ++in_flight_done;
    }
    assert_int_equal(slots_in_use(read_memory(memory.get(), kMostSlots * (kNumbers + 8))),
                     slots_of(model));
  }
  print_message("%u kills, %u of them between a change and its word\n", kKills, in_flight_done);
}

// The child makes the change while its parent looks on after each instruction.
[[noreturn]] void change_under_trace(int memory, const Change& change) {
  const auto store = open_store(copy_of(memory));
  const Session session = sample_of(change.number, change.version);
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
  (void)::raise(SIGSTOP);
  if (change.version == 0)
    store->erase(session.id);
  else if (!store->put(session))
    ::_exit(1);
  (void)::raise(SIGSTOP);
  ::_exit(0);
}

// False: this machine does not let a process trace its child.
bool step_through(const Fd& memory, const Model& before, const Model& after, const Change& change) {
  constexpr std::size_t kSlots = 4;
  constexpr std::size_t size = SlotMemory::kHeaderSize + kSlots * SessionStore::kSlotSize;
  void* const view = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, memory.get(), 0);
  assert_true(view != MAP_FAILED);
  const pid_t child = ::fork();
  if (child == 0) change_under_trace(memory.get(), change);
  int status = 0;
  assert_int_equal(::waitpid(child, &status, 0), child);
  if (WIFEXITED(status)) return false;
  std::vector<std::uint8_t> seen = read_memory(memory.get(), kSlots);
  bool done = false;
  unsigned states = 0;
  for (;;) {
    if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) fail_msg("PTRACE_SINGLESTEP");
    assert_int_equal(::waitpid(child, &status, 0), child);
    assert_true(WIFSTOPPED(status));
    if (WSTOPSIG(status) == SIGSTOP) break;
    if (std::memcmp(view, seen.data(), size) == 0) continue;
    seen = read_memory(memory.get(), kSlots);
    ++states;
    const auto store = open_store(memory_with(seen));
    if (!done && agrees(*store, after)) done = true;
    if (!agrees(*store, done ? after : before)) fail_msg("wrong in state %u", states);
  }
  assert_true(done);
  assert_int_equal(::kill(child, SIGKILL), 0);
  assert_int_equal(::waitpid(child, &status, 0), child);
  (void)::munmap(view, size);
  print_message("%u states\n", states);
  assert_true(states > 10);
  return true;
}

bool step_through_each_change() {
  const Fd memory = copy_of(open_store()->fd());
  Model model;
  for (const Change& change : {Change{1, 3}, Change{1, 4}, Change{1, 0}}) {
    Model after = model;
    note(after, change);
    if (!step_through(memory, model, after, change)) return false;
    model = after;
  }
  return true;
}

void every_single_store_leaves_each_session_once(void**) {
  if (step_through_each_change()) return;
  print_message("no tracing here\n");
  _skip(__FILE__, __LINE__);  // it jumps: nothing here has to be destroyed
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  pamcognito::runtime::set_log_level(pamcognito::runtime::Level::error);
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_kill_loses_nothing_and_revives_nothing),
      cmocka_unit_test(every_single_store_leaves_each_session_once),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
