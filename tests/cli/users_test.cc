// `cognitoctl users` and `cognitoctl image-prepare` on trees, as in an image build: no service
// runs.
#include <json/json.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "accounts/directory_list.h"
#include "accounts/keeper.h"
#include "tests/cli/machine.h"
#include "tests/cli/transcript.h"
#include "tests/cmocka_cpp.h"
#include "tests/module/sandbox.h"

namespace pamcognito::test {
namespace {

constexpr char kKey[] = "/etc/pam-cognito/fleet.key";

using Arguments = std::vector<std::string>;

// 32 bytes in hexadecimal digits.
void prepare(Machine& machine) {
  machine.write("/etc/pam-cognito/accounts.conf", "[accounts]\nnames = *.*\n");
  machine.write(kKey, std::string(64, '5') + "\n", 0600);
}

Finished run(const Machine& machine, Arguments arguments, const std::string& input = {}) {
  arguments.insert(arguments.end(), {"--root", machine.root()});
  return run_cognitoctl(arguments, input);
}

// Without the tree's own path and the present time.
std::string transcript(const Machine& machine, const Arguments& arguments,
                       const std::string& input = {}) {
  static const std::regex time(
      R"re((created_at|removed_at|ends_at|verified_at|list_at|held_at)(\\?" ?: ?)[1-9][0-9]*)re");
  static const std::regex date("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}");
  std::string text = transcript_of(arguments, run(machine, arguments, input));
  for (std::size_t at = 0; (at = text.find(machine.root(), at)) != std::string::npos;)
    text.erase(at, machine.root().size());
  text = std::regex_replace(text, time, "$01$021764720000");
  return std::regex_replace(text, date, "2025-12-03 00:00:00") + "\n";
}

std::string play(const Machine& machine, const std::vector<Arguments>& all) {
  std::string text;
  for (const Arguments& arguments : all) text += transcript(machine, arguments);
  return text;
}

void an_administrator_manages_accounts(void**) {
  Machine machine;
  prepare(machine);
  assert_golden("users",
                play(machine, {{"users", "add", "ann.lee"},
                               {"users", "add", "ann.lee"},
                               {"users", "add", "ann.lee", "--json"},
                               {"users", "add", "dev", "--uid", "1900000000", "--json"},
                               {"users", "list"},
                               {"users", "list", "--json"},
                               {"users", "show", "dev"},
                               {"users", "show", "dev", "--json"},
                               {"users", "lock", "dev"},
                               {"users", "lock", "dev", "--json"},
                               {"users", "show", "dev"},
                               {"users", "unlock", "dev", "--json"},
                               {"users", "set-shell", "dev", "/bin/sh", "--json"},
                               {"users", "rename", "dev", "dev.two", "--json"},
                               {"users", "rename", "dev", "dev.two"},
                               {"users", "rebind", "dev.two", "--json"},
                               {"users", "remove", "dev.two", "--json"},
                               {"users", "remove", "dev.two"},
                               {"users", "migrate", "eu-west-1_Old", "eu-west-1_New"},
                               {"users", "migrate", "eu-west-1_Old", "eu-west-1_New", "--json"},
                               {"users", "export", "--json"}}));
}

// As after a full sign-in of a user who has two keys in the pool.
void ssh_keys_are_shown(void**) {
  Machine machine;
  prepare(machine);
  machine.write("/etc/pam-cognito/accounts.conf",
                "[accounts]\nnames = *.*\nssh_keys_attribute = custom:ssh_keys\n");
  auto keeper = accounts::Keeper::open(machine.root(), true);
  assert_true(keeper.has_value());
  accounts::AddOptions options;
  options.uid = 1900000000;
  assert_true(keeper->add("dev", options).has_value());
  const auto results = keeper->sign_in(
      {{.name = "dev",
        .pool = "eu-west-1_Example",
        .sub = "sub-1",
        .cognito_groups = {},
        .ssh_keys =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr,"
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxs"}});
  assert_true(results[0].has_value());
  assert_golden("users-keys",
                play(machine, {{"users", "show", "dev"}, {"users", "show", "dev", "--json"}}));
}

void each_refusal_has_a_reason(void**) {
  Machine machine;
  std::string text = play(machine, {{"users", "list"}, {"users", "add", "ann.lee", "--json"}});
  prepare(machine);
  text += play(machine, {{"users", "add", "ann.lee", "--uid", "1900000000"},
                         {"users", "add", "ann.lee", "--uid", "1900000001"},
                         {"users", "add", "Ann"},
                         {"users", "add", "root"},
                         {"users", "add", "libvirt"},
                         {"users", "add", "alice"},
                         {"users", "add", "bo.lee", "--uid", "1900000000"},
                         {"users", "add", "bo.lee", "--uid", "1000"},
                         {"users", "add", "bo.lee", "--uid", "many"},
                         {"users", "add", "bo.lee", "--shell", "/bin/zsh"},
                         {"users", "show", "bo.lee", "--json"},
                         {"users", "lock", "bo.lee"},
                         {"users", "remove", "bo.lee"},
                         {"users", "remove", "ann.lee"},
                         {"users", "add", "ann.lee"},
                         {"users", "import", "/nonexistent"},
                         {"users", "adopt", "alice", "0a11ce00-0000-4000-8000-000000000001"}});
  text += transcript(machine, {"users", "import", "-"}, "{}");
  machine.write("/etc/subuid", "alice:1900000000:65536\n");
  text += transcript(machine, {"users", "add", "bo.lee", "--uid", "1900000100"});
  machine.remove("/etc/subuid");
  machine.write("/etc/pam-cognito/accounts.conf", "[accounts]\nnames = *.*\nmax = 1\n");
  text += play(machine, {{"users", "add", "bo.lee"}, {"users", "add", "cy.lee"}});
  machine.write("/etc/pam-cognito/accounts.conf", "[accounts]\nnames = *.*\n");
  machine.chmod(kKey, 0644);
  text += transcript(machine, {"users", "add", "cy.lee"});
  machine.remove(kKey);
  text += transcript(machine, {"users", "add", "cy.lee"});
  machine.write("/etc/pam-cognito/cognitod.conf", "");
  text += transcript(machine, {"users", "add", "cy.lee"});
  machine.write("/etc/pam-cognito/accounts.conf", "[accounts]\nnames\n");
  text += transcript(machine, {"users", "list", "--json"});
  text += transcript_of({"users", "list"}, run_cognitoctl({"users", "list"}, {}, 1001)) + "\n";
  text += transcript_of({"image-prepare", "--json"},
                        run_cognitoctl({"image-prepare", "--json"}, {}, 1001)) +
          "\n";
  assert_golden("users-refused", text);
}

accounts::DirectoryList list_of(int users) {
  accounts::DirectoryList list{.pool = "eu-west-1_New", .groups = {"linux-users"}, .users = {}};
  for (int i = 0; i < users; ++i)
    list.users.push_back({.name = "u" + std::to_string(i) + ".lee",
                          .sub = "sub-" + std::to_string(i),
                          .enabled = true,
                          .groups = {"linux-users"}});
  return list;
}

void root_accepts_a_list_that_was_held_back(void**) {
  Machine machine;
  prepare(machine);
  std::string text = play(
      machine, {{"users", "add", "ann.lee"}, {"directory", "status"}, {"directory", "accept"}});
  machine.write("/etc/pam-cognito/accounts.conf",
                "[accounts]\nnames = *.*\n[directory]\ngroups = linux-users\n");
  assert_true(accounts::take_list(machine.root(), list_of(30)).has_value());
  text += play(machine, {{"directory", "status"}, {"directory", "status", "--json"}});
  assert_true(accounts::take_list(machine.root(), list_of(3)).has_value());
  text += play(machine, {{"directory", "status"},
                         {"directory", "status", "--json"},
                         {"directory", "accept"},
                         {"directory", "accept", "--json"},
                         {"directory", "status"}});
  assert_true(accounts::take_list(machine.root(), list_of(0)).has_value());
  text += transcript(machine, {"directory", "accept"});
  assert_true(accounts::take_list(machine.root(), list_of(12)).has_value());
  assert_true(accounts::take_list(machine.root(), list_of(4)).has_value());
  text += transcript(machine, {"directory", "accept", "--json"});
  text +=
      transcript_of({"directory", "status"}, run_cognitoctl({"directory", "status"}, {}, 1001)) +
      "\n";
  assert_golden("directory", text);
}

// The uid comes from pool, name and key alone: two machines agree.
void the_same_key_gives_the_same_uid(void**) {
  const auto uid_with = [](const std::string& key, const std::vector<const char*>& before = {}) {
    Machine machine;
    prepare(machine);
    machine.write(kKey, key + "\n", 0600);
    for (const char* name : before)
      assert_int_equal(run(machine, {"users", "add", name}).status, 0);
    Json::Value object;
    std::istringstream(run(machine, {"users", "add", "ann.lee", "--json"}).output) >> object;
    assert_true(object["changed"].asBool());
    return object["account"]["uid"].asUInt();
  };
  const auto uid = uid_with(std::string(64, '5'));
  assert_int_equal(uid_with(std::string(64, '5')), uid);
  // Accounts that one of them had before do not count.
  assert_int_equal(uid_with(std::string(64, '5'), {"zoe.new", "bo.lee", "ann.le"}), uid);
  assert_int_not_equal(uid_with(std::string(64, '5')), uid_with(std::string(64, '6')));
}

// The process table is the tree's, as in a chroot.
void a_user_with_processes_is_not_removed(void**) {
  Machine machine;
  prepare(machine);
  assert_int_equal(run(machine, {"users", "add", "ann.lee", "--uid", "1900000777"}).status, 0);
  machine.write("/proc/4242/status",
                "Name:\tsleep\nUid:\t1900000777\t1900000777\t1900000777\t1900000777\n");
  const Finished refused = run(machine, {"users", "remove", "ann.lee", "--json"});
  if (refused.status != 7 || !refused.output.contains("\"in-use\""))
    fail_msg("%s", refused.output.c_str());
  machine.remove("/proc/4242");
  assert_int_equal(run(machine, {"users", "remove", "ann.lee"}).status, 0);
}

void an_export_is_imported_once(void**) {
  Machine machine;
  prepare(machine);
  for (const char* name : {"ann.lee", "bo.lee", "cy.lee"})
    assert_int_equal(run(machine, {"users", "add", name}).status, 0);
  assert_int_equal(run(machine, {"users", "remove", "cy.lee"}).status, 0);
  const Finished exported = run(machine, {"users", "export"});
  assert_int_equal(exported.status, 0);
  assert_false(exported.output.contains("5555"));  // the fleet key

  Machine other;
  prepare(other);
  for (const char* changed : {"\"changed\":true", "\"changed\":false"}) {
    const Finished imported = run(other, {"users", "import", "-", "--json"}, exported.output);
    assert_int_equal(imported.status, 0);
    if (!imported.output.contains(changed)) fail_msg("%s", imported.output.c_str());
  }
  assert_string_equal(run(other, {"users", "export"}).output.c_str(), exported.output.c_str());
  assert_int_equal(run(other, {"users", "add", "cy.lee"}).status, 7);  // retired there, too
}

void an_import_has_a_number(void**) {
  Machine machine;
  prepare(machine);
  assert_int_equal(run(machine, {"users", "add", "ann.lee"}).status, 0);
  const std::string exported = run(machine, {"users", "export"}).output;
  Machine other;
  prepare(other);
  std::string text;
  for (int i = 0; i < 2; ++i)
    text += transcript(other, {"users", "import", "-", "--json"}, exported);
  assert_golden("users-import", text);
}

// A tree that its maker has prepared must not make a command change this machine.
void links_that_lead_out_of_the_tree_are_refused(void**) {
  Machine here;
  prepare(here);
  here.write("/var/lib/cognitod/pool-addresses", "192.0.2.1\n");
  for (const char* directory : {"/var", "/var/lib", "/etc", "/var/lib/cognitod"}) {
    Machine tree;
    prepare(tree);
    std::filesystem::remove_all(tree.root() + directory);
    std::filesystem::create_directories(
        std::filesystem::path(tree.root() + directory).parent_path());
    std::filesystem::create_symlink(here.root() + directory, tree.root() + directory);
    for (const Arguments& arguments :
         {Arguments{"users", "add", "ann.lee"}, Arguments{"image-prepare"},
          Arguments{"users", "list", "--json"}}) {
      const Finished refused = run(tree, arguments);
      if (refused.status != 2 || !refused.output.contains("leads out of --root"))
        fail_msg("%s: %d %s", directory, refused.status, refused.output.c_str());
    }
  }
  assert_true(std::filesystem::exists(here.root() + "/var/lib/cognitod/pool-addresses"));
  assert_false(std::filesystem::exists(here.root() + "/var/lib/pam-cognito-accounts-db"));

  // A link within the tree, as /var/lib -> ../state, is followed.
  std::filesystem::rename(here.root() + "/var/lib", here.root() + "/state");
  std::filesystem::create_symlink("../state", here.root() + "/var/lib");
  assert_int_equal(run(here, {"users", "add", "ann.lee"}).status, 0);
}

void an_image_has_no_state_of_a_machine(void**) {
  Machine machine;
  prepare(machine);
  machine.write("/var/lib/cognitod/pool-addresses", "192.0.2.1\n");
  machine.write("/run/pam-cognito/break-glass", "users=*\n");
  machine.write("/etc/credstore.encrypted/cognitod.client_secret", "x", 0600);
  machine.write("/etc/credstore/cognitod-directory.aws", "[default]\n", 0600);
  (void)run(machine, {"users", "add", "ann.lee"});
  machine.write("/var/lib/pam-cognito-accounts/keys/2066716222", "x");
  assert_golden("image-prepare", play(machine, {{"image-prepare"},
                                                {"image-prepare", "--json"},
                                                {"image-prepare", "--fleet-key", "--json"},
                                                {"users", "list"}}));
  assert_false(std::filesystem::exists(machine.root() + "/var/lib/cognitod/known-users.db"));
  assert_true(std::filesystem::exists(machine.root() + "/var/lib/cognitod"));
  assert_false(std::filesystem::exists(machine.root() + kKey));
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  if (::geteuid() != 0) return kSkipped;
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_administrator_manages_accounts),
      cmocka_unit_test(ssh_keys_are_shown),
      cmocka_unit_test(each_refusal_has_a_reason),
      cmocka_unit_test(root_accepts_a_list_that_was_held_back),
      cmocka_unit_test(the_same_key_gives_the_same_uid),
      cmocka_unit_test(a_user_with_processes_is_not_removed),
      cmocka_unit_test(an_export_is_imported_once),
      cmocka_unit_test(an_import_has_a_number),
      cmocka_unit_test(links_that_lead_out_of_the_tree_are_refused),
      cmocka_unit_test(an_image_has_no_state_of_a_machine),
  };
  return cmocka_run_group_tests_name("cognitoctl users", tests, nullptr, nullptr);
}
