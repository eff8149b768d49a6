#include "daemon/runtime/metrics_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::runtime;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "metrics-XXXXXX").string();
    assert_non_null(::mkdtemp(pattern.data()));
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string contents(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct World {
  TemporaryDirectory directory;
  std::string path = directory.file("c.prom");
  Metrics metrics;
  EventLoop loop;
  Worker worker{loop, 4};
};

// Lets what is due happen: timers fire in the order of their times, the worker works in the order
// of its jobs.
Task<void> settle(World* world) {
  co_await SleepUntil(world->loop, world->loop.now() + std::chrono::milliseconds(1));
  (void)co_await world->worker.run([] { return 0; });
}

Task<void> to_its_end(World* world, Task<void> story) {
  co_await std::move(story);
  world->loop.exit(0);
}

void run(World& world, Task<void> story) {
  const EventLoop::Spawned running = world.loop.spawn(to_its_end(&world, std::move(story)));
  assert_int_equal(world.loop.run(), 0);
}

Task<void> count_once(World* world) {
  const MetricsFile file(world->loop, world->worker, world->metrics, world->path);
  world->metrics.count("a_total");
  assert_false(contents(world->path).starts_with("#"));  // never within the change itself
  co_await settle(world);
}

void a_change_is_written_as_a_whole_file(void**) {
  World world;
  const mode_t before = ::umask(0077);
  run(world, count_once(&world));
  ::umask(before);
  assert_text(contents(world.path), "# TYPE a_total untyped\na_total 1\n");
  assert_false(std::filesystem::exists(world.path + ".new"));
  struct stat info{};
  assert_int_equal(::stat(world.path.c_str(), &info), 0);
  assert_int_equal(info.st_mode & 07777, 0644);
  world.metrics.count("a_total");  // the file that is gone no longer listens
}

Task<void> count_twice(World* world, std::chrono::seconds interval) {
  const MetricsFile file(world->loop, world->worker, world->metrics, world->path, interval);
  world->metrics.count("a_total");
  co_await settle(world);
  world->metrics.count("a_total");
  co_await settle(world);
}

void the_next_change_waits_for_its_time(void**) {
  World world;
  run(world, count_twice(&world, MetricsFile::kInterval));
  assert_text(contents(world.path), "# TYPE a_total untyped\na_total 1\n");
  World hasty;
  run(hasty, count_twice(&hasty, std::chrono::seconds(0)));
  assert_text(contents(hasty.path), "# TYPE a_total untyped\na_total 2\n");
}

void a_link_in_the_way_is_not_followed(void**) {
  World world;
  const std::string other = world.directory.file("other");
  std::ofstream(other) << "mine";
  assert_int_equal(::symlink(other.c_str(), (world.path + ".new").c_str()), 0);
  assert_int_equal(::symlink(other.c_str(), world.path.c_str()), 0);
  run(world, count_once(&world));
  assert_text(contents(other), "mine");
  assert_text(contents(world.path), "# TYPE a_total untyped\na_total 1\n");
  assert_false(std::filesystem::is_symlink(world.path));
}

Task<void> fail_then_succeed(World* world) {
  const std::filesystem::path place = std::filesystem::path(world->path).parent_path() / "later";
  world->path = place / "c.prom";
  const MetricsFile file(world->loop, world->worker, world->metrics, world->path,
                         std::chrono::seconds(0));
  world->metrics.count("a_total");
  co_await settle(world);
  assert_false(std::filesystem::exists(world->path));
  std::filesystem::create_directory(place);
  world->metrics.count("a_total");
  co_await settle(world);
}

void a_failure_does_not_end_it(void**) {
  World world;
  run(world, fail_then_succeed(&world));
  assert_text(contents(world.path), "# TYPE a_total untyped\na_total 2\n");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_change_is_written_as_a_whole_file),
      cmocka_unit_test(the_next_change_waits_for_its_time),
      cmocka_unit_test(a_link_in_the_way_is_not_followed),
      cmocka_unit_test(a_failure_does_not_end_it),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
