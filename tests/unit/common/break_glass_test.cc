#include "common/break_glass.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

// cmocka.h needs these first, and its macros break headers after it.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace {

using namespace pamcognito::break_glass;
using std::chrono::seconds;

constexpr char kBoot[] = "11111111-2222-3333-4444-555555555555";
const Now kNow{.boot_id = kBoot, .boot_time = seconds(1000)};

void the_policy_is_one_of_three_words(void**) {
  assert_true(parse_policy("local_password = when-unreachable\n") == Policy::when_unreachable);
  assert_true(parse_policy("# why\n\n local_password=window") == Policy::window);
  assert_true(parse_policy("local_password = never\r\n") == Policy::never);
  assert_true(parse_policy("# nothing\n") == Policy::when_unreachable);
}

void other_policies_are_refused(void**) {
  for (const char* text :
       {"local_password", "local_password =", "local_password = Never", "local_password = always",
        "local_pasword = never", "= never", "local_password = never # why",
        "local_password = never\nlocal_password = never", "[break_glass]\nlocal_password = never"})
    assert_false(parse_policy(text).has_value());
}

// A directory for one test. It belongs to root, because the tests run as root.
class Directory {
 public:
  Directory() { assert_non_null(::mkdtemp(path_)); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    (void)::unlink(window().c_str());
    (void)::rmdir(path_);
  }
  [[nodiscard]] std::string path() const { return path_; }
  [[nodiscard]] std::string window() const { return path() + "/" + kWindowName; }
  void write(const std::string& text, mode_t mode = 0644) const {
    (void)::unlink(window().c_str());
    std::ofstream(window()) << text;
    assert_int_equal(::chmod(window().c_str(), mode), 0);
  }

 private:
  char path_[32] = "/tmp/break-glass-test.XXXXXX";
};

void only_a_missing_file_means_the_default(void**) {
  const Directory directory;
  assert_true(read_policy((directory.path() + "/none").c_str()).policy == Policy::when_unreachable);
  assert_true(read_policy("/dev/null/none").policy == Policy::never);
  assert_true(read_policy(directory.path().c_str()).policy == Policy::never);
}

void an_untrusted_policy_counts_as_never(void**) {
  const Directory directory;
  const auto policy = [&] { return read_policy(directory.window().c_str()); };
  directory.write("local_password = window\n");
  assert_true(policy().policy == Policy::window && policy().fault.empty());
  for (const mode_t mode : {0664U, 0646U, 0666U}) {
    directory.write("local_password = when-unreachable\n", mode);
    assert_true(policy().policy == Policy::never && !policy().fault.empty());
  }
  directory.write("local_password = when-unreachable\n");
  assert_int_equal(::chown(directory.window().c_str(), 1001, 0), 0);
  assert_true(policy().policy == Policy::never && !policy().fault.empty());
  (void)::unlink(directory.window().c_str());
  assert_int_equal(::symlink("/dev/null", directory.window().c_str()), 0);
  assert_true(policy().policy == Policy::never && !policy().fault.empty());
  directory.write("#" + std::string(5000, 'x') + "\n");
  assert_true(policy().policy == Policy::never && !policy().fault.empty());
}

Window window_of(seconds end, std::vector<std::string> users) {
  return {.boot_id = kBoot, .end = end, .all = users.empty(), .users = std::move(users)};
}

// Tells whether a window is open for alice.
bool is_open(const Directory& directory, const Now& now = kNow) {
  const auto window = read_window(now, directory.path());
  return window && *window && (*window)->is_for("alice");
}

void a_window_is_read_as_it_was_written(void**) {
  const Directory directory;
  assert_false(is_open(directory));
  directory.write(format_window(window_of(seconds(1060), {"alice", "bob"})));
  assert_true(is_open(directory));
  assert_true(read_window(kNow, directory.path()).value()->end == seconds(1060));
  directory.write(format_window(window_of(seconds(1060), {"bob", "carol"})));
  assert_false(is_open(directory));
  directory.write(format_window(window_of(seconds(1060), {})));
  assert_true(is_open(directory));
}

void a_window_ends_with_its_time_and_with_the_boot(void**) {
  const Directory directory;
  directory.write(format_window(window_of(seconds(1060), {})));
  assert_true(is_open(directory, {.boot_id = kBoot, .boot_time = seconds(1059)}));
  assert_false(is_open(directory, {.boot_id = kBoot, .boot_time = seconds(1060)}));
  const Now other_boot{.boot_id = "21111111-2222-3333-4444-555555555555",
                       .boot_time = seconds(1000)};
  assert_false(is_open(directory, other_boot));
  assert_false(is_open(directory, {.boot_id = "", .boot_time = seconds(1000)}));
  directory.write(format_window(window_of(seconds(1000) + kMaxWindow, {})));
  assert_true(is_open(directory));
  directory.write(format_window(window_of(seconds(1001) + kMaxWindow, {})));
  assert_false(is_open(directory));
}

void a_malformed_window_is_closed(void**) {
  const Directory directory;
  const std::string good = format_window(window_of(seconds(1060), {"alice"}));
  const std::string boot = std::string("boot_id=") + kBoot + "\n";
  std::string crowd = boot + "end=1060\nusers=alice";
  for (std::size_t i = 0; i < kMaxWindowUsers; ++i) crowd += " u" + std::to_string(i);
  for (const std::string& text :
       {std::string(), boot, boot + "end=1060\n", boot + "end=1060\nusers=\n",
        "end=1060\nusers=alice\n" + std::string(),
        "boot_id=\nend=1060\nusers=alice\n" + std::string(), boot + "end=-1\nusers=alice",
        boot + "end=1e9\nusers=alice", boot + "end= \nusers=alice",
        boot + "end=1060\nusers=alice,bob", boot + "end=1060\nusers=* alice", good + "users=bob\n",
        good + "end=9999\n", good + boot, good + "more=1\n", good + "more\n", crowd}) {
    directory.write(text);
    assert_false(is_open(directory));
  }
  directory.write(good);
  assert_true(is_open(directory));
}

void an_untrusted_window_is_closed(void**) {
  const Directory directory;
  const std::string good = format_window(window_of(seconds(1060), {}));
  for (const mode_t mode : {0664U, 0646U}) {
    directory.write(good, mode);
    assert_false(is_open(directory));
  }
  directory.write(good);
  assert_int_equal(::chown(directory.window().c_str(), 1001, 0), 0);
  assert_false(is_open(directory));
  directory.write(good);
  assert_int_equal(::chmod(directory.path().c_str(), 0777), 0);
  assert_false(is_open(directory));
  assert_int_equal(::chmod(directory.path().c_str(), 0755), 0);
  assert_int_equal(::chown(directory.path().c_str(), 1001, 0), 0);
  assert_false(is_open(directory));
  assert_int_equal(::chown(directory.path().c_str(), 0, 0), 0);
  assert_true(is_open(directory));
}

void the_boot_id_and_the_time_are_read(void**) {
  assert_int_equal(now().boot_id.size(), 36);
  assert_true(now().boot_time > seconds(0));
}

int need_root(void**) {
  if (::geteuid() == 0) return 0;
  print_message("skipped: only root can make a file that is root's\n");
  return -1;
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_policy_is_one_of_three_words),
      cmocka_unit_test(other_policies_are_refused),
      cmocka_unit_test(only_a_missing_file_means_the_default),
      cmocka_unit_test(an_untrusted_policy_counts_as_never),
      cmocka_unit_test(a_window_is_read_as_it_was_written),
      cmocka_unit_test(a_window_ends_with_its_time_and_with_the_boot),
      cmocka_unit_test(a_malformed_window_is_closed),
      cmocka_unit_test(an_untrusted_window_is_closed),
      cmocka_unit_test(the_boot_id_and_the_time_are_read),
  };
  if (need_root(nullptr) != 0) return 0;
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
