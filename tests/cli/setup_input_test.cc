#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/setup_machine.h"
#include "tests/cli/transcript.h"
#include "tests/cmocka_cpp.h"

// `cognitoctl setup` with values and on machines that it cannot use: the message names the fault,
// and nothing is changed.
namespace pamcognito::test {
namespace {

// With the value of an option replaced.
Finished set_up_with(const std::string& option, const std::string& value) {
  auto arguments = setup_with(g_ready["client_id"].asString(), ca_file());
  *(std::ranges::find(arguments, option) + 1) = value;
  return run_cognitoctl(arguments);
}

void expect_refusal(const Finished& finished, int status, const std::string& reason,
                    const std::string& before) {
  if (finished.status != status || !finished.output.contains(reason) ||
      !finished.output.contains("Nothing was changed"))
    fail_msg("%d, without \"%s\": %s", finished.status, reason.c_str(), finished.output.c_str());
  assert_text(tree(), before);
  assert_true(fs::is_empty(g_root + "/run"));
}

void a_malformed_value_is_named(void**) {
  const std::string before = tree();
  for (const char* pool : {"eu-west-1Example", "../etc", "_", "eu-west-1_", "EU_x y"})
    expect_refusal(set_up_with("--pool", pool), 2,
                   "--pool " + std::string(pool) + " is not a user pool id such as", before);
  for (const char* client : {"no client", "x/y", "1example-2"})
    expect_refusal(set_up_with("--client", client), 2,
                   "--client " + std::string(client) + " is not an app client id", before);
  expect_refusal(set_up_with("--ca-file", "/nowhere.pem"), 2,
                 "--ca-file /nowhere.pem cannot be read", before);
  expect_refusal(set_up_with("--endpoint", "ftp://pool.example"), 2, "--endpoint ftp://", before);
  expect_refusal(run_cognitoctl({"setup", "--root", g_root, "--pool", "eu-west-1_Example",
                                 "--region", "us-east-1", "--client", "1x", "--yes"}),
                 2, "belongs to region eu-west-1, but region is us-east-1", before);
}

void a_fault_of_another_file_is_named(void**) {
  const std::string other = "/etc/pam-cognito/cognitod.conf.d/20-other.conf";
  write_below_root(other, "[pool]\nendpoynt = x\n");
  expect_refusal(set_up(), 1, g_root + other + ":2: ", tree());
}

void a_pool_that_does_not_exist_is_reported(void**) {
  const std::string before = tree();
  std::string uri = g_ready["jwks_uri"].asString();
  const std::string id = g_ready["user_pool_id"].asString();
  uri.replace(uri.find(id), id.size(), "eu-west-1_NoSuchPool");
  expect_refusal(set_up_with("--jwks-uri", uri), 1, "there is no such user pool", before);
  assert_true(set_up_with("--jwks-uri", uri).output.contains("Fix: correct --pool"));
}

void a_pool_out_of_reach_is_reported(void**) {
  const std::string before = tree();
  const Finished finished = set_up_with("--endpoint", "https://127.0.0.1:1/");
  expect_refusal(finished, 1, "Fix: let this machine connect to it: firewall", before);
  assert_true(finished.output.contains("[pool-reachable]\n    Found: https://127.0.0.1:1"));
  // A program gets the reason, too.
  auto arguments = setup_with("0nosuchclient", ca_file());
  arguments.emplace_back("--json");
  expect_refusal(run_cognitoctl(arguments), 1, "pool-client: ", before);
}

// A folder below the root, read-only while this lives. A mount namespace of the test's own.
class ReadOnly {
 public:
  explicit ReadOnly(const std::string& folder) : path_(g_root + folder) {
    static const bool own = ::unshare(CLONE_NEWNS) == 0 &&
                            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    on_ = own && ::mount(path_.c_str(), path_.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
          ::mount(nullptr, path_.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
    if (!on_) fail_msg("%s cannot be mounted read-only", path_.c_str());
  }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;
  ~ReadOnly() { (void)::umount2(path_.c_str(), MNT_DETACH); }

 private:
  std::string path_;
  bool on_ = false;
};

void a_read_only_file_system_is_named(void**) {
  for (const char* folder : {"/etc", "/etc/ssh", "/var"}) {
    const std::string before = tree();
    const ReadOnly now(folder);
    expect_refusal(set_up(), 1, "is on a read-only file system", before);
  }
  assert_false(calls().contains("groupadd"));
}

// Not noticed before the first step. The steps that were not taken need no undoing.
void a_read_only_folder_leaves_nothing_half_done(void**) {
  for (const char* folder : {"/etc/ssh/sshd_config.d", "/etc/pam-cognito/cognitod.conf.d"}) {
    (void)fresh_machine(nullptr);
    const std::string before = tree();
    {
      const ReadOnly now(folder);
      const Finished finished = set_up();
      assert_int_equal(finished.status, 1);
      if (!finished.output.contains("Read-only file system. Every step was taken back"))
        fail_msg("%s: %s", folder, finished.output.c_str());
    }
    assert_text(tree(), before);
    assert_int_equal(set_up().status, 0);
  }
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  if (::geteuid() != 0) return 77;  // the configuration must be root's
  const auto fresh = [](const char* name, CMUnitTestFunction function) {
    return CMUnitTest{name, function, &fresh_machine, nullptr, nullptr};
  };
  const CMUnitTest tests[] = {
      fresh("a_malformed_value_is_named", &a_malformed_value_is_named),
      fresh("a_fault_of_another_file_is_named", &a_fault_of_another_file_is_named),
      fresh("a_pool_that_does_not_exist_is_reported", &a_pool_that_does_not_exist_is_reported),
      fresh("a_pool_out_of_reach_is_reported", &a_pool_out_of_reach_is_reported),
      fresh("a_read_only_file_system_is_named", &a_read_only_file_system_is_named),
      fresh("a_read_only_folder_leaves_nothing_half_done",
            &a_read_only_folder_leaves_nothing_half_done),
  };
  return cmocka_run_group_tests_name("setup_input", tests, &start_pool, &stop_pool);
}
