#include "daemon/runtime/task.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using runtime::OneShot;
using runtime::Task;

// Counts how often it is destroyed while it owns something: g++ 12 would destroy an aggregate that
// is a coroutine's argument twice.
struct Counted {
  explicit Counted(int* destroyed_) : destroyed(destroyed_, &note) {}
  static void note(int* counter) { ++*counter; }
  std::unique_ptr<int, void (*)(int*)> destroyed;
};

Task<int> add(int a, int b) {
  co_return a + b;
}

Task<int> sum_of_two() {
  const int first = co_await add(1, 2);
  const int second = co_await add(first, 10);
  co_return second;
}

void tasks_await_tasks(void**) {
  Task<int> task = sum_of_two();
  task.handle().resume();
  assert_true(task.handle().done());
  assert_int_equal(task.handle().promise().take(), 13);
}

Task<std::string> wait_for(OneShot<std::string>* shot, Counted guard) {
  (void)guard;
  std::string value = co_await *shot;
  co_return "got " + value;
}

void a_report_resumes_the_waiter(void**) {
  int destroyed = 0;
  OneShot<std::string> shot;
  {
    Task<std::string> task = wait_for(&shot, Counted(&destroyed));
    task.handle().resume();
    assert_false(task.handle().done());
    shot.report("it");
    shot.report("nothing more");
    assert_true(task.handle().done());
    assert_text(task.handle().promise().take(), "got it");
  }
  assert_int_equal(destroyed, 1);
}

Task<std::string> outer(OneShot<std::string>* shot, int* destroyed) {
  const Counted mine(destroyed);
  std::string inner = co_await wait_for(shot, Counted(destroyed));
  co_return inner;
}

void cancelling_destroys_the_whole_chain(void**) {
  int destroyed = 0;
  OneShot<std::string> shot;
  Task<std::string> task = outer(&shot, &destroyed);
  task.handle().resume();
  task.cancel();
  assert_int_equal(destroyed, 2);
  task.cancel();
}

void a_task_that_never_starts_runs_nothing(void**) {
  int destroyed = 0;
  OneShot<std::string> shot;
  {
    const Task<std::string> task = wait_for(&shot, Counted(&destroyed));
  }
  assert_int_equal(destroyed, 1);
}

Task<int> throwing() {
  throw std::runtime_error("no");
  co_return 1;
}

Task<std::string> catching() {
  std::string caught = "nothing";
  try {
    (void)co_await throwing();
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  co_return caught;
}

void an_exception_is_thrown_again_at_the_await(void**) {
  Task<std::string> task = catching();
  task.handle().resume();
  assert_text(task.handle().promise().take(), "no");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(tasks_await_tasks),
      cmocka_unit_test(a_report_resumes_the_waiter),
      cmocka_unit_test(cancelling_destroys_the_whole_chain),
      cmocka_unit_test(a_task_that_never_starts_runs_nothing),
      cmocka_unit_test(an_exception_is_thrown_again_at_the_await),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
