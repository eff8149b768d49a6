#include "daemon/sessions/known_users.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <expected>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "daemon/sessions/known_users_file.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/sessions/temporary_directory.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::sessions;
using runtime::EventLoop;
using runtime::Task;
using test::TemporaryDirectory;
using Groups = std::vector<std::string>;
using Written = std::expected<void, std::string>;

constexpr char kPool[] = "eu-west-1_Example";
constexpr std::time_t kNow = 1'800'000'000;

struct World {
  TemporaryDirectory directory;
  std::string path = directory.file("users.db");
  EventLoop loop;
  runtime::Worker worker{loop, 4};
  KnownUsers known{loop, worker, path};

  World() {
    const auto loaded = known.load(kPool);
    if (!loaded) fail_msg("%s", loaded.error().c_str());
  }
};

Task<void> to_its_end(World* world, Task<void> story) {
  co_await std::move(story);
  world->loop.exit(0);
}

// A world's one story.
void run(World& world, Task<void> story) {
  const EventLoop::Spawned running = world.loop.spawn(to_its_end(&world, std::move(story)));
  assert_int_equal(world.loop.run(), 0);
}

Task<void> flushed(World* world) {
  runtime::OneShot<bool> done;
  world->known.flush([&done] { done.report(true); });
  (void)co_await done;
}

Task<void> pinned(World* world, std::string user, std::string sub,
                  PinnedBy by = PinnedBy::first_sign_in) {
  const Written written = co_await world->known.pin(std::move(user), std::move(sub), by, kNow);
  if (!written) fail_msg("%s", written.error().c_str());
}

// `error`: a part of it.
Task<void> refused(World* world, std::string user, std::string sub, PinnedBy by,
                   const char* error) {
  const Written written = co_await world->known.pin(std::move(user), std::move(sub), by, kNow);
  if (written) fail_msg("pinned, wanted: %s", error);
  if (written.error().find(error) == std::string::npos)
    fail_msg("%s, wanted: %s", written.error().c_str(), error);
}

KnownUserMap on_disk(const World& world, const std::string& pool = kPool) {
  auto users = read_known_users(world.path, pool);
  if (!users) fail_msg("%s", users.error().c_str());
  return std::move(*users);
}

void nobody_is_known_without_a_file(void**) {
  const World world;
  assert_true(world.known.is_readable());
  assert_null(world.known.find("alice"));
  assert_false(std::filesystem::exists(world.path));
}

Task<void> pin_alice(World* world) {
  co_await pinned(world, "alice", "sub-a");
  const KnownUserMap users = on_disk(*world);
  assert_int_equal(users.size(), 1);
  assert_text(users.at("alice").sub, "sub-a");
  assert_int_equal(users.at("alice").pinned_at, kNow);
  assert_true(users.at("alice").pinned_by == PinnedBy::first_sign_in);
  assert_int_equal(users.at("alice").verified_at, 0);
  assert_true(users == world->known.all());
}

void a_pin_is_on_the_disk_when_it_is_told(void**) {
  World world;
  const mode_t before = ::umask(0);
  run(world, pin_alice(&world));
  ::umask(before);
  struct stat info{};
  assert_int_equal(::stat(world.path.c_str(), &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
  assert_false(std::filesystem::exists(world.path + "-journal"));
}

FactorChangeNote note_of(std::time_t at) {
  FactorChangeNote note;
  note.at = at;
  note.from = "192.0.2.66";
  return note;
}

Task<void> note_changes(World* world) {
  KnownUsers& known = world->known;
  known.note_factor_change("alice", note_of(kNow));
  assert_true(known.untold_factor_changes("alice", "local", kNow).empty());  // not pinned
  co_await pinned(world, "alice", "sub-a");
  constexpr std::time_t many = 2 * FactorChangeNote::kMaxNotes;
  for (std::time_t i = 0; i < many; ++i) known.note_factor_change("alice", note_of(kNow + i));
  assert_int_equal(known.untold_factor_changes("alice", "local", kNow).size(),
                   FactorChangeNote::kMaxNotes);
  assert_int_equal(known.find("alice")->factor_changes.back().at, kNow + many - 1);
  for (std::size_t i = 0; i < FactorChangeNote::kMaxTold + 2; ++i)
    known.told_factor_changes("alice", "uid:" + std::to_string(i), kNow);
  assert_int_equal(known.find("alice")->factor_changes.back().told.size(),
                   FactorChangeNote::kMaxTold);
  assert_true(known.untold_factor_changes("alice", "a new place", kNow).empty());
  known.note_factor_change("alice", note_of(kNow + many));
  assert_int_equal(known.untold_factor_changes("alice", "local", kNow).size(), 1);
  const std::time_t over = kNow + many + FactorChangeNote::kAge;
  assert_int_equal(known.untold_factor_changes("alice", "local", over - 1).size(), 1);
  assert_true(known.untold_factor_changes("alice", "local", over).empty());
  co_await flushed(world);
  assert_true(on_disk(*world) == known.all());
  // The next note removes the expired one.
  known.note_factor_change("alice", note_of(over + FactorChangeNote::kAge));
  assert_int_equal(known.find("alice")->factor_changes.size(), 1);
}

void notes_of_factor_changes_are_bounded(void**) {
  World world;
  run(world, note_changes(&world));
}

Task<void> pin_again(World* world) {
  co_await pinned(world, "alice", "sub-a");
  world->known.verified("alice", {"linux-users"}, kNow);
  co_await pinned(world, "alice", "sub-a");
  co_await refused(world, "alice", "sub-b", PinnedBy::first_sign_in, "another account is pinned");
  assert_text(world->known.find("alice")->sub, "sub-a");
  co_await pinned(world, "alice", "sub-a", PinnedBy::root);
  assert_true(world->known.find("alice")->pinned_by == PinnedBy::root);
  assert_int_equal(world->known.find("alice")->groups.size(), 1);
  co_await pinned(world, "alice", "sub-b", PinnedBy::root);
  assert_text(world->known.find("alice")->sub, "sub-b");
  // The groups were the other account's.
  assert_int_equal(world->known.find("alice")->groups.size(), 0);
  assert_int_equal(world->known.find("alice")->verified_at, 0);
  co_await refused(world, "alice", "sub-a", PinnedBy::first_sign_in, "another account is pinned");
  assert_true(on_disk(*world) == world->known.all());
}

void only_root_replaces_a_pin(void**) {
  World world;
  run(world, pin_again(&world));
}

Task<void> keep(Task<Written> task, Written* written) {
  Written ended = co_await std::move(task);
  *written = std::move(ended);
}

Task<void> pin_at_once(World* world) {
  Written first;
  Written second;
  Written third;
  const auto pin = [&](const char* sub) {
    return world->known.pin("alice", sub, PinnedBy::first_sign_in, kNow);
  };
  const EventLoop::Spawned one = world->loop.spawn(keep(pin("sub-a"), &first));
  const EventLoop::Spawned two = world->loop.spawn(keep(pin("sub-b"), &second));
  const EventLoop::Spawned same = world->loop.spawn(keep(pin("sub-a"), &third));
  co_await flushed(world);
  assert_true(first.has_value());
  assert_false(second.has_value());
  assert_true(third.has_value());
  assert_text(on_disk(*world).at("alice").sub, "sub-a");
}

void of_two_first_sign_ins_one_pins(void**) {
  World world;
  run(world, pin_at_once(&world));
}

Task<void> pin_one_account_twice(World* world) {
  co_await pinned(world, "alice", "sub-a");
  co_await refused(world, "Alice", "sub-a", PinnedBy::first_sign_in, "another user is pinned");
  assert_text(world->known.other_holder("sub-a", "Alice")->first, "alice");
  assert_null(world->known.other_holder("sub-a", "alice"));
  assert_null(world->known.other_holder("sub-b", "alice"));
  // Root may pin it to both, and a pin of root prevents no sign-in.
  co_await pinned(world, "Alice", "sub-a", PinnedBy::root);
  assert_text(world->known.other_holder("sub-a", "bob")->first, "alice");
  co_await pinned(world, "carol", "sub-c", PinnedBy::root);
  co_await pinned(world, "Carol", "sub-c");

  // Two at the same time.
  Written first;
  Written second;
  const auto pin = [&](const char* user) {
    return world->known.pin(user, "sub-d", PinnedBy::first_sign_in, kNow);
  };
  const EventLoop::Spawned one = world->loop.spawn(keep(pin("dave"), &first));
  const EventLoop::Spawned two = world->loop.spawn(keep(pin("Dave"), &second));
  co_await flushed(world);
  assert_true(first.has_value());
  assert_false(second.has_value());
  assert_false(on_disk(*world).contains("Dave"));
}

void by_a_sign_in_one_account_is_one_user(void**) {
  World world;
  run(world, pin_one_account_twice(&world));
}

Task<void> pin_nonsense(World* world) {
  for (const char* user : {"", "-alice", "al ice", "../alice"})
    co_await refused(world, user, "sub-a", PinnedBy::root, "not a Linux user name");
  for (const std::string& sub : {std::string(), std::string("a b"), std::string("a\n"),
                                 std::string("\xc3\xa9"), std::string(129, 'x')})
    co_await refused(world, "alice", sub, PinnedBy::root, "not the sub of an account");
  co_await pinned(world, "alice", std::string(128, 'x'));
}

void only_names_and_subs_are_pinned(void**) {
  World world;
  run(world, pin_nonsense(&world));
}

Task<void> pin_then_reset(World* world) {
  co_await pinned(world, "alice", "sub-a");
  co_await pinned(world, "bob", "sub-b");
  Written reset;
  const EventLoop::Spawned resetting = world->loop.spawn(keep(world->known.reset("alice"), &reset));
  // Tokens that arrive while the pin goes must not bring it back.
  world->known.verified("alice", {"linux-users"}, kNow);
  co_await flushed(world);
  assert_true(reset.has_value());
  assert_null(world->known.find("alice"));
  world->known.verified("alice", {"linux-users"}, kNow);
  co_await flushed(world);
  assert_true(on_disk(*world) == world->known.all());
  assert_int_equal(world->known.all().size(), 1);
  const Written unknown = co_await world->known.reset("carol");
  assert_true(unknown.has_value());
  co_await pinned(world, "alice", "sub-c");
}

void a_reset_forgets_all(void**) {
  World world;
  run(world, pin_then_reset(&world));
}

Task<void> verify(World* world) {
  KnownUsers& known = world->known;
  known.verified("alice", {"a"}, kNow);  // alice is unknown
  assert_null(known.find("alice"));
  co_await pinned(world, "alice", "sub-a");
  const auto stored = [&] { return on_disk(*world).at("alice"); };
  known.verified("alice", {"a", "b"}, kNow);
  assert_true(known.find("alice")->groups == (Groups{"a", "b"}));  // at once
  co_await flushed(world);
  assert_true(stored().groups == (Groups{"a", "b"}));
  assert_int_equal(stored().verified_at, kNow);
  known.verified("alice", {"a", "b"}, kNow + 3599);
  assert_int_equal(known.find("alice")->verified_at, kNow + 3599);
  co_await flushed(world);
  assert_int_equal(stored().verified_at, kNow);  // nothing new, and not an hour
  known.verified("alice", {"a", "b"}, kNow + 3600);
  co_await flushed(world);
  assert_int_equal(stored().verified_at, kNow + 3600);
  known.verified("alice", {}, kNow + 3601);
  co_await flushed(world);
  assert_true(stored().groups.empty());
  known.verified("alice", {}, kNow);  // the clock was set back
  co_await flushed(world);
  assert_int_equal(stored().verified_at, kNow);
}

void what_was_verified_is_written_when_it_says_something(void**) {
  World world;
  run(world, verify(&world));
}

Task<void> disable(World* world) {
  co_await pinned(world, "alice", "sub-a");
  world->known.set_account_status("alice", AccountStatus::disabled);
  world->known.set_account_status("bob", AccountStatus::disabled);
  assert_true(world->known.find("alice")->account_status == AccountStatus::disabled);
  co_await flushed(world);
  assert_true(on_disk(*world).at("alice").account_status == AccountStatus::disabled);
  assert_int_equal(on_disk(*world).size(), 1);
  world->known.verified("alice", {}, kNow);
  co_await flushed(world);
  assert_true(on_disk(*world).at("alice").account_status == AccountStatus::good);
}

void disabled_lasts_until_something_is_verified(void**) {
  World world;
  run(world, disable(&world));
}

Task<void> hold_odd_groups(World* world) {
  co_await pinned(world, "alice", "sub-a");
  const std::string large(60000, 'g');
  world->known.verified("alice", {"a\nadmins", "", "b c", "\xc3\xbc", large, large + "h"}, kNow);
  co_await flushed(world);
  assert_true(on_disk(*world).at("alice").groups == (Groups{"b c", "\xc3\xbc", large}));
}

void a_group_name_cannot_become_two(void**) {
  World world;
  run(world, hold_odd_groups(&world));
}

Task<void> change_pools(World* world) {
  co_await pinned(world, "alice", "sub-a");
  world->known.verified("alice", {"a"}, kNow);
  assert_true(world->known.load("eu-west-1_Other").has_value());
  assert_null(world->known.find("alice"));
  co_await pinned(world, "alice", "sub-of-other");
  co_await flushed(world);
  assert_true(world->known.load(kPool).has_value());
  assert_text(world->known.find("alice")->sub, "sub-a");
  assert_true(world->known.find("alice")->groups == Groups{"a"});
  assert_text(on_disk(*world, "eu-west-1_Other").at("alice").sub, "sub-of-other");
}

void pins_are_of_one_pool(void**) {
  World world;
  run(world, change_pools(&world));
}

// No file may grow: what a full disk does, for root too.
class FullDisk {
 public:
  FullDisk() {
    before_ = std::signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(::getrlimit(RLIMIT_FSIZE, &limit_), 0);
    rlimit none = limit_;
    none.rlim_cur = 0;
    assert_int_equal(::setrlimit(RLIMIT_FSIZE, &none), 0);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    (void)::setrlimit(RLIMIT_FSIZE, &limit_);
    (void)std::signal(SIGXFSZ, before_);
  }

 private:
  rlimit limit_{};
  void (*before_)(int);
};

Task<void> fill_the_disk(World* world) {
  co_await pinned(world, "alice", "sub-a");
  world->known.verified("alice", {"a"}, kNow);
  co_await flushed(world);
  {
    const FullDisk full;
    co_await refused(world, "bob", "sub-b", PinnedBy::first_sign_in, "users.db: ");
    assert_null(world->known.find("bob"));
    world->known.verified("alice", {"a", "b"}, kNow + 1);
    co_await flushed(world);
    assert_true(world->known.find("alice")->groups == (Groups{"a", "b"}));
    assert_true(on_disk(*world).at("alice").groups == Groups{"a"});
    const Written reset = co_await world->known.reset("alice");
    assert_false(reset.has_value());
    assert_non_null(world->known.find("alice"));
    // A daemon that starts now still knows its users.
    KnownUsers another(world->loop, world->worker, world->path);
    assert_true(another.load(kPool).has_value());
    assert_text(another.find("alice")->sub, "sub-a");
  }
  co_await pinned(world, "bob", "sub-b");
  co_await flushed(world);
  assert_true(on_disk(*world) == world->known.all());  // what waited was written too
}

void a_full_disk_loses_nothing(void**) {
  World world;
  run(world, fill_the_disk(&world));
}

// No later change concerns alice: the mark reaches the disk all the same.
Task<void> disable_on_a_full_disk(World* world) {
  KnownUsers known(world->loop, world->worker, world->path, std::chrono::milliseconds(1));
  assert_true(known.load(kPool).has_value());
  const Written pin = co_await known.pin("alice", "sub-a", PinnedBy::first_sign_in, kNow);
  assert_true(pin.has_value());
  const auto stored = [&] { return on_disk(*world).at("alice").account_status; };
  {
    const FullDisk full;
    known.set_account_status("alice", AccountStatus::disabled);
    runtime::OneShot<bool> tried;
    known.flush([&tried] { tried.report(true); });
    (void)co_await tried;
    assert_false(known.is_on_disk());
    assert_true(stored() == AccountStatus::good);
  }
  const auto deadline = world->loop.now() + std::chrono::seconds(60);
  while (!known.is_on_disk() && world->loop.now() < deadline) {
    runtime::OneShot<bool> later;
    const runtime::Timer timer(world->loop, world->loop.now() + std::chrono::milliseconds(2),
                               [&later] { later.report(true); });
    (void)co_await later;
  }
  assert_true(known.is_on_disk());
  assert_true(stored() == AccountStatus::disabled);
}

void what_a_full_disk_did_not_take_is_tried_again(void**) {
  World world;
  run(world, disable_on_a_full_disk(&world));
}

Task<void> have_no_directory(World* world) {
  KnownUsers nowhere(world->loop, world->worker, world->directory.file("missing/users.db"));
  assert_true(nowhere.load(kPool).has_value());
  const Written written = co_await nowhere.pin("alice", "sub-a", PinnedBy::first_sign_in, kNow);
  assert_false(written.has_value());
  assert_null(nowhere.find("alice"));
}

void without_a_directory_nobody_is_pinned(void**) {
  World world;
  run(world, have_no_directory(&world));
}

Task<void> be_unreadable(World* world) {
  co_await pinned(world, "alice", "sub-a");
  KnownUsers known(world->loop, world->worker, world->path);
  assert_false(known.is_readable());  // not loaded
  assert_int_equal(::chmod(world->path.c_str(), 0622), 0);
  const auto loaded = known.load(kPool);
  assert_false(loaded.has_value());
  assert_false(known.is_readable());
  assert_null(known.find("alice"));
  const Written pin = co_await known.pin("bob", "sub-b", PinnedBy::root, kNow);
  assert_false(pin.has_value());
  const Written reset = co_await known.reset("alice");
  assert_false(reset.has_value());
  known.verified("alice", {"a"}, kNow);
  known.set_account_status("alice", AccountStatus::disabled);
  // The administrator repairs it, and reloads.
  assert_int_equal(::chmod(world->path.c_str(), 0600), 0);
  assert_true(known.load(kPool).has_value());
  assert_text(known.find("alice")->sub, "sub-a");
}

void an_unreadable_file_says_nothing_of_anybody(void**) {
  World world;
  run(world, be_unreadable(&world));
}

Task<void> leave_in_the_middle(World* world) {
  {
    KnownUsers leaving(world->loop, world->worker, world->path);
    assert_true(leaving.load(kPool).has_value());
    Written never;
    const EventLoop::Spawned pinning = world->loop.spawn(
        keep(leaving.pin("alice", "sub-a", PinnedBy::first_sign_in, kNow), &never));
    leaving.flush([] { fail_msg("it is gone"); });
  }
  (void)co_await world->worker.run([] { return 0; });
}

void who_waits_may_go_and_so_may_all(void**) {
  World world;
  run(world, leave_in_the_middle(&world));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(nobody_is_known_without_a_file),
      cmocka_unit_test(a_pin_is_on_the_disk_when_it_is_told),
      cmocka_unit_test(only_root_replaces_a_pin),
      cmocka_unit_test(of_two_first_sign_ins_one_pins),
      cmocka_unit_test(by_a_sign_in_one_account_is_one_user),
      cmocka_unit_test(only_names_and_subs_are_pinned),
      cmocka_unit_test(a_reset_forgets_all),
      cmocka_unit_test(what_was_verified_is_written_when_it_says_something),
      cmocka_unit_test(disabled_lasts_until_something_is_verified),
      cmocka_unit_test(a_group_name_cannot_become_two),
      cmocka_unit_test(pins_are_of_one_pool),
      cmocka_unit_test(notes_of_factor_changes_are_bounded),
      cmocka_unit_test(a_full_disk_loses_nothing),
      cmocka_unit_test(what_a_full_disk_did_not_take_is_tried_again),
      cmocka_unit_test(without_a_directory_nobody_is_pinned),
      cmocka_unit_test(an_unreadable_file_says_nothing_of_anybody),
      cmocka_unit_test(who_waits_may_go_and_so_may_all),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
