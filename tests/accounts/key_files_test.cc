// The key files of sshd in the life of an account, below a root of its own.

#include "accounts/key_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/database.h"
#include "tests/accounts/machine.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::accounts;

constexpr char kConf[] = "/etc/pam-cognito/accounts.conf";
constexpr char kKeys[] = "/var/lib/pam-cognito-accounts/keys";
constexpr char kDatabase[] = "/var/lib/pam-cognito-accounts-db/accounts.db";
constexpr char kSetting[] = "[accounts]\nssh_keys_attribute = custom:ssh_keys\n";
constexpr char kKey[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr";
constexpr char kOtherKey[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxs";
constexpr uid_t kAlice = 2044213407;  // of alice.smith, by the rule
constexpr std::int64_t kDay = 86400;

std::string path_of(uid_t uid) {
  return std::string(kKeys) + "/" + std::to_string(uid);
}

bool has_keys(const Machine& machine, uid_t uid = kAlice) {
  return ::access(machine.path(path_of(uid)).c_str(), F_OK) == 0;
}

// All names below the directory, also of files that are not for sshd.
std::size_t count(const Machine& machine) {
  std::size_t names = 0;
  for (const auto& one : std::filesystem::directory_iterator(machine.path(kKeys)))
    if (!one.path().empty()) ++names;
  return names;
}

SignIn with_keys(const std::string& name, const std::string& keys) {
  SignIn change = sign_in_of(name);
  change.ssh_keys = keys;
  return change;
}

// alice.smith has one key.
struct Signed {
  Machine machine;
  Keeper keeper;

  explicit Signed(const std::string& keys = kKey) : keeper(start(machine)) {
    const Changed changed = GOOD(sign_in(keeper, with_keys("alice.smith", keys)));
    assert_int_equal(changed.account.uid, kAlice);
    assert_true(has_keys(machine));
    assert_text(keeper.take_remark(), "");
  }

 private:
  static Keeper start(const Machine& machine) {
    machine.append(kConf, kSetting);
    return machine.open();
  }
};

// As if the last full sign-in had been at that time.
void set_verified(const Machine& machine, std::int64_t at) {
  auto database = Database::open(machine.path(kDatabase), Database::Mode::write);
  assert_true(database.has_value());
  const std::string sql = "UPDATE account SET verified_at = " + std::to_string(at);
  assert_true(database->run(sql.c_str()).has_value());
}

std::int64_t now() {
  return static_cast<std::int64_t>(std::time(nullptr));
}

// As a full sign-in of 24 hours ago has left it.
void plant_expired(const Machine& machine) {
  set_verified(machine, now() - kDay);
  const KeyFiles files = GOOD(KeyFiles::open(machine.root(), true));
  const KeyFile file = {.keys = parse_ssh_keys(kKey).keys, .until = now()};
  assert_true(files.stage(kAlice, file) && files.publish(kAlice));
}

void an_expired_key_is_not_shown(void** /*state*/) {
  Signed made;
  assert_int_equal(GOOD(made.keeper.keys("alice.smith")).keys.size(), 1);
  plant_expired(made.machine);
  assert_true(GOOD(made.keeper.keys("alice.smith")).keys.empty());
}

void a_full_sign_in_writes_the_file(void** /*state*/) {
  Signed made(std::string(kKey) + " laptop, command=\"id\" " + kOtherKey);
  struct stat status{};
  assert_int_equal(::lstat(made.machine.path(path_of(kAlice)).c_str(), &status), 0);
  assert_int_equal(status.st_mode, S_IFREG | 0644);
  assert_int_equal(status.st_uid, 0);
  assert_int_equal(status.st_gid, 0);
  assert_int_equal(::lstat(made.machine.path(kKeys).c_str(), &status), 0);
  assert_int_equal(status.st_mode, S_IFDIR | 0755);
  const auto file = read_key_file(made.machine.read(path_of(kAlice)));
  assert_true(file && file->keys.size() == 1);
  assert_text(file->keys[0].line, kKey);
  const Account account = GOOD(made.keeper.show("alice.smith"));
  assert_int_equal(file->until, account.verified_at + kDay);
  const KeyFile shown = GOOD(made.keeper.keys("alice.smith"));
  assert_true(shown.keys == file->keys && shown.until == file->until);
  assert_int_equal(count(made.machine), 1);
}

void the_log_is_told_what_changed(void** /*state*/) {
  Signed made;
  const auto note = [&](const std::string& keys) {
    return GOOD(sign_in(made.keeper, with_keys("alice.smith", keys))).keys_note;
  };
  assert_text(note(kKey), "");
  assert_true(
      note(std::string(kKey) + "\n" + kOtherKey).starts_with("SSH keys of alice.smith: SHA256:"));
  assert_text(note("x"),
              "SSH keys of alice.smith: none. custom:ssh_keys of alice.smith: entry 1 has options "
              "or no permitted type");
  assert_text(note(""), "");
}

void the_next_full_sign_in_replaces_the_file(void** /*state*/) {
  Signed made;
  set_verified(made.machine, now() - 100);
  (void)GOOD(sign_in(made.keeper, with_keys("alice.smith", kOtherKey)));
  const KeyFile file = GOOD(made.keeper.keys("alice.smith"));
  assert_int_equal(file.keys.size(), 1);
  assert_text(file.keys[0].line, kOtherKey);
  assert_true(file.until >= now() + kDay - 60);
  for (const char* const none : {"", "ssh-ed25519 x", ",,,"}) {
    (void)GOOD(sign_in(made.keeper, with_keys("alice.smith", kKey)));
    assert_true(has_keys(made.machine));
    (void)GOOD(sign_in(made.keeper, with_keys("alice.smith", none)));
    assert_int_equal(count(made.machine), 0);
    assert_true(GOOD(made.keeper.keys("alice.smith")).keys.empty());
  }
}

void without_the_setting_there_are_no_keys(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  (void)GOOD(sign_in(keeper, with_keys("alice.smith", kKey)));
  assert_int_not_equal(::access(machine.path(kKeys).c_str(), F_OK), 0);
  assert_true(GOOD(keeper.keys("alice.smith")).keys.empty());
}

// Each change after which the keys do not count removes the file, in the same change.
void the_file_goes_with_what_it_rests_on(void** /*state*/) {
  struct Case {
    const char* name;
    std::function<void(Signed&)> change;
  };
  const auto other_change = [](Signed& made) { (void)GOOD(made.keeper.add("bob.jones", usual())); };
  const std::vector<Case> cases = {
      {"lock", [](Signed& made) { (void)GOOD(made.keeper.lock("alice.smith")); }},
      {"lock by the pool",
       [](Signed& made) { (void)GOOD(made.keeper.lock_for_pool("alice.smith")); }},
      {"remove", [](Signed& made) { (void)GOOD(made.keeper.remove("alice.smith")); }},
      {"rebind", [](Signed& made) { (void)GOOD(made.keeper.rebind("alice.smith")); }},
      {"migrate",
       [](Signed& made) { (void)GOOD(made.keeper.migrate(kTestPool, "eu-west-1_Other")); }},
      {"setting",
       [&](Signed& made) {
         made.machine.append(kConf, "[accounts]\nssh_keys_attribute =\n");
         other_change(made);
       }},
      {"shorter age",
       [&](Signed& made) {
         made.machine.append(kConf, "[accounts]\nssh_keys_max_age = 5m\n");
         other_change(made);
       }},
      {"age passed",
       [&](Signed& made) {
         set_verified(made.machine, now() - kDay);
         other_change(made);
       }},
      {"age passed, as sshd judges, too",
       [&](Signed& made) {
         plant_expired(made.machine);
         other_change(made);
       }},
      {"clock set back",
       [&](Signed& made) {
         set_verified(made.machine, now() + 3600);
         other_change(made);
       }},
      {"older database",
       [&](Signed& made) {
         set_verified(made.machine, now() - 10);
         other_change(made);
       }},
      {"local user of the name",
       [&](Signed& made) {
         made.machine.append("/etc/passwd", "alice.smith:x:1001:1001::/home/a:/bin/sh\n");
         other_change(made);
       }},
      {"local user of the uid",
       [&](Signed& made) {
         made.machine.append("/etc/passwd", "dave:x:2044213407:1001::/home/d:/bin/sh\n");
         (void)made.keeper.lock("unknown.user");
         (void)Keeper::open(made.machine.root(), false);
       }},
      {"other range",
       [&](Signed& made) {
         made.machine.append(kConf, "[accounts]\nrange = 1879048192-2000000000\n");
         other_change(made);
       }},
      {"other mode",
       [&](Signed& made) {
         assert_int_equal(::chmod(made.machine.path(path_of(kAlice)).c_str(), 0664), 0);
         other_change(made);
       }},
      {"other owner",
       [&](Signed& made) {
         assert_int_equal(::chown(made.machine.path(path_of(kAlice)).c_str(), 1000, 1000), 0);
         other_change(made);
       }},
      {"second name",
       [&](Signed& made) {
         const std::string path = made.machine.path(path_of(kAlice));
         assert_int_equal(::link(path.c_str(), made.machine.path("/second").c_str()), 0);
         other_change(made);
       }},
  };
  for (const Case& one : cases) {
    Signed made;
    one.change(made);
    if (count(made.machine) != 0) fail_msg("%s: the file is there", one.name);
    assert_text(made.keeper.take_remark(), "");
  }
}

void what_does_not_concern_the_file_leaves_it(void** /*state*/) {
  Signed made;
  (void)GOOD(made.keeper.add("bob.jones", usual()));
  (void)GOOD(made.keeper.lock("bob.jones"));
  (void)GOOD(made.keeper.set_shell("alice.smith", "/bin/sh"));
  made.machine.append(kConf, "[accounts]\nssh_keys_max_age = 7d\n");
  // The uid stays, and so does the file: it has the name of the uid.
  (void)GOOD(made.keeper.rename("alice.smith", "alice.new"));
  assert_true(has_keys(made.machine));
  assert_int_equal(GOOD(made.keeper.keys("alice.new")).keys.size(), 1);
  assert_false(made.keeper.keys("alice.smith").has_value());
}

void an_unlocked_or_restored_user_signs_in_first(void** /*state*/) {
  Signed made;
  (void)GOOD(made.keeper.lock("alice.smith"));
  ASSERT_REFUSED(sign_in(made.keeper, with_keys("alice.smith", kKey)), locked);
  assert_int_equal(count(made.machine), 0);
  (void)GOOD(made.keeper.unlock("alice.smith"));
  assert_int_equal(count(made.machine), 0);
  (void)GOOD(sign_in(made.keeper, with_keys("alice.smith", kKey)));
  assert_true(has_keys(made.machine));
  const std::string document = GOOD(made.keeper.export_json());
  assert_false(document.contains("ssh-ed25519"));
  (void)GOOD(made.keeper.remove("alice.smith"));
  (void)GOOD(made.keeper.add("alice.smith", with_uid(kAlice)));
  assert_int_equal(count(made.machine), 0);
  const Machine other;
  other.append(kConf, kSetting);
  Keeper imported = other.open();
  assert_int_equal(GOOD(imported.import_json(document)), 1);
  assert_false(has_keys(other));
}

void a_refused_sign_in_writes_nothing(void** /*state*/) {
  Signed made;
  const std::string before = made.machine.read(path_of(kAlice));
  for (const char* const name : {"root", "carol", "docker", "zoe", "../x", ""})
    assert_false(sign_in(made.keeper, with_keys(name, kOtherKey)).has_value());
  SignIn another = with_keys("alice.smith", kOtherKey);
  another.sub = "sub-of-another";
  ASSERT_REFUSED(sign_in(made.keeper, another), sub_differs);
  assert_int_equal(count(made.machine), 1);
  assert_text(made.machine.read(path_of(kAlice)), before);
}

// In one batch, as cognitod-accounts makes them.
void the_last_of_a_batch_counts(void** /*state*/) {
  Signed made;
  const auto results =
      made.keeper.sign_in({with_keys("alice.smith", kKey), with_keys("bob.jones", kKey),
                           sign_in_of("root"), with_keys("alice.smith", kOtherKey)});
  assert_true(results[0] && results[1] && !results[2] && results[3]);
  assert_text(GOOD(made.keeper.keys("alice.smith")).keys[0].line, kOtherKey);
  assert_int_equal(GOOD(made.keeper.keys("bob.jones")).keys.size(), 1);
  assert_int_equal(count(made.machine), 2);
}

void the_start_repairs_the_directory(void** /*state*/) {
  Signed made;
  const std::string directory = made.machine.path(kKeys);
  const std::string text = made.machine.read(path_of(kAlice));
  for (const char* const name : {"0", "1000", "1879048200", "4294967295", ".2044213407.new"})
    made.machine.write(std::string(kKeys) + "/" + name, text);
  made.machine.write("/outside", "outside");
  assert_int_equal(
      ::symlink(made.machine.path("/outside").c_str(), (directory + "/1879048201").c_str()), 0);
  // Nothing of the keeper: doctor reports it.
  for (const char* const name : {"README", "00", "-1", "carol"})
    made.machine.write(std::string(kKeys) + "/" + name, text);
  assert_int_equal(::mkdir((directory + "/1879048202").c_str(), 0755), 0);
  (void)made.machine.open(false);
  assert_int_equal(count(made.machine), 6);
  assert_true(has_keys(made.machine));
  assert_text(made.machine.read("/outside"), "outside");
}

void a_symbolic_link_is_not_followed(void** /*state*/) {
  Signed made;
  const std::string path = made.machine.path(path_of(kAlice));
  // It would count.
  const std::string outside = made.machine.read(path_of(kAlice));
  made.machine.write("/outside", outside);
  const std::string staged = made.machine.path(std::string(kKeys) + "/.2044213407.new");
  assert_int_equal(::symlink(made.machine.path("/outside").c_str(), staged.c_str()), 0);
  assert_int_equal(::unlink(path.c_str()), 0);
  assert_int_equal(::symlink(made.machine.path("/outside").c_str(), path.c_str()), 0);
  assert_true(GOOD(made.keeper.keys("alice.smith")).keys.empty());
  (void)GOOD(sign_in(made.keeper, with_keys("alice.smith", kKey)));
  assert_text(made.machine.read("/outside"), outside);
  assert_true(std::filesystem::is_regular_file(std::filesystem::symlink_status(path)));
}

// Its files are neither written nor removed, and the sign-in is stored.
void a_directory_of_others_is_not_used(void** /*state*/) {
  const std::vector<std::function<void(const std::string&)>> damages = {
      [](const std::string& path) { assert_int_equal(::chmod(path.c_str(), 0777), 0); },
      [](const std::string& path) { assert_int_equal(::chown(path.c_str(), 1000, 0), 0); },
      [](const std::string& path) {
        std::filesystem::rename(path, path + ".real");
        assert_int_equal(::symlink((path + ".real").c_str(), path.c_str()), 0);
      },
      [](const std::string& path) {
        std::filesystem::remove_all(path);
        assert_int_equal(::close(::open(path.c_str(), O_CREAT | O_WRONLY, 0644)), 0);
      },
  };
  for (const auto& damage : damages) {
    Signed made;
    damage(made.machine.path(kKeys));
    (void)GOOD(sign_in(made.keeper, with_keys("bob.jones", kKey)));
    assert_true(made.keeper.take_remark().contains("/keys "));
    assert_true(GOOD(made.keeper.keys("bob.jones")).keys.empty());
    (void)GOOD(made.keeper.lock("alice.smith"));
    assert_int_equal(GOOD(made.keeper.show("alice.smith")).state == State::locked, 1);
  }
}

// Its own mount makes a file that root cannot remove, as a fault of the disk does. The change of
// its user is stored, and reported as failed. Changes of others are not.
void a_file_that_cannot_be_removed_is_reported(void** /*state*/) {
  Signed made;
  const std::string path = made.machine.path(path_of(kAlice));
  const pid_t child = ::fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0)
      ::_exit(2);
    const auto locked = made.keeper.lock("alice.smith");
    if (locked || locked.error().refusal != Refusal::storage ||
        !locked.error().text.contains("cannot be removed"))
      ::_exit(3);
    const auto shown = made.keeper.show("alice.smith");
    if (!shown || shown->state != State::locked) ::_exit(4);
    if (!made.keeper.add("bob.jones", usual())) ::_exit(5);
    if (!made.keeper.take_remark().contains("cannot be removed")) ::_exit(6);
    ::_exit(0);
  }
  int status = 0;
  assert_int_equal(::waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  (void)made.machine.open(false);
  assert_int_equal(count(made.machine), 0);
}

bool changes_files(std::uint64_t call) {
  switch (call) {
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_write:
    case SYS_pwrite64:
    case SYS_ftruncate:
    case SYS_unlinkat:
    case SYS_renameat:
#ifdef SYS_unlink
    case SYS_unlink:
#endif
      return true;
    default:
      return false;
  }
}

// Makes a change in a child, and kills it before its call `number` that changes files. False: it
// made its change to the end.
bool killed_before(int number, const std::function<void()>& change) {
  const pid_t child = ::fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(3);
    (void)::raise(SIGSTOP);
    change();
    ::_exit(0);
  }
  int status = 0;
  assert_int_equal(::waitpid(child, &status, 0), child);
  assert_true(WIFSTOPPED(status));
  constexpr long kOptions = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
  assert_int_equal(::ptrace(PTRACE_SETOPTIONS, child, nullptr, kOptions), 0);
  while (true) {
    assert_int_equal(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr), 0);
    assert_int_equal(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
      assert_int_equal(WEXITSTATUS(status), 0);
      return false;
    }
    struct __ptrace_syscall_info info{};
    assert_true(::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) > 0);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !changes_files(info.entry.nr)) continue;
    if (number-- > 0) continue;
    (void)::kill(child, SIGKILL);
    assert_int_equal(::waitpid(child, &status, 0), child);
    return true;
  }
}

struct Stored {
  bool is_active = false;
  std::string sub;
  std::int64_t verified_at = 0;
};

Stored stored(const Machine& machine) {
  auto database = Database::open(machine.path(kDatabase), Database::Mode::write);
  assert_true(database.has_value());
  auto read = database->prepare("SELECT state, sub, verified_at FROM account");
  assert_true(read && read->step().value_or(false));
  return {read->integer(0) == static_cast<std::int64_t>(State::active), read->text(1),
          read->integer(2)};
}

// A keeper that ends between two steps of a change leaves fewer keys, never more. The next start is
// not needed for that.
void an_end_between_two_steps_adds_no_key(void** /*state*/) {
  const auto keys_in = [](const Machine& machine) {
    const auto file = read_key_file(machine.read(path_of(kAlice)));
    return file ? file->keys[0].line : std::string();
  };
  int kills = 0;
  for (bool killed = true; killed; ++kills) {
    Signed made;
    killed = killed_before(kills, [&] { (void)made.keeper.lock("alice.smith"); });
    assert_true(stored(made.machine).is_active || !has_keys(made.machine));
    (void)made.machine.open(false);
    assert_true(stored(made.machine).is_active || count(made.machine) == 0);
  }
  assert_true(kills > 5);
  kills = 0;
  for (bool killed = true; killed; ++kills) {
    Signed made;
    killed = killed_before(kills, [&] { (void)made.keeper.rebind("alice.smith"); });
    assert_true(!stored(made.machine).sub.empty() || !has_keys(made.machine));
  }
  kills = 0;
  for (bool killed = true; killed; ++kills) {
    Signed made;
    const std::int64_t before = now() - 100;
    set_verified(made.machine, before);
    // The file of that sign-in.
    const KeyFiles files = GOOD(KeyFiles::open(made.machine.root(), true));
    const KeyFile first = {.keys = parse_ssh_keys(kKey).keys, .until = before + kDay};
    assert_true(files.stage(kAlice, first) && files.publish(kAlice));
    killed = killed_before(
        kills, [&] { (void)sign_in(made.keeper, with_keys("alice.smith", kOtherKey)); });
    const std::string key = keys_in(made.machine);
    const bool is_stored = stored(made.machine).verified_at != before;
    if (!key.empty()) assert_text(key, is_stored ? kOtherKey : kKey);
    if (!killed) assert_text(key, kOtherKey);
    // No remainder of the new file is left.
    (void)made.machine.open(false);
    assert_int_equal(count(made.machine), key.empty() ? 0 : 1);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_full_sign_in_writes_the_file),
      cmocka_unit_test(an_expired_key_is_not_shown),
      cmocka_unit_test(the_log_is_told_what_changed),
      cmocka_unit_test(the_next_full_sign_in_replaces_the_file),
      cmocka_unit_test(without_the_setting_there_are_no_keys),
      cmocka_unit_test(the_file_goes_with_what_it_rests_on),
      cmocka_unit_test(what_does_not_concern_the_file_leaves_it),
      cmocka_unit_test(an_unlocked_or_restored_user_signs_in_first),
      cmocka_unit_test(a_refused_sign_in_writes_nothing),
      cmocka_unit_test(the_last_of_a_batch_counts),
      cmocka_unit_test(the_start_repairs_the_directory),
      cmocka_unit_test(a_symbolic_link_is_not_followed),
      cmocka_unit_test(a_directory_of_others_is_not_used),
      cmocka_unit_test(a_file_that_cannot_be_removed_is_reported),
      cmocka_unit_test(an_end_between_two_steps_adds_no_key),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
