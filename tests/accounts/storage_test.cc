// Files of accounts: who may write them, damage, repairs, and the lock.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "accounts/operation.h"
#include "common/fd.h"
#include "tests/accounts/machine.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::accounts;

constexpr char kDatabase[] = "/var/lib/pam-cognito-accounts-db/accounts.db";
constexpr char kImage[] = "/var/lib/pam-cognito-accounts/accounts.v1";
constexpr char kConf[] = "/etc/pam-cognito/accounts.conf";

void configurations(void** /*state*/) {
  const Machine machine;
  ASSERT_REFUSED(Keeper::open(machine.root(), false), bad_configuration);
  (void)machine.open();
  for (const char* const text :
       {"[accounts]\nrange = 0-9\n", "x\n", "[accounts]\nmax = 0\n", "[accounts]\nmax = 1048577\n",
        "[accounts]\nnames = a/b\n", "[accounts]\nprefixes = A\n",
        "[accounts]\non_disable = drop\n", "[accounts]\nuid_attribute = a b\n",
        "[accounts]\nssh_keys_attribute = a b\n", "[accounts]\nssh_keys_max_age = 4m\n",
        "[accounts]\nssh_keys_max_age = 31d\n", "[accounts]\nssh_keys_max_age = 24\n",
        "[accounts]\nssh_keys_max_age = h\n", "[accounts]\nssh_keys_max_age = 4294967295d\n",
        "[accounts]\nssh_keys_max_age =\n", "[groups]\nroot = x\n"}) {
    machine.write(kConf, text);
    ASSERT_REFUSED(Keeper::open(machine.root(), false), bad_configuration);
  }
  machine.write(kConf, kTestConf, 0666);
  ASSERT_REFUSED(Keeper::open(machine.root(), false), bad_configuration);
  machine.write(kConf, kTestConf);
  assert_int_equal(::chmod(machine.path("/etc/pam-cognito").c_str(), 0777), 0);
  ASSERT_REFUSED(Keeper::open(machine.root(), false), bad_configuration);
  assert_int_equal(::chmod(machine.path("/etc/pam-cognito").c_str(), 0755), 0);
  assert_int_equal(::unlink(machine.path(kConf).c_str()), 0);
  ASSERT_REFUSED(Keeper::open(machine.root(), true), bad_configuration);
  machine.write(kConf, kTestConf);
  assert_int_equal(::unlink(machine.path("/etc/passwd").c_str()), 0);
  ASSERT_REFUSED(Keeper::open(machine.root(), true), bad_configuration);
}

void directories_are_roots(void** /*state*/) {
  const Machine machine;
  const mode_t umask = ::umask(0);
  Keeper keeper = machine.open();
  (void)::umask(umask);
  (void)GOOD(keeper.add("bob", usual()));
  struct stat status{};
  for (const auto& [path, mode] :
       {std::pair<const char*, mode_t>("/var/lib/pam-cognito-accounts-db", 0700),
        {kDatabase, 0600},
        {"/var/lib/pam-cognito-accounts", 0755},
        {kImage, 0644}}) {
    assert_int_equal(::lstat(machine.path(path).c_str(), &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
  }
  for (const char* const path :
       {"/var/lib/pam-cognito-accounts-db", "/var/lib/pam-cognito-accounts"}) {
    assert_int_equal(::chmod(machine.path(path).c_str(), 0777), 0);
    ASSERT_REFUSED(keeper.lock("bob"), bad_configuration);
    assert_int_equal(::chmod(machine.path(path).c_str(), 0755), 0);
    assert_int_equal(::chown(machine.path(path).c_str(), 990, 0), 0);
    ASSERT_REFUSED(keeper.lock("bob"), bad_configuration);
    assert_int_equal(::chown(machine.path(path).c_str(), 0, 0), 0);
    std::filesystem::rename(machine.path(path), machine.path("/elsewhere"));
    std::filesystem::create_symlink(machine.path("/elsewhere"), machine.path(path));
    ASSERT_REFUSED(keeper.lock("bob"), storage);
    std::filesystem::remove(machine.path(path));
    std::filesystem::rename(machine.path("/elsewhere"), machine.path(path));
  }
  (void)GOOD(keeper.lock("bob"));
}

void damaged_databases(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith")));
  for (int i = 0; i < 100; ++i)
    (void)GOOD(keeper.add("u" + std::to_string(i), with_uid(1879048300U + static_cast<uid_t>(i))));
  const std::string whole = machine.read(kDatabase);
  const std::string image = machine.read(kImage);
  const auto refused_as_damaged = [&](const std::string& text) {
    machine.write(kDatabase, text, 0600);
    ASSERT_REFUSED(Keeper::open(machine.root(), true), damaged);
    // Users keep their accounts meanwhile.
    assert_text(machine.read(kImage), image);
  };
  refused_as_damaged("");
  refused_as_damaged(std::string(4096, 'x'));
  refused_as_damaged(whole.substr(0, whole.size() / 2));
  std::string changed = whole;
  for (std::size_t at = whole.find("alice.smith"); at != std::string::npos;
       at = changed.find("alice.smith"))
    changed[at] = '/';
  refused_as_damaged(changed);
  assert_int_equal(::unlink(machine.path(kDatabase).c_str()), 0);
  ASSERT_REFUSED(Keeper::open(machine.root(), true), damaged);
  machine.write(kDatabase, whole, 0666);
  ASSERT_REFUSED(Keeper::open(machine.root(), true), damaged);
  machine.write(kDatabase, whole, 0600);
  (void)machine.open();
  assert_text(machine.read(kImage), image);
}

void images_are_repaired(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith", {"ops"})));
  const std::string first = machine.read(kImage);
  // A sign-in without a change keeps the file.
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith", {"ops"})));
  assert_text(machine.read(kImage), first);
  const auto generation = [&] {
    Header header{};
    std::memcpy(&header, machine.read(kImage).data(), sizeof(header));
    return header.generation;
  };
  std::uint64_t before = generation();
  std::string edited = first;
  edited[200] = static_cast<char>(edited[200] ^ 1);
  for (const std::string& text : {edited, std::string(), first + "x", first.substr(0, 100)}) {
    machine.write(kImage, text);
    (void)machine.open(false);
    assert_int_equal(machine.read(kImage).size(), first.size());
    // An old image that an administrator restores differs from the present one.
    if (text == edited) assert_true(generation() > before);
    before = generation();
  }
  // Also by the next change, without a start.
  machine.write(kImage, edited);
  assert_false(GOOD(keeper.unlock("alice.smith")).changed);
  assert_true(generation() > 0 && machine.read(kImage) != edited);
  // Modes that others could use, and groups that have changed.
  assert_int_equal(::chmod(machine.path(kImage).c_str(), 0666), 0);
  (void)machine.open(false);
  struct stat status{};
  assert_int_equal(::lstat(machine.path(kImage).c_str(), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0644);
  const std::string grouped = machine.read(kImage);
  machine.write("/etc/group", "root:x:0:\nsudo:x:28:\n");
  (void)machine.open(false);
  assert_true(machine.read(kImage).size() < grouped.size());
  // A restored image of a larger generation: the next one is larger still.
  const std::string large = machine.read(kImage);
  Header header{};
  std::memcpy(&header, large.data(), sizeof(header));
  header.generation += 1000;
  header.checksum = checksum_of(header);
  machine.write(kImage, std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
                            large.substr(sizeof(header)));
  (void)machine.open(false);
  assert_true(generation() > header.generation);
}

// Changes after a backup are not forgotten when the backup is put back.
void a_restored_database_follows_the_newer_file(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  for (const char* name : {"alice.smith", "bob.lock", "cy.gone", "dan.old"})
    (void)GOOD(sign_in(keeper, sign_in_of(name)));
  const std::string backup = machine.read(kDatabase);
  (void)GOOD(keeper.lock("bob.lock"));
  (void)GOOD(keeper.remove("cy.gone"));
  const uid_t renamed = GOOD(keeper.rename("dan.old", "dan.new")).account.uid;
  const uid_t later = GOOD(keeper.add("eve.later", usual())).account.uid;
  assert_text(keeper.take_remark(), "");

  machine.write(kDatabase, backup, 0600);
  Keeper restored = machine.open(false);
  assert_true(restored.take_remark().contains(
      "1 accounts are locked, 1 renamed and 1 removed; 1 names that the database does not know"));
  assert_text(restored.take_remark(), "");
  assert_int_equal(GOOD(restored.show("alice.smith")).state, State::active);
  assert_int_equal(GOOD(restored.show("bob.lock")).state, State::locked);
  assert_int_equal(GOOD(restored.show("dan.new")).uid, renamed);
  assert_text(GOOD(restored.show("dan.new")).sub, "sub-of-dan.old");
  for (const char* name : {"cy.gone", "dan.old", "eve.later"})
    ASSERT_REFUSED(restored.show(name), unknown_account);
  // The uid of the later account goes to nobody else, and its name to nobody by itself.
  ASSERT_REFUSED(restored.add("fay.other", with_uid(later)), uid_taken);
  ASSERT_REFUSED(sign_in(restored, sign_in_of("eve.later")), name_retired);
  assert_int_equal(GOOD(restored.add("eve.later", with_uid(later))).account.uid, later);

  // Also while a program keeps the database open, and only once.
  machine.write(kDatabase, backup, 0600);
  (void)GOOD(restored.lock("alice.smith"));
  assert_true(restored.take_remark().contains("older than the accounts file"));
  (void)GOOD(restored.unlock("alice.smith"));
  assert_text(restored.take_remark(), "");

  // A damaged file proves nothing. It is written anew, with a remark.
  machine.write(kDatabase, backup, 0600);
  std::string damaged = machine.read(kImage);
  damaged[sizeof(Header) + 3] = static_cast<char>(damaged[sizeof(Header) + 3] ^ 1);
  machine.write(kImage, damaged);
  assert_true(machine.open(false).take_remark().contains("the file is damaged"));
}

// The bits of a record are positions in this table, so a group that is left out has none.
void groups_of_root_and_of_users_are_left_out(void** /*state*/) {
  const Machine machine;
  machine.write(kConf,
                "[accounts]\nnames = *.*\n[groups]\nzero = ops\nwithin = ops\nabsent = ops\n"
                "minus = ops\nsudo = ops\nempty =\n");
  Keeper keeper = machine.open();
  const auto group_count = [&] {
    Header header{};
    std::memcpy(&header, machine.read(kImage).data(), sizeof(header));
    return header.group_count;
  };
  assert_int_equal(group_count(), 1);
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith", {"ops"})));
  machine.append("/etc/group", "zero:x:0:\nwithin:x:1879048192:\nminus:x:4294967295:\n");
  const Changed kept = GOOD(sign_in(keeper, sign_in_of("alice.smith", {"ops"})));
  assert_false(kept.groups_changed);
  assert_int_equal(group_count(), 1);
  UserRecord record{};
  std::memcpy(&record, machine.read(kImage).data() + sizeof(Header) + sizeof(GroupRecord),
              sizeof(record));
  assert_int_equal(record.groups, 1);
  (void)GOOD(keeper.lock("alice.smith"));
  std::memcpy(&record, machine.read(kImage).data() + sizeof(Header) + sizeof(GroupRecord),
              sizeof(record));
  assert_int_equal(record.groups, 0);
  machine.append("/etc/group", "empty:x:1500:\nabsent:x:1501:\n");
  (void)GOOD(keeper.unlock("alice.smith"));
  assert_int_equal(group_count(), 3);
}

void another_change_ends_or_is_awaited(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  const Fd holder(
      ::open(machine.path("/var/lib/pam-cognito-accounts-db").c_str(), O_RDONLY | O_DIRECTORY));
  assert_int_equal(::flock(holder.get(), LOCK_EX), 0);
  ASSERT_REFUSED(
      Operation::begin(machine.root(), Operation::Start::usual, std::chrono::milliseconds(30)),
      busy);
  assert_int_equal(::flock(holder.get(), LOCK_UN), 0);
  (void)GOOD(keeper.add("bob", usual()));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(configurations),
      cmocka_unit_test(directories_are_roots),
      cmocka_unit_test(damaged_databases),
      cmocka_unit_test(images_are_repaired),
      cmocka_unit_test(a_restored_database_follows_the_newer_file),
      cmocka_unit_test(groups_of_root_and_of_users_are_left_out),
      cmocka_unit_test(another_change_ends_or_is_awaited),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
