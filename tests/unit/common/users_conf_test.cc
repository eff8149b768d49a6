#include "common/users_conf.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
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

using namespace pamcognito;
using Names = std::vector<std::string>;

UsersConf parse(std::string_view text) {
  const auto conf = parse_users_conf(text);
  if (!conf) fail_msg("refused: %s", conf.error().reason.c_str());
  return *conf;
}

void assert_refused(std::string_view text, const char* reason, const Names& exclude = {}) {
  const auto conf = parse_users_conf(text);
  if (conf) fail_msg("accepted: %s", std::string(text).c_str());
  assert_string_equal(conf.error().reason.c_str(), reason);
  assert_true(conf.error().exclude == exclude);
}

void every_key_is_read(void**) {
  const UsersConf conf = parse(
      "# who is ours\n\n  group = staff \nusers=alice\tbob  carol\nuid_range=10000-20000\n"
      "exclude=admin root\nmin_uid=5000");
  assert_string_equal(conf.group.c_str(), "staff");
  assert_true((conf.users == Names{"alice", "bob", "carol"}));
  assert_true(conf.has_uid_range);
  assert_int_equal(conf.uid_range_first, 10000);
  assert_int_equal(conf.uid_range_last, 20000);
  assert_true((conf.exclude == Names{"admin", "root"}));
  assert_int_equal(conf.min_uid, 5000);
}

void without_a_group_line_there_is_no_group(void**) {
  for (const char* text : {"exclude=\n", "users=alice\n", "min_uid=2000\n"}) {
    assert_string_equal(parse(text).group.c_str(), "");
    assert_true(parse(text).lacks_group_line);
  }
  for (const char* text : {"group=\nusers=alice", "group=staff\n", "# group=\n", ""})
    assert_false(parse(text).lacks_group_line);
  assert_string_equal(parse("group=\nusers=alice").group.c_str(), "");
}

void a_file_without_keys_names_nobody(void**) {
  for (const char* text : {"", "\n\n", "# only\n  # comments\n", "   "}) {
    const UsersConf conf = parse(text);
    assert_true(conf.group.empty() && conf.users.empty() && !conf.has_uid_range);
  }
}

void errors_name_the_file_and_the_line(void**) {
  const char* path = "/etc/pam-cognito/users.conf";
  const auto at = [path](const char* rest) { return std::string(path) + rest; };
  assert_refused("group=a\n\nusrs=bob\n", at(":3: unknown key 'usrs'").c_str());
  assert_refused("bob", at(":1: 'bob' is not of the form key=value").c_str());
  assert_refused("=bob", at(":1: unknown key ''").c_str());
  assert_refused("users=a\nusers=b",
                 at(":2: the key 'users' stands here for the second time").c_str());
  assert_refused("users=a,b",
                 at(":1: 'a,b' is not a user name; names are separated by spaces").c_str());
  assert_refused("users=alice # me",
                 at(":1: '#' is not a user name; names are separated by spaces").c_str());
  assert_refused("group=a b", at(":1: 'a b' is not a group name").c_str());
  assert_refused("users=\x1b[2J\r",
                 at(":1: '?[2J?' is not a user name; names are separated by spaces").c_str());
  for (const char* range :
       {"uid_range=", "uid_range=1000", "uid_range=a-b", "uid_range=1-2-3", "uid_range=-5-9",
        "uid_range=1000-4294967295", "uid_range=1000 - 2000", "uid_range=1000-99999999999"})
    assert_refused(range, at(":1: uid_range wants two uids, such as 10000-20000").c_str());
  assert_refused("uid_range=2000-1000", at(":1: the uid_range ends before it begins").c_str());
  for (const char* uid : {"min_uid=999", "min_uid=0", "min_uid=", "min_uid=x", "min_uid=-1"})
    assert_refused(uid, at(":1: min_uid wants a uid of at least 1000").c_str());
}

void the_first_error_is_reported_and_excludes_still_apply(void**) {
  assert_refused("exclude=admin\noops\nmore oops\n",
                 "/etc/pam-cognito/users.conf:2: 'oops' is not of the form key=value", {"admin"});
  assert_refused("oops=1\nexclude=admin bob", "/etc/pam-cognito/users.conf:1: unknown key 'oops'",
                 {"admin", "bob"});
  assert_refused("exclude=admin\nexclude=bob",
                 "/etc/pam-cognito/users.conf:2: the key 'exclude' stands here for the second time",
                 {"admin", "bob"});
  assert_refused(
      "exclude=admin,bob\n",
      "/etc/pam-cognito/users.conf:1: 'admin,bob' is not a user name; names are separated "
      "by spaces");
}

// A file in a directory for one test. It belongs to root, because the tests run as root.
class File {
 public:
  explicit File(const std::string& text, mode_t mode = 0644) {
    assert_non_null(::mkdtemp(directory_));
    path_ = std::string(directory_) + "/users.conf";
    std::ofstream(path_) << text;
    assert_int_equal(::chmod(path_.c_str(), mode), 0);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    (void)::unlink(path_.c_str());
    (void)::rmdir(directory_);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string fault() const {
    const auto file = read_users_conf(path_.c_str());
    if (file) return "";
    assert_true(file.error().exclude.empty());
    const std::string& reason = file.error().reason;
    assert_true(reason.starts_with(path_ + ": "));
    return reason.substr(path_.size() + 2);
  }

 private:
  char directory_[32] = "/tmp/users-conf-test.XXXXXX";
  std::string path_;
};

void skip_unless_root() {
  if (::geteuid() != 0) {
    print_message("skipped: only root can make a file that is root's\n");
    skip();
  }
}

void a_good_file_is_read(void**) {
  skip_unless_root();
  const File file("users=alice\n");
  const auto read = read_users_conf(file.path().c_str());
  assert_true(read && !read->absent && read->conf.users == Names{"alice"});
}

void only_a_missing_file_is_absent(void**) {
  assert_true(read_users_conf("/nonexistent/users.conf")->absent);
  assert_false(read_users_conf("/dev/null/users.conf").has_value());  // ENOTDIR
}

void errors_name_the_path_of_the_file(void**) {
  skip_unless_root();
  const File file("\nx\n");
  const auto read = read_users_conf(file.path().c_str());
  assert_false(read.has_value());
  assert_true(read.error().reason.starts_with(file.path() + ":2: "));
}

void an_untrusted_file_is_refused(void**) {
  skip_unless_root();
  const std::string text = "exclude=mallory\n";
  assert_string_equal(File(text, 0664).fault().c_str(),
                      "can be written by others than root; try chmod go-w");
  assert_string_equal(File(text, 0646).fault().c_str(),
                      "can be written by others than root; try chmod go-w");
  const File foreign(text);
  assert_int_equal(::chown(foreign.path().c_str(), 65534, 0), 0);
  assert_string_equal(foreign.fault().c_str(), "does not belong to root");
}

void only_a_regular_file_is_read(void**) {
  skip_unless_root();
  const File target("users=alice\n");
  const std::string link = target.path() + ".link";
  assert_int_equal(::symlink(target.path().c_str(), link.c_str()), 0);
  const auto linked = read_users_conf(link.c_str());
  assert_int_equal(::unlink(link.c_str()), 0);
  assert_true(!linked && linked.error().reason == link + ": is a symbolic link");

  const std::string fifo = target.path() + ".fifo";
  assert_int_equal(::mkfifo(fifo.c_str(), 0600), 0);
  const auto piped = read_users_conf(fifo.c_str());  // must not hang
  assert_int_equal(::unlink(fifo.c_str()), 0);
  assert_true(!piped && piped.error().reason == fifo + ": is not a regular file");
  assert_false(read_users_conf("/tmp").has_value());
}

void a_file_has_at_most_64_kib(void**) {
  skip_unless_root();
  const std::string comment = "#" + std::string(64 * 1024 - 2, 'c') + "\n";
  assert_string_equal(File(comment).fault().c_str(), "");
  assert_string_equal(File(comment + "\n").fault().c_str(), "is larger than 64 KiB");
}

void system_uids_are_never_cognito_users(void**) {
  for (const uid_t uid : {0U, 1U, 999U, 61184U, 65519U, 65534U, 65535U, 4294967295U})
    assert_true(is_never_cognito_uid(uid, 1000));
  for (const uid_t uid : {1000U, 61183U, 65520U, 65533U, 65536U, 4294967294U})
    assert_false(is_never_cognito_uid(uid, 1000));
  assert_true(is_never_cognito_uid(1999, 2000));
  assert_true(is_never_cognito_uid(999, 0));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_key_is_read),
      cmocka_unit_test(without_a_group_line_there_is_no_group),
      cmocka_unit_test(a_file_without_keys_names_nobody),
      cmocka_unit_test(errors_name_the_file_and_the_line),
      cmocka_unit_test(the_first_error_is_reported_and_excludes_still_apply),
      cmocka_unit_test(a_good_file_is_read),
      cmocka_unit_test(only_a_missing_file_is_absent),
      cmocka_unit_test(errors_name_the_path_of_the_file),
      cmocka_unit_test(an_untrusted_file_is_refused),
      cmocka_unit_test(only_a_regular_file_is_read),
      cmocka_unit_test(a_file_has_at_most_64_kib),
      cmocka_unit_test(system_uids_are_never_cognito_users),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
