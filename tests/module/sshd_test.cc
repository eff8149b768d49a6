// Whether sshd decides by groups: sshd_config(5), as far as it counts for a sign-in.

#include "pam/sshd.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace {

using pamcognito::pam::sshd_decides_by_groups;

std::string g_directory;

std::string write(const std::string& name, const std::string& text) {
  const std::string path = g_directory + "/" + name;
  std::ofstream(path) << text;
  return path;
}

bool decides(const std::string& text) {
  return sshd_decides_by_groups(write("sshd_config", text));
}

// By hand, from sshd_config(5).
void lines_that_decide(void**) {
  for (const char* text : {
           "AllowGroups admins\n",
           "allowgroups admins",
           "  DENYGROUPS\tx y\n",
           "DenyGroups=x\n",
           "\"AllowGroups\" x\n",
           "Match Group x\n  ForceCommand y\n",
           "Port 22\nmatch user a group b\n",
           "Match Address 10.0.0.0/8,!10.1.0.0/16 Group wheel\n",
           "Match group=x\n",
           "Match User a\n  AllowGroups x\n",
       })
    if (!decides(text)) fail_msg("%s", text);
  for (const char* text : {
           "",
           "# AllowGroups x\n",
           "#AllowGroups x\n",
           "Match User a\n  ForceCommand y\n",
           "Match User groups\n",
           "Match all\n",
           "AllowUsers group\n",
           "Banner /etc/AllowGroups\n",
           "PermitRootLogin no\nUsePAM yes\n",
       })
    if (decides(text)) fail_msg("%s", text);
}

void included_files_count(void**) {
  write("part-1.conf", "Port 22\n");
  write("part-2.conf", "DenyGroups x\n");
  assert_true(decides("Include " + g_directory + "/part-*.conf\n"));
  assert_true(decides("include \"" + g_directory + "/part-2.conf\"\n"));
  assert_true(decides("Include /nowhere/* " + g_directory + "/part-2.conf\n"));
  assert_false(decides("Include " + g_directory + "/part-1.conf\n"));
  assert_false(decides("Include " + g_directory + "/none-*.conf\n"));
  // sshd reads quotes and backslashes; here such a path counts as a rule.
  assert_true(decides("Include \"" + g_directory + "/with space/*.conf\"\n"));
  assert_true(decides("Include " + g_directory + "/with\\ space/*.conf\n"));
  assert_true(decides("Include " + g_directory + "/a=b/*.conf\n"));
  assert_true(decides("Include " + g_directory + "/a,b/*.conf\n"));
  assert_false(decides("Include = " + g_directory + "/part-1.conf\n"));
  // A loop ends, and counts as a rule.
  assert_true(decides("Include " + g_directory + "/sshd_config\n"));
}

void a_file_that_cannot_be_read_counts_as_a_rule(void**) {
  assert_true(sshd_decides_by_groups(g_directory + "/absent"));
  assert_true(sshd_decides_by_groups(g_directory));
  assert_true(decides(std::string(256 * 1024 + 1, '#')));
  assert_false(decides(std::string(256 * 1024 - 1, '#')));
  const std::string fifo = g_directory + "/fifo";
  assert_int_equal(::mkfifo(fifo.c_str(), 0600), 0);
  assert_true(sshd_decides_by_groups(fifo));
}

int set_up(void**) {
  char path[] = "/tmp/sshd-config-XXXXXX";
  if (::mkdtemp(path) == nullptr) return -1;
  g_directory = path;
  return 0;
}

int tear_down(void**) {
  std::filesystem::remove_all(g_directory);
  return 0;
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(lines_that_decide),
      cmocka_unit_test(included_files_count),
      cmocka_unit_test(a_file_that_cannot_be_read_counts_as_a_rule),
  };
  return cmocka_run_group_tests_name("sshd's rules by groups", tests, &set_up, &tear_down);
}
