#include "daemon/sessions/known_users_file.h"

#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/fd.h"
#include "tests/cmocka_cpp.h"
#include "tests/unit/sessions/temporary_directory.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::sessions;
using test::TemporaryDirectory;

constexpr char kPool[] = "eu-west-1_Example";

KnownUserChange pin_of(const std::string& user) {
  KnownUserChange change;
  change.kind = KnownUserChange::Kind::pin;
  change.pool = kPool;
  change.user = user;
  change.row.sub = "sub-of-" + user;
  change.row.groups = {"linux-users"};
  return change;
}

void write_users(const std::string& path, unsigned count) {
  std::vector<KnownUserChange> changes;
  for (unsigned i = 0; i < count; ++i) changes.push_back(pin_of("user" + std::to_string(i)));
  const auto written = write_known_users(path, changes);
  if (!written) fail_msg("%s", written.error().c_str());
}

// `part`: of the error, which must also tell what to do.
void assert_refused(const std::string& path, const char* part) {
  const auto users = read_known_users(path, kPool);
  if (users) fail_msg("read, wanted: %s", part);
  const std::string& error = users.error();
  if (!error.starts_with(path + ": ") || error.find(part) == std::string::npos ||
      error.find("nobody can sign in until") == std::string::npos) {
    fail_msg("%s, wanted: %s", error.c_str(), part);
  }
}

// SQL from another program to the database.
class Sql {
 public:
  explicit Sql(const std::string& path) {
    assert_int_equal(::sqlite3_open(path.c_str(), &database_), SQLITE_OK);
  }
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;
  ~Sql() { (void)::sqlite3_close(database_); }
  void run(const char* sql) const {
    char* error = nullptr;
    if (::sqlite3_exec(database_, sql, nullptr, nullptr, &error) != SQLITE_OK)
      fail_msg("%s: %s", sql, error);
  }

 private:
  sqlite3* database_ = nullptr;
};

void a_file_that_others_could_have_written_is_refused(void**) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("users.db");
  write_users(path, 1);
  assert_int_equal(::chmod(path.c_str(), 0620), 0);
  assert_refused(path, "can be written by others");
  assert_false(write_known_users(path, {pin_of("bob")}).has_value());
  assert_int_equal(::chmod(path.c_str(), 0602), 0);
  assert_refused(path, "can be written by others");
  assert_int_equal(::chmod(path.c_str(), 0600), 0);
  assert_int_equal(read_known_users(path, kPool)->size(), 1);
  const std::string link = directory.file("link.db");
  std::filesystem::create_symlink(path, link);
  assert_refused(link, "is a symbolic link");
  assert_false(write_known_users(link, {pin_of("bob")}).has_value());
  std::filesystem::create_symlink(directory.file("nothing"), directory.file("dangling.db"));
  assert_refused(directory.file("dangling.db"), "is a symbolic link");
  std::filesystem::create_directory(directory.file("folder.db"));
  assert_refused(directory.file("folder.db"), "is not a regular file");
  if (::geteuid() != 0) return;
  assert_int_equal(::chown(path.c_str(), 12345, 0), 0);
  assert_refused(path, "does not belong to");
}

void a_link_to_the_directory_is_the_admins(void**) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.file("real"));
  std::filesystem::create_directory_symlink(directory.file("real"), directory.file("link"));
  write_users(directory.file("link/users.db"), 2);
  assert_int_equal(read_known_users(directory.file("link/users.db"), kPool)->size(), 2);
}

void a_file_of_another_program_is_refused(void**) {
  const TemporaryDirectory directory;
  const std::string text = directory.file("text.db");
  std::ofstream(text) << std::string(8192, 'x');
  assert_refused(text, "not a database");
  const std::string empty = directory.file("empty.db");
  std::ofstream(empty) << "";
  assert_int_equal(read_known_users(empty, kPool)->size(), 0);
  write_users(empty, 1);
  assert_int_equal(read_known_users(empty, kPool)->size(), 1);
  const std::string other = directory.file("other.db");
  Sql(other).run("CREATE TABLE user (pool, name)");
  assert_refused(other, "is not a file of cognitod");
  assert_false(write_known_users(other, {pin_of("bob")}).has_value());
  const std::string newer = directory.file("newer.db");
  write_users(newer, 1);
  Sql(newer).run("PRAGMA user_version = 2");
  assert_refused(newer, "newer version");
  assert_false(write_known_users(newer, {pin_of("bob")}).has_value());
}

void a_damaged_file_is_refused(void**) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("users.db");
  write_users(path, 500);
  const auto size = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, size / 2);
  assert_refused(path, "");
  const std::string scratched = directory.file("scratched.db");
  write_users(scratched, 500);
  {
    std::fstream file(scratched, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file << std::string(4096, '\xa5');
  }
  assert_refused(scratched, "");
}

void a_row_that_cognitod_cannot_have_written_refuses_the_file(void**) {
  for (const char* const change :
       {"UPDATE user SET name = 'al ice' WHERE name = 'user1'", "UPDATE user SET sub = ''",
        "UPDATE user SET sub = 'two words' WHERE name = 'user0'",
        "UPDATE user SET sub = hex(zeroblob(65))",
        "UPDATE user SET groups = 'a' || char(27) || char(10)",
        "UPDATE user SET groups = 'without an end'",
        "UPDATE user SET groups = hex(zeroblob(60000)) || char(10)"}) {
    const TemporaryDirectory directory;
    const std::string path = directory.file("users.db");
    write_users(path, 2);
    Sql(path).run(change);
    assert_refused(path, "has a row that cognitod did not write");
    // The rows of other pools do not matter here.
    assert_true(read_known_users(path, "eu-west-1_Other").has_value());
  }
}

void an_account_pinned_meanwhile_stays(void**) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("users.db");
  write_users(path, 1);
  KnownUserChange other = pin_of("user0");
  other.row.sub = "sub-of-mallory";
  const auto written = write_known_users(path, {pin_of("bob"), other});
  assert_false(written.has_value());
  assert_non_null(std::strstr(written.error().c_str(), "another account"));
  const auto users = read_known_users(path, kPool);
  assert_int_equal(users->size(), 1);  // all or nothing
  assert_text(users->at("user0").sub, "sub-of-user0");
  other.row.pinned_by = PinnedBy::root;
  assert_true(write_known_users(path, {other}).has_value());
  assert_text(read_known_users(path, kPool)->at("user0").sub, "sub-of-mallory");
}

// A writer that died in the middle: its pages are in the file, and the journal that undoes them
// lies beside it.
void a_change_that_was_not_finished_is_undone(void**) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("users.db");
  const std::string left = directory.file("left.db");
  write_users(path, 2000);
  {
    const Sql writer(path);
    writer.run(
        "PRAGMA cache_size = 1; PRAGMA synchronous = OFF; BEGIN;"
        "UPDATE user SET sub = 'half-done', groups = hex(zeroblob(200)) || char(10)");
    std::filesystem::copy_file(path, left);
    std::filesystem::copy_file(path + "-journal", left + "-journal");
  }
  assert_int_equal(::chmod(left.c_str(), 0600), 0);
  std::ifstream file(left, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  assert_true(bytes.find("half-done") != std::string::npos);  // or this tests nothing
  const auto users = read_known_users(left, kPool);
  if (!users) fail_msg("%s", users.error().c_str());
  assert_int_equal(users->size(), 2000);
  for (const auto& [name, user] : *users) assert_text(user.sub, "sub-of-" + name);
}

// In a mount namespace of its own: 0 if all is well, 77 if this process may not make one.
int read_what_cannot_be_written(const std::string& place) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", place.c_str(), "tmpfs", 0, nullptr) != 0)
    return 77;
  const std::string path = place + "/users.db";
  if (!write_known_users(path, {pin_of("alice"), pin_of("bob")})) return 1;
  if (::mount("", place.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) return 77;
  const auto users = read_known_users(path, kPool);
  if (!users || users->size() != 2 || users->at("alice").sub != "sub-of-alice") return 2;
  return write_known_users(path, {pin_of("carol")}) ? 3 : 0;
}

void a_read_only_file_system_can_be_read(void**) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.file("place"));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(read_what_cannot_be_written(directory.file("place")));
  int status = 0;
  assert_int_equal(::waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    print_message("not permitted to mount: not tested\n");
    return;
  }
  assert_int_equal(WEXITSTATUS(status), 0);
}

FactorChangeNote note(std::time_t at, const char* from, std::vector<std::string> told) {
  FactorChangeNote made;
  made.at = at;
  made.what = at % 2 == 0 ? FactorChangeNote::What::app : FactorChangeNote::What::factors;
  made.from = from;
  made.told = std::move(told);
  return made;
}

std::vector<FactorChangeNote> notes_in(const std::string& path, const std::string& user) {
  const auto users = read_known_users(path, kPool);
  if (!users) fail_msg("%s", users.error().c_str());
  return users->at(user).factor_changes;
}

void notes_of_factor_changes_are_kept(void**) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("users.db");
  write_users(path, 2);
  assert_true(notes_in(path, "user0").empty());
  KnownUserChange change = pin_of("user0");
  change.kind = KnownUserChange::Kind::verification;
  change.row.factor_changes = {note(1'800'000'000, "192.0.2.66", {"host:192.0.2.7/32", "local"}),
                               note(1'800'000'001, "", {}),
                               note(1'800'000'002, FactorChangeNote::kSeat, {"uid:1001"})};
  assert_true(write_known_users(path, {change}).has_value());
  assert_true(notes_in(path, "user0") == change.row.factor_changes);
  assert_true(notes_in(path, "user1").empty());

  // The user is pinned to another account: changes of the earlier one are not told.
  KnownUserChange other = pin_of("user0");
  other.row.sub = "another-sub";
  other.row.pinned_by = PinnedBy::root;
  assert_true(write_known_users(path, {other}).has_value());
  assert_true(notes_in(path, "user0").empty());
  assert_true(write_known_users(path, {change}).has_value());  // the pin went on meanwhile
  assert_true(notes_in(path, "user0").empty());
}

// The file of 0.2.0 has no such table, and 0.2.0 reads a file that has it: the version is the same.
void a_file_of_an_older_version_is_read_and_goes_on(void**) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("users.db");
  write_users(path, 1);
  const Sql old(path);
  old.run("DROP TABLE factor_change");
  assert_true(notes_in(path, "user0").empty());
  KnownUserChange change = pin_of("user0");
  change.kind = KnownUserChange::Kind::verification;
  change.row.factor_changes = {note(1'800'000'000, "192.0.2.66", {})};
  assert_true(write_known_users(path, {change}).has_value());
  assert_true(notes_in(path, "user0") == change.row.factor_changes);
  old.run(
      "CREATE TABLE probe AS SELECT 1 WHERE (SELECT user_version FROM pragma_user_version) = 1");
}

// A note accepts no sign-in, so an unreadable one is left out.
void notes_that_cognitod_did_not_write_are_left_out(void**) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("users.db");
  for (const char* notes :
       {"", "nonsense", "2 1800000000 app -", "1 today app -", "1 1800000000 lamp -",
        "1 1800000000 app ", "1 1800000000 app a\tb", "1 1800000000 app - a\x01",
        "1 1800000000 app - 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"}) {
    write_users(path, 1);
    const Sql file(path);
    file.run("DELETE FROM factor_change");
    file.run((std::string("INSERT INTO factor_change VALUES ('eu-west-1_Example', 'user0', "
                          "'sub-of-user0', '") +
              notes + "')")
                 .c_str());
    if (!notes_in(path, "user0").empty()) fail_msg("read: %s", notes);
  }
  // More than there can be.
  std::string many;
  for (int i = 0; i < 10; ++i) many += "1 180000000" + std::to_string(i) + " app -\n";
  const Sql file(path);
  file.run(("UPDATE factor_change SET notes = '" + many + "'").c_str());
  assert_int_equal(notes_in(path, "user0").size(), FactorChangeNote::kMaxNotes);
}

[[noreturn]] void pin_for_ever(const std::string& path, int told, unsigned first) {
  for (unsigned i = first;; ++i) {
    if (!write_known_users(path, {pin_of("user" + std::to_string(i))})) ::_exit(1);
    if (::write(told, &i, sizeof i) != sizeof i) ::_exit(2);
  }
}

void a_kill_at_any_point_loses_no_pin(void**) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("users.db");
  unsigned next = 0;
  std::srand(42);
  for (int round = 0; round < 40; ++round) {
    int ends[2];
    assert_int_equal(::pipe(ends), 0);
    Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) pin_for_ever(path, write_end.get(), next);
    write_end.reset();
    unsigned told = 0;
    assert_int_equal(::read(read_end.get(), &told, sizeof told), sizeof told);
    // Somewhere in what follows; where exactly is chance, and nothing depends on it.
    std::this_thread::sleep_for(std::chrono::microseconds(std::rand() % 3000));
    assert_int_equal(::kill(child, SIGKILL), 0);
    int status = 0;
    assert_int_equal(::waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (::read(read_end.get(), &told, sizeof told) == sizeof told) {
    }
    const auto users = read_known_users(path, kPool);
    if (!users) fail_msg("round %d: %s", round, users.error().c_str());
    // All that were told, and at most the one that was on its way.
    assert_in_range(users->size(), told + 1, told + 2);
    for (const auto& [name, user] : *users) assert_text(user.sub, "sub-of-" + name);
    next = static_cast<unsigned>(users->size());
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_file_that_others_could_have_written_is_refused),
      cmocka_unit_test(a_link_to_the_directory_is_the_admins),
      cmocka_unit_test(a_file_of_another_program_is_refused),
      cmocka_unit_test(a_damaged_file_is_refused),
      cmocka_unit_test(a_row_that_cognitod_cannot_have_written_refuses_the_file),
      cmocka_unit_test(an_account_pinned_meanwhile_stays),
      cmocka_unit_test(a_change_that_was_not_finished_is_undone),
      cmocka_unit_test(a_read_only_file_system_can_be_read),
      cmocka_unit_test(notes_of_factor_changes_are_kept),
      cmocka_unit_test(a_file_of_an_older_version_is_read_and_goes_on),
      cmocka_unit_test(notes_that_cognitod_did_not_write_are_left_out),
      cmocka_unit_test(a_kill_at_any_point_loses_no_pin),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
