#include "daemon/runtime/event_loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "common/fd.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using runtime::EventLoop;
using runtime::IoWatch;
using runtime::LoopClock;
using runtime::OneShot;
using runtime::SleepUntil;
using runtime::Task;
using runtime::Timer;
using runtime::with_deadline;
using std::chrono::milliseconds;

void posted_calls_run_in_order(void**) {
  EventLoop loop;
  std::string order;
  loop.post([&] {
    order += "a";
    loop.post([&] {
      order += "c";
      loop.exit(7);
    });
  });
  loop.post([&] { order += "b"; });
  assert_int_equal(loop.run(), 7);
  assert_text(order, "abc");
}

void a_timer_may_destroy_itself(void**) {
  EventLoop loop;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, loop.now() + milliseconds(1), [&] {
    timer.reset();
    loop.exit(0);
  });
  assert_int_equal(loop.run(), 0);
}

void a_destroyed_timer_is_silent(void**) {
  EventLoop loop;
  bool fired = false;
  {
    const Timer timer(loop, loop.now(), [&] { fired = true; });
  }
  const Timer last(loop, loop.now() + milliseconds(2), [&] { loop.exit(0); });
  assert_int_equal(loop.run(), 0);
  assert_false(fired);
}

void a_watch_may_destroy_itself(void**) {
  EventLoop loop;
  int pair[2];
  assert_int_equal(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const Fd ours(pair[0]);
  const Fd theirs(pair[1]);
  std::unique_ptr<IoWatch> watch;
  watch = std::make_unique<IoWatch>(loop, ours.get(), static_cast<std::uint32_t>(EPOLLIN),
                                    [&](std::uint32_t) {
                                      watch.reset();
                                      loop.exit(3);
                                    });
  assert_int_equal(::write(theirs.get(), "x", 1), 1);
  assert_int_equal(loop.run(), 3);
}

void what_a_callback_throws_ends_the_loop(void**) {
  EventLoop loop;
  loop.post([] { throw std::runtime_error("planned by the test"); });
  assert_int_equal(loop.run(), 1);
}

Task<void> note_after(EventLoop* loop, milliseconds delay, std::string* notes, std::string note) {
  co_await SleepUntil(*loop, loop->now() + delay);
  *notes += note;
}

void a_spawned_task_reports_its_end(void**) {
  EventLoop loop;
  std::string notes;
  EventLoop::Spawned spawned;
  spawned = loop.spawn(note_after(&loop, milliseconds(1), &notes, "slept"), [&](bool threw) {
    assert_false(threw);
    spawned = {};
    loop.exit(0);
  });
  assert_true(spawned.running());
  assert_int_equal(loop.run(), 0);
  assert_text(notes, "slept");
}

Task<void> throwing() {
  throw std::runtime_error("planned by the test");
  co_return;
}

void a_task_that_throws_reports_it(void**) {
  EventLoop loop;
  bool reported = false;
  const EventLoop::Spawned spawned = loop.spawn(throwing(), [&](bool threw) {
    reported = threw;
    loop.exit(0);
  });
  assert_int_equal(loop.run(), 0);
  assert_true(reported);
}

void a_cancelled_task_is_silent(void**) {
  EventLoop loop;
  std::string notes;
  EventLoop::Spawned spawned = loop.spawn(note_after(&loop, milliseconds(1), &notes, "slept"),
                                          [&](bool) { notes += "done"; });
  spawned.cancel();
  const Timer last(loop, loop.now() + milliseconds(5), [&] { loop.exit(0); });
  assert_int_equal(loop.run(), 0);
  assert_text(notes, "");
}

Task<int> forty_two_after(EventLoop* loop, milliseconds delay, std::shared_ptr<int> guard) {
  (void)guard;
  co_await SleepUntil(*loop, loop->now() + delay);
  co_return 42;
}

Task<void> race(EventLoop* loop, milliseconds deadline, milliseconds work, int* result,
                std::shared_ptr<int> guard) {
  const auto value = co_await with_deadline(*loop, loop->now() + deadline,
                                            forty_two_after(loop, work, std::move(guard)));
  *result = value ? *value : -1;
  loop->exit(0);
}

int run_race(milliseconds deadline, milliseconds work, long* guards_left) {
  EventLoop loop;
  int result = 0;
  const auto guard = std::make_shared<int>(0);
  {
    const EventLoop::Spawned spawned = loop.spawn(race(&loop, deadline, work, &result, guard));
    assert_int_equal(loop.run(), 0);
  }
  *guards_left = guard.use_count();
  return result;
}

void a_deadline_cancels_what_is_late(void**) {
  long guards = 0;
  assert_int_equal(run_race(milliseconds(1), std::chrono::hours(1), &guards), -1);
  assert_int_equal(guards, 1);
}

void a_deadline_lets_through_what_is_in_time(void**) {
  long guards = 0;
  assert_int_equal(run_race(std::chrono::hours(1), milliseconds(1), &guards), 42);
  assert_int_equal(guards, 1);
}

Task<int> at_once() {
  co_return 5;
}

Task<void> await_at_once(EventLoop* loop, int* result) {
  const auto value = co_await with_deadline(*loop, loop->now() + std::chrono::hours(1), at_once());
  *result = *value;
}

void a_deadline_over_a_task_that_never_waits(void**) {
  EventLoop loop;
  int result = 0;
  const EventLoop::Spawned spawned = loop.spawn(await_at_once(&loop, &result));
  assert_int_equal(result, 5);
}

void the_clock_sleeps(void**) {
  EventLoop loop;
  LoopClock clock(loop);
  const auto until = clock.now() + milliseconds(2);
  bool late_enough = false;
  const EventLoop::Spawned spawned = loop.spawn(clock.sleep_until(until), [&](bool) {
    late_enough = clock.now() >= until;
    loop.exit(0);
  });
  assert_int_equal(loop.run(), 0);
  assert_true(late_enough);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(posted_calls_run_in_order),
      cmocka_unit_test(a_timer_may_destroy_itself),
      cmocka_unit_test(a_destroyed_timer_is_silent),
      cmocka_unit_test(a_watch_may_destroy_itself),
      cmocka_unit_test(what_a_callback_throws_ends_the_loop),
      cmocka_unit_test(a_spawned_task_reports_its_end),
      cmocka_unit_test(a_task_that_throws_reports_it),
      cmocka_unit_test(a_cancelled_task_is_silent),
      cmocka_unit_test(a_deadline_cancels_what_is_late),
      cmocka_unit_test(a_deadline_lets_through_what_is_in_time),
      cmocka_unit_test(a_deadline_over_a_task_that_never_waits),
      cmocka_unit_test(the_clock_sleeps),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
