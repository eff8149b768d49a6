#include "daemon/runtime/worker.h"

#include <latch>
#include <memory>
#include <string>

#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using runtime::EventLoop;
using runtime::Task;
using runtime::Worker;

// Ends the loop once the thread has answered.
Task<void> ask(EventLoop* loop, Worker* worker, std::string* answer) {
  auto result = co_await worker->run([] { return std::string("from the thread"); });
  *answer = result ? *result : "busy";
  if (result) loop->exit(0);
}

void a_job_comes_back_to_the_loop(void**) {
  EventLoop loop;
  Worker worker(loop, 4);
  std::string answer;
  const EventLoop::Spawned spawned = loop.spawn(ask(&loop, &worker, &answer));
  assert_int_equal(loop.run(), 0);
  assert_text(answer, "from the thread");
}

struct Blocked {
  std::latch started{1};
  std::latch release{1};
};

Task<void> block(Worker* worker, Blocked* blocked, int* answered) {
  (void)co_await worker->run([blocked] {
    blocked->started.count_down();
    blocked->release.wait();
    return 1;
  });
  ++*answered;
}

void too_many_jobs_are_refused_and_the_abandoned_forgotten(void**) {
  Blocked blocked;
  EventLoop loop;
  Worker worker(loop, 1);
  int answered = 0;
  std::string second;
  std::string third;
  {
    const EventLoop::Spawned running = loop.spawn(block(&worker, &blocked, &answered));
    blocked.started.wait();
    const EventLoop::Spawned waiting = loop.spawn(ask(&loop, &worker, &second));
    const EventLoop::Spawned refused = loop.spawn(ask(&loop, &worker, &third));
    assert_text(third, "busy");
  }
  // Both tasks are gone; what the thread still does for them must reach nobody.
  blocked.release.count_down();
  std::string last;
  EventLoop::Spawned spawned;
  do {  // until the thread has taken the abandoned job out of the queue's one place
    last.clear();
    spawned = loop.spawn(ask(&loop, &worker, &last));
  } while (last == "busy");
  assert_int_equal(loop.run(), 0);
  assert_text(last, "from the thread");
  assert_int_equal(answered, 0);
  assert_text(second, "");
}

struct Words {
  std::string first = "from ";
  std::string second = "shared data";
};

std::string joined(Words& words) {
  return words.first + words.second;
}

Task<void> ask_with(EventLoop* loop, Worker* worker, std::string* answer) {
  auto words = std::make_shared<Words>();
  auto result = co_await worker->run_with(words, &joined);
  *answer = result ? *result : "busy";
  // The job is gone, and what it shared is left to this coroutine alone.
  assert_int_equal(words.use_count(), 1);
  loop->exit(0);
}

void a_job_brings_data_that_has_to_be_destroyed(void**) {
  EventLoop loop;
  Worker worker(loop, 4);
  std::string answer;
  const EventLoop::Spawned spawned = loop.spawn(ask_with(&loop, &worker, &answer));
  assert_int_equal(loop.run(), 0);
  assert_text(answer, "from shared data");
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_job_comes_back_to_the_loop),
      cmocka_unit_test(a_job_brings_data_that_has_to_be_destroyed),
      cmocka_unit_test(too_many_jobs_are_refused_and_the_abandoned_forgotten),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
