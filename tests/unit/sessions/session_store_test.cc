#include "daemon/sessions/session_store.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include "daemon/cognito/bounds.h"
#include "daemon/runtime/journal.h"
#include "tests/unit/sessions/sample_sessions.h"

namespace pamcognito::test {
namespace {

void assert_found(const SessionStore& store, const Session& expected) {
  const auto found = store.find(expected.id);
  assert_true(found.has_value());
  assert_true(same(*found, expected));
}

bool memory_contains(const SessionStore& store, std::string_view text) {
  const auto bytes = read_memory(store.fd(), 8);
  return !std::ranges::search(bytes, text).empty();
}

void a_session_is_found_as_it_was_put(void**) {
  const auto store = open_store();
  for (unsigned number = 0; number < 20; ++number) assert_true(store->put(sample(number, number)));
  assert_int_equal(store->size(), 20);
  assert_int_equal(store->all().size(), 20);
  for (unsigned number = 0; number < 20; ++number) assert_found(*store, sample(number, number));
  assert_false(store->find(id_of(20)).has_value());
}

void an_empty_session_is_one_too(void**) {
  const auto store = open_store();
  assert_true(store->put(Session()));
  assert_found(*store, Session());
}

void what_is_replaced_is_wiped(void**) {
  const auto store = open_store();
  assert_true(store->put(sample(1, 1)));
  assert_true(memory_contains(*store, "token 1 of 1"));
  Session changed = sample(1, 2);
  changed.user = "renamed";
  assert_true(store->put(changed));
  assert_int_equal(store->size(), 1);
  assert_found(*store, changed);
  assert_false(memory_contains(*store, "token 1 of 1"));
  assert_int_equal(store->sessions_of("user1").size(), 0);
  assert_int_equal(store->sessions_of("renamed").size(), 1);
}

void what_is_erased_is_wiped(void**) {
  const auto store = open_store();
  assert_true(store->put(sample(1)));
  assert_true(store->put(sample(2)));
  store->erase(id_of(1));
  store->erase(id_of(1));
  store->erase(id_of(99));
  assert_int_equal(store->size(), 1);
  assert_false(store->find(id_of(1)).has_value());
  assert_int_equal(store->sessions_of("user1").size(), 0);
  assert_false(memory_contains(*store, "of 1 aaa"));
  assert_found(*store, sample(2));
}

void a_users_newest_sign_in_comes_first(void**) {
  const auto store = open_store();
  for (const unsigned number : {17U, 1U, 25U, 9U, 2U}) assert_true(store->put(sample(number)));
  const auto sessions = store->sessions_of("user1");
  assert_int_equal(sessions.size(), 4);
  assert_true(std::ranges::is_sorted(sessions, std::greater{}, &Session::signed_in));
  assert_true(sessions.front().id == id_of(25));
  assert_true(store->sessions_of("user").empty());
}

void the_oldest_is_known(void**) {
  const auto store = open_store();
  assert_false(store->oldest().has_value());
  for (const unsigned number : {5U, 3U, 4U}) assert_true(store->put(sample(number)));
  assert_true(*store->oldest() == id_of(3));
  store->erase(id_of(3));
  assert_true(*store->oldest() == id_of(4));
}

// At each border between one slot and the next.
void a_session_of_any_size_is_found_as_it_was_put(void**) {
  const auto store = open_store();
  for (std::size_t size = kTokenSize; size < 65000;
       size += size % SessionStore::kSlotSize > 3000 ? 7U : 211U) {
    const Session session = sample(1, 1, size);
    assert_true(store->put(session));
    assert_true(same(*store->find(id_of(1)), session));
  }
  assert_int_equal(store->size(), 1);
}

// 100 groups with names of 128 characters of four bytes each, and the longest refresh token.
Session largest_by_quotas(unsigned number) {
  Session session = sample(number, 1, cognito::kMaxRefreshToken);
  session.groups.clear();
  for (unsigned i = 0; i < 100; ++i) {
    std::string name = std::to_string(i);
    name.resize(cognito::kMaxName, 'g');
    session.groups.push_back(name);
  }
  return session;
}

void a_session_as_large_as_the_quotas_allow_is_kept(void**) {
  const auto store = open_store();
  const Session largest = largest_by_quotas(1);
  assert_true(store->put(largest));
  assert_true(store->put(sample(2)));
  assert_found(*store, largest);
  // Its slots are those of others again, and hold nothing of it.
  Session ordinary = sample(1, 2);
  assert_true(store->put(ordinary));
  assert_int_equal(slots_in_use(read_memory(store->fd(), 60)), 2);
  assert_true(store->put(largest));
  store->erase(id_of(1));
  assert_int_equal(slots_in_use(read_memory(store->fd(), 100)), 1);
  for (unsigned number = 10; number < 30; ++number) assert_true(store->put(sample(number)));
  assert_in_range(slots_in_use(read_memory(store->fd(), 60)), 21, 21);
}

void what_does_not_fit_changes_nothing(void**) {
  const auto store = open_store();
  assert_true(store->put(sample(1)));
  Session long_list = sample(2);
  long_list.groups.assign(300, std::string(500, 'g'));
  assert_false(store->put(long_list));
  assert_true(store->room_for(long_list) == SessionStore::Room::never);
  long_list.groups.assign(70000, "");  // more than the count can say
  assert_false(store->put(long_list));
  assert_false(store->put(sample(3, 1, 70000)));
  assert_true(store->room_for(sample(3, 1, 70000)) == SessionStore::Room::never);
  assert_int_equal(store->size(), 1);
  // Nothing of what was tried stays: only one slot is not empty.
  assert_int_equal(slots_in_use(read_memory(store->fd(), 4)), 1);
}

// However full the store is, a change of the largest session still fits beside it.
void a_store_full_of_large_sessions_still_replaces(void**) {
  const auto store = open_store();
  unsigned number = 0;
  while (store->room_for(largest_by_quotas(number)) == SessionStore::Room::now)
    assert_true(store->put(largest_by_quotas(number++)));
  assert_in_range(number, SessionStore::kMaxSessions / SessionStore::kMaxSlotsOfOne,
                  SessionStore::kMaxSessions / 18);
  unsigned more = number;
  while (store->room_for(sample(more)) == SessionStore::Room::now)
    assert_true(store->put(sample(more++)));
  assert_false(store->put(sample(more)));
  for (unsigned round = 0; round < 3; ++round) {
    assert_true(store->put(largest_by_quotas(round)));
    assert_true(store->put(sample(number, 2 + round)));
  }
  // One that grows has no room: the next change of another one would have none.
  assert_true(store->room_for(largest_by_quotas(number)) == SessionStore::Room::later);
  store->erase(id_of(0));
  assert_true(store->put(sample(more)));
  const auto next = open_store(copy_of(store->fd()));
  assert_int_equal(next->size(), store->size());
  assert_found(*next, largest_by_quotas(1));
  assert_true(next->put(largest_by_quotas(1)));
}

void a_full_store_still_replaces(void**) {
  const auto store = open_store();
  for (unsigned number = 0; number < SessionStore::kMaxSessions; ++number)
    assert_true(store->put(sample(number)));
  assert_false(store->put(sample(SessionStore::kMaxSessions)));
  for (unsigned version = 2; version < 5; ++version) assert_true(store->put(sample(3, version)));
  assert_found(*store, sample(3, 4));
  store->erase(id_of(8));
  assert_true(store->put(sample(SessionStore::kMaxSessions)));
  assert_false(store->put(sample(8)));
  // The next daemon finds them all.
  const auto next = open_store(copy_of(store->fd()));
  assert_int_equal(next->size(), SessionStore::kMaxSessions);
  assert_true(next->put(sample(3, 5)));
  assert_found(*next, sample(SessionStore::kMaxSessions));
}

off_t allocated(int fd) {
  struct stat status{};
  assert_int_equal(::fstat(fd, &status), 0);
  return status.st_blocks * 512;
}

void an_unused_slot_costs_nothing(void**) {
  const auto store = open_store();
  assert_int_equal(allocated(store->fd()), SlotMemory::kHeaderSize);
  assert_true(store->put(sample(1)));
  assert_true(store->put(sample(1, 2)));
  assert_in_range(allocated(store->fd()), 1, 4 * 4096);
  const auto next = open_store(copy_of(store->fd()));
  assert_in_range(allocated(next->fd()), 1, 4 * 4096);
}

// The flags that the kernel shows of the mapping: locked, on fault, not dumped (proc(5)).
std::string flags_of_the_mapping() {
  std::ifstream maps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:cognitod-sessions") != std::string::npos) here = true;
    if (here && line.starts_with("VmFlags:")) return line + ' ';
  }
  return {};
}

void the_memory_is_locked_and_never_dumped(void**) {
  const auto store = open_store();
  const std::string flags = flags_of_the_mapping();
  assert_true(flags.contains(" dd "));
  assert_true(flags.contains(" lo "));
  const int seals = ::fcntl(store->fd(), F_GET_SEALS);
  assert_int_equal(seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                   F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  assert_int_equal(::fcntl(store->fd(), F_GETFD), FD_CLOEXEC);
}

// In a process that may lock nothing.
int open_without_locks() {
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_MEMLOCK, &none);
  if (::getuid() == 0 && ::setuid(65534) != 0) return 1;
  const auto required = SessionStore::open(Fd(), true);
  if (required || !required.error().contains("LimitMEMLOCK")) return 2;
  const auto wished = SessionStore::open(Fd(), false);
  return wished && (*wished)->put(sample(1)) ? 0 : 3;
}

void a_failed_lock_is_an_error_where_it_is_required(void**) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(open_without_locks());
  int status = -1;
  assert_int_equal(::waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

void a_pool_has_its_own_fingerprint(void**) {
  cognito::PoolConfig pool;
  pool.user_pool_id = "eu-west-1_Example";
  pool.client_id = "1example";
  const auto fingerprint = sessions::pool_fingerprint(pool);
  cognito::PoolConfig other = pool;
  other.endpoint = "https://vpce.example/";  // another way to the same pool
  assert_true(sessions::pool_fingerprint(other) == fingerprint);
  other.client_id = "2example";
  assert_true(sessions::pool_fingerprint(other) != fingerprint);
  other = pool;
  other.user_pool_id = "eu-west-1_Example1";
  other.client_id = "example";
  assert_true(sessions::pool_fingerprint(other) != fingerprint);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  pamcognito::runtime::set_log_level(pamcognito::runtime::Level::error);
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_session_is_found_as_it_was_put),
      cmocka_unit_test(an_empty_session_is_one_too),
      cmocka_unit_test(what_is_replaced_is_wiped),
      cmocka_unit_test(what_is_erased_is_wiped),
      cmocka_unit_test(a_users_newest_sign_in_comes_first),
      cmocka_unit_test(the_oldest_is_known),
      cmocka_unit_test(a_session_of_any_size_is_found_as_it_was_put),
      cmocka_unit_test(a_session_as_large_as_the_quotas_allow_is_kept),
      cmocka_unit_test(what_does_not_fit_changes_nothing),
      cmocka_unit_test(a_store_full_of_large_sessions_still_replaces),
      cmocka_unit_test(a_full_store_still_replaces),
      cmocka_unit_test(an_unused_slot_costs_nothing),
      cmocka_unit_test(the_memory_is_locked_and_never_dumped),
      cmocka_unit_test(a_failed_lock_is_an_error_where_it_is_required),
      cmocka_unit_test(a_pool_has_its_own_fingerprint),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
