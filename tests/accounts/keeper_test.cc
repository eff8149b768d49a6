// The rules of accounts, each refusal, and the life of an account, below a root of its own.

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/accounts/machine.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::accounts;

constexpr char kConf[] = "/etc/pam-cognito/accounts.conf";
constexpr uid_t kAliceUid = 2044213407;  // by Python's hmac, see uid_test.cc

void first_sign_in_makes_an_account(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  const Changed made = GOOD(sign_in(keeper, sign_in_of("alice.smith", {"ops", "other"})));
  assert_true(made.changed && made.groups_changed);
  assert_int_equal(made.account.uid, kAliceUid);
  assert_true(made.account.created_at > 0 && made.account.verified_at > 0);
  const Account shown = GOOD(keeper.show("alice.smith"));
  assert_text(shown.sub, "sub-of-alice.smith");
  assert_text(shown.pool, kTestPool);
  const Changed again = GOOD(sign_in(keeper, sign_in_of("alice.smith", {"other", "ops", "ops"})));
  assert_false(again.changed || again.groups_changed);
  const Changed same_local = GOOD(sign_in(keeper, sign_in_of("alice.smith", {"linux-admins"})));
  assert_true(same_local.changed);
  assert_false(same_local.groups_changed);
  const Changed lost = GOOD(sign_in(keeper, sign_in_of("alice.smith", {})));
  assert_true(lost.groups_changed);
}

void one_batch_has_a_result_for_each(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  const auto results =
      keeper.sign_in({sign_in_of("a.one"), sign_in_of("root"), sign_in_of("b.two")});
  assert_int_equal(results.size(), 3);
  assert_true(results[0] && !results[1] && results[2]);
  assert_int_equal(GOOD(keeper.list()).size(), 2);
  assert_true(keeper.sign_in({}).empty());
}

void names(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  struct Row {
    const char* name;
    bool by_sign_in;
    bool by_administrator;
    Refusal refusal;  // of the administrator's, or of the sign-in's if only that is refused
  };
  const std::vector<Row> rows = {
      {"dora.ex", true, true, Refusal::malformed},
      {"x-dora", true, true, Refusal::malformed},
      {"web1", false, true, Refusal::name_not_permitted},      // matches, but nothing marks it
      {"dora-adm", false, true, Refusal::name_not_permitted},  // marked, but does not match
      {"dora", false, true, Refusal::name_not_permitted},
      {"x-", false, true, Refusal::name_not_permitted},  // no more than the prefix
      {"carol", false, false, Refusal::name_is_local},
      {"docker", false, false, Refusal::name_reserved},
      {"postgres", false, false, Refusal::name_reserved},
      {"libvirt-qemu", false, false, Refusal::name_reserved},
      {"_dora.ex", false, false, Refusal::name_reserved},
      {"Dora.ex", false, false, Refusal::malformed},
      {"dora ex", false, false, Refusal::malformed},
      {".dora", false, false, Refusal::malformed},
      {"", false, false, Refusal::malformed},
      {"dora.ex:", false, false, Refusal::malformed},
      {"d\xc3\xb6ra.ex", false, false, Refusal::malformed},
      {"dora.ex.with.a.name.of.33.letters", false, false, Refusal::malformed},
      {"dora.ex.with.a.name.of.32.letter", true, true, Refusal::malformed},
  };
  for (const Row& row : rows) {
    const auto signed_in = sign_in(keeper, sign_in_of(row.name));
    assert_int_equal(signed_in.has_value(), row.by_sign_in);
    if (signed_in) continue;
    const auto added = keeper.add(row.name, usual());
    assert_int_equal(added.has_value(), row.by_administrator);
    const Refusal refusal = added ? signed_in.error().refusal : added.error().refusal;
    assert_int_equal(static_cast<int>(refusal), static_cast<int>(row.refusal));
  }
  AddOptions careful = usual();
  careful.any_name = false;
  ASSERT_REFUSED(keeper.add("emil", careful), name_not_permitted);
  machine.write(kConf, "[accounts]\nshells = /bin/sh\n");
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("eve.ex")), name_not_permitted);
  (void)GOOD(sign_in(keeper, sign_in_of("dora.ex")));
  machine.append("/etc/group", "dora.ex:x:1500:\n");
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("dora.ex")), name_is_local);
}

void malformed_sign_ins(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  SignIn change = sign_in_of("alice.smith");
  change.sub = "";
  ASSERT_REFUSED(sign_in(keeper, change), malformed);
  change.sub = std::string(129, 'x');
  ASSERT_REFUSED(sign_in(keeper, change), malformed);
  change.sub = "a b";
  ASSERT_REFUSED(sign_in(keeper, change), malformed);
  change = sign_in_of("alice.smith");
  change.pool = "pool with blanks";
  ASSERT_REFUSED(sign_in(keeper, change), malformed);
  change = sign_in_of("alice.smith", {"line\nbreak"});
  ASSERT_REFUSED(sign_in(keeper, change), malformed);
  change = sign_in_of("alice.smith", {""});
  ASSERT_REFUSED(sign_in(keeper, change), malformed);
  // Malformed UTF-8, a right-to-left override, and a control character of eight bits.
  for (const char* const text : {"\xff\xfe", "\u202egnp.exe", "\u009b31m"})
    ASSERT_REFUSED(sign_in(keeper, sign_in_of("alice.smith", {text})), malformed);
  (void)GOOD(sign_in(keeper, sign_in_of("zoe.other", {"Entwicklung-\u00dc\u8a9e"})));
  change.cognito_groups.clear();
  for (int i = 0; i < 100; ++i) change.cognito_groups.push_back("group " + std::to_string(i));
  (void)GOOD(sign_in(keeper, change));
  change.cognito_groups.emplace_back("one more");
  ASSERT_REFUSED(sign_in(keeper, change), malformed);
}

// A compromised cognitod must not fill the memory of each program that reads the database.
void too_many_names_of_groups_are_not_stored(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  SignIn change = sign_in_of("alice.smith", {"linux-admins"});
  for (int i = 0; i < 99; ++i)
    change.cognito_groups.push_back(std::to_string(100 + i) + std::string(509, 'x'));
  const Changed stored = GOOD(sign_in(keeper, change));
  assert_true(stored.account.cognito_groups == std::vector<std::string>{"linux-admins"});
  assert_false(GOOD(sign_in(keeper, change)).changed);
  change.cognito_groups.resize(9);  // 4108 bytes
  assert_int_equal(GOOD(sign_in(keeper, change)).account.cognito_groups.size(), 1);
  change.cognito_groups.erase(change.cognito_groups.begin());  // 4096 bytes
  assert_int_equal(GOOD(sign_in(keeper, change)).account.cognito_groups.size(), 8);
}

void uids(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  constexpr uid_t kFirst = 1879048192;
  ASSERT_REFUSED(keeper.add("a.one", with_uid(kFirst - 1)), uid_out_of_range);
  ASSERT_REFUSED(keeper.add("a.one", with_uid(2100000000)), uid_out_of_range);
  ASSERT_REFUSED(keeper.add("a.one", with_uid(0)), uid_out_of_range);
  assert_int_equal(GOOD(keeper.add("a.one", with_uid(kFirst))).account.uid, kFirst);
  assert_int_equal(GOOD(keeper.add("a.last", with_uid(2099999999))).account.uid, 2099999999);
  ASSERT_REFUSED(keeper.add("b.two", with_uid(kFirst)), uid_taken);
  ASSERT_REFUSED(keeper.add("a.one", with_uid(kFirst + 1)), uid_taken);
  // The uid of the rule, which another account has: no other uid is tried.
  (void)GOOD(keeper.add("b.two", with_uid(kAliceUid)));
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("alice.smith")), uid_taken);
  (void)GOOD(keeper.remove("b.two"));
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("alice.smith")), uid_taken);
  ASSERT_REFUSED(keeper.add("alice.smith", usual()), uid_taken);

  struct Row {
    const char* file;
    const char* line;
    bool taken;
  };
  for (const Row& row : {Row{"/etc/passwd", "dave:x:1879048200:100::/:/bin/sh\n", true},
                         Row{"/etc/passwd", "dave:x:1003:1879048200::/:/bin/sh\n", true},
                         Row{"/etc/group", "team:x:1879048200:\n", true},
                         Row{"/etc/subuid", "carol:1879048100:65536\n", true},
                         Row{"/etc/subgid", "carol:1879048200:1\n", true},
                         Row{"/etc/subuid", "carol:1879048201:65536\n", false},
                         Row{"/etc/subuid", "carol:1879048100:100\n", false},
                         Row{"/etc/group", "team:x:1879048201:\n", false}}) {
    const std::string before = machine.read(row.file);
    machine.write(row.file, before + row.line);
    const auto added = keeper.add("c.three", with_uid(1879048200));
    // An id of the range that is not this one stops additions all the same.
    if (row.taken) ASSERT_REFUSED(added, uid_taken);
    if (!row.taken) ASSERT_REFUSED(added, bad_configuration);
    machine.write(row.file, before);
  }
  machine.write("/etc/subuid", "carol:100000:65536\n+:::\nno line\n:5\ncarol:18790482000:0\n");
  machine.append("/etc/group", "team:x:1500:" + std::string(700'000, 'm') + "\n#x\nlast:x:1501:");
  (void)GOOD(keeper.add("c.three", with_uid(1879048200)));
  ASSERT_REFUSED(keeper.add("last", usual()), name_is_local);
}

void uids_of_an_attribute(void** /*state*/) {
  const Machine machine;
  machine.write(kConf, "[accounts]\nnames = *.*\nuid_attribute = custom:uid\n");
  Keeper keeper = machine.open();
  SignIn change = sign_in_of("alice.smith");
  ASSERT_REFUSED(sign_in(keeper, change), uid_out_of_range);
  change.uid = 1000;
  ASSERT_REFUSED(sign_in(keeper, change), uid_out_of_range);
  change.uid = 1879048999;
  assert_int_equal(GOOD(sign_in(keeper, change)).account.uid, 1879048999);
  change.uid = 1879048998;
  assert_int_equal(GOOD(sign_in(keeper, change)).account.uid, 1879048999);
  ASSERT_REFUSED(keeper.add("b.two", usual()), bad_configuration);
  SignIn other = sign_in_of("b.two");
  other.uid = 1879048999;
  ASSERT_REFUSED(sign_in(keeper, other), uid_taken);
}

void fleet_keys(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  assert_false(GOOD(make_fleet_key(machine.root())));
  for (const auto& [text, mode] :
       {std::pair<const char*, mode_t>("", 0600), {"00", 0600}, {"not hexadecimal", 0600}}) {
    machine.write("/etc/pam-cognito/fleet.key", text, mode);
    ASSERT_REFUSED(keeper.add("b.two", usual()), bad_configuration);
    ASSERT_REFUSED(make_fleet_key(machine.root()), bad_configuration);
  }
  assert_int_equal(::unlink(machine.path("/etc/pam-cognito/fleet.key").c_str()), 0);
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("b.two")), bad_configuration);
  (void)GOOD(keeper.add("by.uid", with_uid(1879048200)));
  assert_true(GOOD(make_fleet_key(machine.root())));
  const std::string key = machine.read("/etc/pam-cognito/fleet.key");
  assert_int_equal(key.size(), 65);
  assert_false(GOOD(make_fleet_key(machine.root())));
  assert_text(machine.read("/etc/pam-cognito/fleet.key"), key);
  struct stat status{};
  assert_int_equal(::stat(machine.path("/etc/pam-cognito/fleet.key").c_str(), &status), 0);
  assert_int_equal(status.st_mode & 07777, 0600);
  assert_int_equal(GOOD(fleet_key_fingerprint(machine.root())).size(), 16);
  assert_true(GOOD(sign_in(keeper, sign_in_of("alice.smith"))).account.uid != kAliceUid);
  machine.write("/etc/pam-cognito/fleet.key", key, 0640);
  ASSERT_REFUSED(keeper.add("c.three", usual()), bad_configuration);
}

void one_person_has_one_account(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith")));
  SignIn second = sign_in_of("alice.second");
  second.sub = "sub-of-alice.smith";
  ASSERT_REFUSED(sign_in(keeper, second), sub_has_account);
  // The name passes on in the pool.
  SignIn other = sign_in_of("alice.smith");
  other.sub = "somebody-else";
  ASSERT_REFUSED(sign_in(keeper, other), sub_differs);
  other = sign_in_of("alice.smith");
  other.pool = "eu-central-1_Another00";
  ASSERT_REFUSED(sign_in(keeper, other), sub_differs);
  // An administrator adds a name: the first person who signs in with it gets it, unless they have
  // one.
  (void)GOOD(keeper.add("alice.second", usual()));
  ASSERT_REFUSED(sign_in(keeper, second), sub_has_account);
  const Changed pinned = GOOD(sign_in(keeper, sign_in_of("alice.second")));
  assert_true(pinned.changed);
  assert_text(pinned.account.sub, "sub-of-alice.second");
  // Also if the former account was removed.
  (void)GOOD(keeper.remove("alice.smith"));
  SignIn former = sign_in_of("alice.third");
  former.sub = "sub-of-alice.smith";
  ASSERT_REFUSED(sign_in(keeper, former), sub_has_account);
}

void locks(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith")));
  ASSERT_REFUSED(keeper.lock("nobody.here"), unknown_account);
  ASSERT_REFUSED(keeper.unlock("nobody.here"), unknown_account);
  ASSERT_REFUSED(keeper.lock_for_pool("nobody.here"), unknown_account);
  assert_false(GOOD(keeper.unlock("alice.smith")).changed);
  Changed locked = GOOD(keeper.lock_for_pool("alice.smith"));
  assert_true(locked.changed && locked.account.state == State::locked);
  assert_text(locked.account.locked_by, "pool");
  assert_false(GOOD(keeper.lock_for_pool("alice.smith")).changed);
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("alice.smith")), locked);
  assert_true(GOOD(keeper.unlock_for_pool("alice.smith")).changed);
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith")));
  // The administrator's lock is above the pool's.
  (void)GOOD(keeper.lock_for_pool("alice.smith"));
  locked = GOOD(keeper.lock("alice.smith"));
  assert_true(locked.changed);
  assert_text(locked.account.locked_by, "administrator");
  assert_false(GOOD(keeper.lock_for_pool("alice.smith")).changed);
  const Changed kept = GOOD(keeper.unlock_for_pool("alice.smith"));
  assert_true(!kept.changed && kept.account.state == State::locked);
  const Changed open = GOOD(keeper.unlock("alice.smith"));
  assert_true(open.changed && open.account.state == State::active);
  assert_text(open.account.locked_by, "");
}

void additions_are_idempotent(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  const Changed made = GOOD(keeper.add("bob", usual()));
  assert_true(made.changed && made.account.sub.empty() && made.account.pool.empty());
  assert_int_equal(made.account.uid, 2037863588);
  assert_false(GOOD(keeper.add("bob", usual())).changed);
  assert_false(GOOD(keeper.add("bob", with_uid(2037863588))).changed);
  AddOptions shell = usual();
  shell.shell = "/bin/sh";
  assert_true(GOOD(keeper.add("bob", shell)).changed);
  assert_false(GOOD(keeper.add("bob", shell)).changed);
  assert_text(GOOD(keeper.show("bob")).shell, "/bin/sh");
  ASSERT_REFUSED(keeper.set_shell("bob", "/tmp/evil"), malformed);
  ASSERT_REFUSED(keeper.set_shell("eve", "/bin/sh"), unknown_account);
  assert_false(GOOD(keeper.set_shell("bob", "/bin/sh")).changed);
  assert_true(GOOD(keeper.set_shell("bob", "")).changed);
  AddOptions no_pool;
  ASSERT_REFUSED(keeper.add("eve.ex", no_pool), malformed);
  ASSERT_REFUSED(keeper.show("eve.ex"), unknown_account);
}

void removed_accounts_leave_a_tombstone(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  ASSERT_REFUSED(keeper.remove("alice.smith"), unknown_account);
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith")));
  assert_true(GOOD(keeper.remove("alice.smith")).changed);
  const Changed again = GOOD(keeper.remove("alice.smith"));
  assert_true(!again.changed && again.account.uid == kAliceUid);
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("alice.smith")), name_retired);
  ASSERT_REFUSED(keeper.add("alice.smith", with_uid(1879048200)), name_retired);
  ASSERT_REFUSED(keeper.add("bob", with_uid(kAliceUid)), uid_taken);
  // The way back: root states the former uid. The account is still that person's.
  const Changed back = GOOD(keeper.add("alice.smith", with_uid(kAliceUid)));
  assert_true(back.changed);
  assert_text(back.account.sub, "sub-of-alice.smith");
  SignIn other = sign_in_of("alice.smith");
  other.sub = "somebody-else";
  ASSERT_REFUSED(sign_in(keeper, other), sub_differs);
  assert_true(GOOD(keeper.rebind("alice.smith")).changed);
  assert_false(GOOD(keeper.rebind("alice.smith")).changed);
  (void)GOOD(sign_in(keeper, other));
  ASSERT_REFUSED(keeper.rebind("nobody.here"), unknown_account);
}

void processes_keep_an_account(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  (void)GOOD(keeper.add("bob", with_uid(1879048200)));
  assert_int_equal(::mkdir(machine.path("/proc").c_str(), 0755), 0);
  assert_int_equal(::mkdir(machine.path("/proc/77").c_str(), 0755), 0);
  assert_int_equal(::mkdir(machine.path("/proc/self-is-no-number").c_str(), 0755), 0);
  for (const char* const ids :
       {"1879048200\t0\t0\t0", "0\t1879048200\t0\t0", "0\t0\t0\t1879048200"}) {
    machine.write("/proc/77/status",
                  std::string("Name:\tsh\nUid:\t") + ids + "\nGid:\t0\t0\t0\t0\n");
    ASSERT_REFUSED(keeper.remove("bob"), in_use);
    ASSERT_REFUSED(keeper.rename("bob", "rob"), in_use);
  }
  machine.write("/proc/77/status",
                "Name:\t1879048200\nUid:\t0\t0\t0\t0\nGid:\t1879048200\t0\t0\t0\n");
  assert_true(GOOD(keeper.remove("bob")).changed);
}

void names_change(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith")));
  (void)GOOD(keeper.add("bob", usual()));
  ASSERT_REFUSED(keeper.rename("nobody.here", "alice.jones"), unknown_account);
  ASSERT_REFUSED(keeper.rename("alice.smith", "carol"), name_is_local);
  ASSERT_REFUSED(keeper.rename("alice.smith", "bob"), name_retired);
  ASSERT_REFUSED(keeper.rename("alice.smith", "Alice"), malformed);
  assert_false(GOOD(keeper.rename("alice.smith", "alice.smith")).changed);
  const Changed renamed = GOOD(keeper.rename("alice.smith", "alice.jones"));
  assert_true(renamed.changed && renamed.account.uid == kAliceUid);
  assert_false(GOOD(keeper.rename("alice.smith", "alice.jones")).changed);
  ASSERT_REFUSED(keeper.rename("alice.smith", "alice.king"), name_retired);
  ASSERT_REFUSED(keeper.show("alice.smith"), unknown_account);
  ASSERT_REFUSED(keeper.remove("alice.smith"), name_retired);
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("alice.smith")), name_retired);
  ASSERT_REFUSED(keeper.rename("bob", "alice.smith"), name_retired);
  SignIn change = sign_in_of("alice.jones");
  change.sub = "sub-of-alice.smith";
  (void)GOOD(sign_in(keeper, change));
  assert_true(GOOD(keeper.rename("alice.jones", "alice.smith")).changed);
  assert_int_equal(GOOD(keeper.show("alice.smith")).uid, kAliceUid);
}

void pools_change(void** /*state*/) {
  const Machine machine;
  Keeper keeper = machine.open();
  (void)GOOD(sign_in(keeper, sign_in_of("alice.smith")));
  (void)GOOD(sign_in(keeper, sign_in_of("b.two")));
  (void)GOOD(keeper.add("bob", usual()));
  constexpr char kNew[] = "eu-central-1_Another00";
  ASSERT_REFUSED(keeper.migrate("", kNew), malformed);
  ASSERT_REFUSED(keeper.migrate(kNew, kNew), malformed);
  assert_int_equal(GOOD(keeper.migrate(kTestPool, kNew)), 2);
  assert_int_equal(GOOD(keeper.migrate(kTestPool, kNew)), 0);
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("alice.smith")), sub_differs);
  SignIn change = sign_in_of("alice.smith");
  change.pool = kNew;
  change.sub = "new-sub";
  const Changed moved = GOOD(sign_in(keeper, change));
  assert_int_equal(moved.account.uid, kAliceUid);
  assert_text(moved.account.sub, "new-sub");
}

void documents(void** /*state*/) {
  const Machine one;
  const Machine two;
  Keeper here = one.open();
  Keeper there = two.open();
  (void)GOOD(sign_in(here, sign_in_of("alice.smith", {"ops", "gr\xc3\xbcn"})));
  (void)GOOD(here.add("bob", usual()));
  (void)GOOD(here.add("gone", usual()));
  (void)GOOD(here.remove("gone"));
  (void)GOOD(here.add("old.name", usual()));
  (void)GOOD(here.rename("old.name", "new.name"));
  (void)GOOD(here.lock("bob"));
  const std::string document = GOOD(here.export_json());
  assert_int_equal(GOOD(here.import_json(document)), 0);
  assert_int_equal(GOOD(there.import_json(document)), 5);
  assert_text(GOOD(there.export_json()), document);
  assert_true(GOOD(there.show("bob")).state == State::locked);
  ASSERT_REFUSED(sign_in(there, sign_in_of("gone")), name_retired);

  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = document;
    const std::size_t at = text.find(from);
    assert_true(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  const std::string alice = std::to_string(kAliceUid);
  ASSERT_REFUSED(there.import_json(with(alice, "1879048200")), uid_taken);
  ASSERT_REFUSED(there.import_json(with("sub-of-alice.smith", "x")), sub_differs);
  ASSERT_REFUSED(there.import_json(with("\"bob\"", "\"bert\"")), uid_taken);
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), document + "x",
        with("\"version\" : 1", "\"version\" : 2"), with(alice, "0"), with(alice, "-1"),
        with(alice, "\"5\""), with(alice, "1e99"), with("\"alice.smith\"", "\"../x\""),
        with("\"alice.smith\"", "7"), with("\"locked\"", "\"odd\""),
        with("\"administrator\"", "\"nobody\""), with("[\n", "{\n"), std::string(100, '['),
        with("\"gr\xc3\xbcn\"", "\"a\\nb\"")})
    ASSERT_REFUSED(there.import_json(text), malformed);
  assert_text(GOOD(there.export_json()), document);

  // A refusal at the end of a document changes nothing.
  const Machine three;
  Keeper third = three.open();
  const std::string empty = GOOD(third.export_json());
  three.append("/etc/passwd", "new.name:x:1004:1004::/:/bin/sh\n");
  ASSERT_REFUSED(third.import_json(document), name_is_local);
  assert_text(GOOD(third.export_json()), empty);
  assert_true(document.find("000102") == std::string::npos);
}

void there_is_a_maximum(void** /*state*/) {
  const Machine machine;
  machine.write(kConf, "[accounts]\nnames = *.*\nmax = 2\n");
  Keeper keeper = machine.open();
  (void)GOOD(sign_in(keeper, sign_in_of("a.one")));
  (void)GOOD(keeper.add("b.two", usual()));
  ASSERT_REFUSED(sign_in(keeper, sign_in_of("c.three")), full);
  ASSERT_REFUSED(keeper.add("c.three", usual()), full);
  (void)GOOD(sign_in(keeper, sign_in_of("a.one")));
  (void)GOOD(keeper.remove("b.two"));
  (void)GOOD(sign_in(keeper, sign_in_of("c.three")));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(first_sign_in_makes_an_account),
      cmocka_unit_test(one_batch_has_a_result_for_each),
      cmocka_unit_test(names),
      cmocka_unit_test(malformed_sign_ins),
      cmocka_unit_test(too_many_names_of_groups_are_not_stored),
      cmocka_unit_test(uids),
      cmocka_unit_test(uids_of_an_attribute),
      cmocka_unit_test(fleet_keys),
      cmocka_unit_test(one_person_has_one_account),
      cmocka_unit_test(locks),
      cmocka_unit_test(additions_are_idempotent),
      cmocka_unit_test(removed_accounts_leave_a_tombstone),
      cmocka_unit_test(processes_keep_an_account),
      cmocka_unit_test(names_change),
      cmocka_unit_test(pools_change),
      cmocka_unit_test(documents),
      cmocka_unit_test(there_is_a_maximum),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
