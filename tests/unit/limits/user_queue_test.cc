#include "daemon/limits/user_queue.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/runtime/task.h"
#include "tests/cmocka_cpp.h"

namespace {

using pamcognito::limits::UserQueue;
using pamcognito::runtime::OneShot;
using pamcognito::runtime::Task;

// The actions of the steps, in order: "alice+" has the turn, "alice-" is done.
using Trace = std::vector<std::string>;

// A password step that ends when `answer` is reported.
Task<void> step(UserQueue* queue, std::string user, OneShot<int>* answer, Trace* trace) {
  const UserQueue::Turn turn = co_await queue->turn(user);
  trace->push_back(user + "+");
  const int number = co_await *answer;
  trace->push_back(user + "-" + std::to_string(number));
}

Task<void> short_step(UserQueue* queue, std::string user, int* done) {
  const UserQueue::Turn turn = co_await queue->turn(user);
  ++*done;
}

void start(const Task<void>& task) {
  task.handle().resume();
}

void steps_of_a_user_follow_each_other(void**) {
  UserQueue queue;
  Trace trace;
  OneShot<int> first;
  OneShot<int> second;
  OneShot<int> third;
  const Task<void> a = step(&queue, "alice", &first, &trace);
  const Task<void> b = step(&queue, "alice", &second, &trace);
  const Task<void> c = step(&queue, "alice", &third, &trace);
  start(a);
  start(b);
  start(c);
  assert_true(trace == (Trace{"alice+"}));
  second.report(2);  // not its turn yet: nothing happens
  assert_true(trace == (Trace{"alice+"}));
  first.report(1);
  assert_true(trace == (Trace{"alice+", "alice-1", "alice+", "alice-2", "alice+"}));
  third.report(3);
  assert_string_equal(trace.back().c_str(), "alice-3");
  OneShot<int> fourth;
  const Task<void> d = step(&queue, "alice", &fourth, &trace);
  start(d);
  assert_string_equal(trace.back().c_str(), "alice+");
  fourth.report(4);
}

void users_do_not_wait_for_each_other(void**) {
  UserQueue queue;
  Trace trace;
  OneShot<int> first;
  OneShot<int> second;
  const Task<void> a = step(&queue, "alice", &first, &trace);
  const Task<void> b = step(&queue, "bob", &second, &trace);
  start(a);
  start(b);
  assert_true(trace == (Trace{"alice+", "bob+"}));
}

void a_cancelled_waiter_leaves_the_queue(void**) {
  UserQueue queue;
  Trace trace;
  OneShot<int> first;
  OneShot<int> second;
  OneShot<int> third;
  const Task<void> a = step(&queue, "alice", &first, &trace);
  Task<void> b = step(&queue, "alice", &second, &trace);
  const Task<void> c = step(&queue, "alice", &third, &trace);
  start(a);
  start(b);
  start(c);
  b.cancel();
  first.report(1);
  third.report(3);
  assert_true(trace == (Trace{"alice+", "alice-1", "alice+", "alice-3"}));
}

void a_cancelled_turn_passes_on(void**) {
  UserQueue queue;
  Trace trace;
  OneShot<int> first;
  OneShot<int> second;
  Task<void> a = step(&queue, "alice", &first, &trace);
  const Task<void> b = step(&queue, "alice", &second, &trace);
  start(a);
  start(b);
  a.cancel();
  assert_true(trace == (Trace{"alice+", "alice+"}));
  second.report(2);
}

void the_last_waiter_can_be_cancelled(void**) {
  UserQueue queue;
  Trace trace;
  OneShot<int> first;
  OneShot<int> second;
  OneShot<int> third;
  const Task<void> a = step(&queue, "alice", &first, &trace);
  Task<void> b = step(&queue, "alice", &second, &trace);
  start(a);
  start(b);
  b.cancel();
  first.report(1);
  const Task<void> c = step(&queue, "alice", &third, &trace);
  start(c);
  assert_string_equal(trace.back().c_str(), "alice+");
}

// Runs when it has the turn, and cancels the one that comes after it.
Task<void> cancels(UserQueue* queue, std::string user, Task<void>* victim) {
  const UserQueue::Turn turn = co_await queue->turn(user);
  victim->cancel();
}

void a_waiter_with_a_turn_may_be_cancelled_before_it_runs(void**) {
  UserQueue queue;
  Trace trace;
  OneShot<int> holder_alice;
  OneShot<int> holder_bob;
  OneShot<int> after;
  int done = 0;
  // Alice's end resumes `killer`. While it runs, bob's turn is granted to `victim`, which must wait
  // until `killer` has suspended or ended, and is destroyed before.
  const Task<void> alice = step(&queue, "alice", &holder_alice, &trace);
  Task<void> bob = step(&queue, "bob", &holder_bob, &trace);
  Task<void> victim = short_step(&queue, "bob", &done);
  const Task<void> next = step(&queue, "bob", &after, &trace);
  struct Killer {
    static Task<void> run(UserQueue* queue, Task<void>* holder, Task<void>* victim, int* done) {
      const UserQueue::Turn turn = co_await queue->turn("alice");
      holder->cancel();
      assert_int_equal(*done, 0);
      victim->cancel();
    }
  };
  const Task<void> killer = Killer::run(&queue, &bob, &victim, &done);
  start(alice);
  start(bob);
  start(victim);
  start(next);
  start(killer);
  holder_alice.report(1);
  assert_int_equal(done, 0);
  assert_string_equal(trace.back().c_str(), "bob+");
  after.report(1);
}

void the_running_one_may_cancel_the_next(void**) {
  UserQueue queue;
  Trace trace;
  OneShot<int> first;
  int done = 0;
  const Task<void> a = step(&queue, "alice", &first, &trace);
  Task<void> victim = short_step(&queue, "alice", &done);
  const Task<void> b = cancels(&queue, "alice", &victim);
  start(a);
  start(b);
  start(victim);
  first.report(1);
  assert_int_equal(done, 0);
}

void a_long_queue_needs_no_deep_stack(void**) {
  constexpr int kMany = 100000;
  UserQueue queue;
  Trace trace;
  OneShot<int> first;
  int done = 0;
  const Task<void> a = step(&queue, "alice", &first, &trace);
  start(a);
  std::vector<Task<void>> tasks;
  tasks.reserve(kMany);
  for (int i = 0; i < kMany; ++i) {
    tasks.push_back(short_step(&queue, "alice", &done));
    start(tasks.back());
  }
  assert_int_equal(done, 0);
  first.report(1);
  assert_int_equal(done, kMany);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(steps_of_a_user_follow_each_other),
      cmocka_unit_test(users_do_not_wait_for_each_other),
      cmocka_unit_test(a_cancelled_waiter_leaves_the_queue),
      cmocka_unit_test(a_cancelled_turn_passes_on),
      cmocka_unit_test(the_last_waiter_can_be_cancelled),
      cmocka_unit_test(a_waiter_with_a_turn_may_be_cancelled_before_it_runs),
      cmocka_unit_test(the_running_one_may_cancel_the_next),
      cmocka_unit_test(a_long_queue_needs_no_deep_stack),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
