#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "daemon/runtime/journal.h"
#include "tests/unit/sessions/sample_sessions.h"

namespace pamcognito::test {
namespace {

constexpr std::size_t kHeader = SlotMemory::kHeaderSize;
constexpr std::size_t kSlot = SessionStore::kSlotSize;
// In the header's layout: 16 bytes magic, u32 layout, u32 slots, u64 slot size, boot id.
constexpr std::size_t kLayoutAt = 16;
constexpr std::size_t kBootIdAt = 32;

// Header and four slots of a store with sessions 1 and 2, in slots 0 and 1.
std::vector<std::uint8_t> two_sessions() {
  const auto store = open_store();
  assert_true(store->put(sample(1)));
  assert_true(store->put(sample(2)));
  return read_memory(store->fd(), 4);
}

std::size_t adopted(const std::vector<std::uint8_t>& bytes) {
  return open_store(memory_with(bytes))->size();
}

void the_next_daemon_has_the_same_sessions(void**) {
  const auto before = open_store();
  assert_true(before->put(sample(1, 1)));
  assert_true(before->put(sample(2, 1)));
  assert_true(before->put(sample(1, 2)));
  const auto after = open_store(copy_of(before->fd()));
  assert_int_equal(after->size(), 2);
  assert_true(same(*after->find(id_of(1)), sample(1, 2)));
  assert_true(same(*after->find(id_of(2)), sample(2, 1)));
  assert_int_equal(after->sessions_of("user1").size(), 1);
  // And goes on: its changes are newer than all that was there.
  assert_true(after->put(sample(2, 3)));
  after->erase(id_of(1));
  const auto last = open_store(copy_of(before->fd()));
  assert_int_equal(last->size(), 1);
  assert_true(same(*last->find(id_of(2)), sample(2, 3)));
}

void every_byte_of_the_header_counts(void**) {
  const auto whole = two_sessions();
  assert_int_equal(adopted(whole), 2);
  // The fields one by one, and the rest of the page in steps.
  for (std::size_t i = 0; i < kHeader; i += i < 80 ? 1 : 61) {
    auto bytes = whole;
    bytes[i] ^= 0x10;
    if (adopted(bytes) != 0) fail_msg("byte %zu of the header does not count", i);
  }
}

void another_boot_or_layout_is_not_adopted(void**) {
  auto bytes = two_sessions();
  constexpr std::string_view other = "00000000-0000-4000-8000-000000000000";
  std::ranges::copy(other, bytes.begin() + kBootIdAt);
  assert_int_equal(adopted(bytes), 0);
  bytes = two_sessions();
  bytes[kLayoutAt] = SlotMemory::kLayout + 1;
  assert_int_equal(adopted(bytes), 0);
}

// After damage to any byte the session is gone or unchanged, and never another one.
void every_byte_of_a_slot_counts(void**) {
  const auto whole = two_sessions();
  std::size_t gone = 0;
  for (std::size_t i = 0; i < kSlot; ++i) {
    auto bytes = whole;
    bytes[kHeader + i] ^= 0x01;
    const auto store = open_store(memory_with(bytes));
    const auto damaged = store->find(id_of(1));
    if (!damaged) ++gone;
    if (damaged && !same(*damaged, sample(1))) fail_msg("byte %zu of the slot does not count", i);
    if (store->size() != (damaged ? 2U : 1U)) fail_msg("byte %zu makes a session", i);
    assert_true(same(*store->find(id_of(2)), sample(2)));
    // The unused slot was wiped too.
    if (!damaged && slots_in_use(read_memory(store->fd(), 4)) != 1)
      fail_msg("a damaged slot is not wiped (byte %zu)", i);
  }
  assert_int_equal(gone, kSlot);
}

// Session 1 in three slots, session 2 in one.
std::vector<std::uint8_t> a_large_and_an_ordinary_session() {
  const auto store = open_store();
  assert_true(store->put(large_sample(1, 1, 3)));
  assert_true(store->put(sample(2)));
  const auto bytes = read_memory(store->fd(), 6);
  assert_int_equal(slots_in_use(bytes), 4);
  return bytes;
}

void every_byte_of_every_slot_of_a_large_session_counts(void**) {
  const auto whole = a_large_and_an_ordinary_session();
  assert_true(same(*open_store(memory_with(whole))->find(id_of(1)), large_sample(1, 1, 3)));
  for (std::size_t i = 0; i < 3 * kSlot; i += i % kSlot < 64 ? 1U : 37U) {
    auto bytes = whole;
    bytes[kHeader + i] ^= 0x01;
    const auto store = open_store(memory_with(bytes));
    if (store->find(id_of(1))) fail_msg("byte %zu does not count", i);
    assert_int_equal(store->size(), 1);
    assert_true(same(*store->find(id_of(2)), sample(2)));
    if (slots_in_use(read_memory(store->fd(), 6)) != 1) fail_msg("byte %zu: not wiped", i);
  }
}

// The numbers of the other slots are read before the checksum is.
void wild_slot_numbers_are_no_session(void**) {
  const auto whole = a_large_and_an_ordinary_session();
  constexpr std::size_t kCountAt = kHeader + 24;
  constexpr std::size_t kNumbersAt = kHeader + 28;
  const auto with = [&whole](std::size_t at, std::vector<std::uint8_t> values) {
    auto bytes = whole;
    std::ranges::copy(values, bytes.begin() + static_cast<std::ptrdiff_t>(at));
    return bytes;
  };
  for (const auto& bytes :
       {with(kCountAt, {0xFF, 0xFF}), with(kCountAt, {0xBA, 0x03}), with(kCountAt, {0, 0}),
        with(kNumbersAt, {0xFF, 0xFF, 0xFF, 0xFF}), with(kNumbersAt, {0, 0, 0, 0}),
        with(kNumbersAt, {2, 0, 0, 0}), with(kNumbersAt, {3, 0, 0, 0})}) {
    const auto store = open_store(memory_with(bytes));
    assert_false(store->find(id_of(1)).has_value());
    assert_true(same(*store->find(id_of(2)), sample(2)));
    assert_int_equal(slots_in_use(read_memory(store->fd(), 6)), 1);
  }
}

void a_torn_slot_is_not_a_session(void**) {
  const auto whole = two_sessions();
  for (std::size_t written = 0; written < kSlot; written += 7) {
    auto bytes = whole;
    std::fill_n(bytes.begin() + kHeader + static_cast<std::ptrdiff_t>(written), kSlot - written,
                std::uint8_t{0});
    const auto store = open_store(memory_with(bytes));
    const auto torn = store->find(id_of(1));
    assert_true(!torn || same(*torn, sample(1)));
    assert_true(store->find(id_of(2)).has_value());
  }
}

void slot_to(std::vector<std::uint8_t>& to, std::size_t place,
             const std::vector<std::uint8_t>& from, std::size_t slot) {
  std::memcpy(to.data() + kHeader + place * kSlot, from.data() + kHeader + slot * kSlot, kSlot);
}

// Stopped between the new slot and the end of the old one, with the slots in either order.
void of_two_slots_of_a_session_the_newer_counts(void**) {
  const auto store = open_store();
  assert_true(store->put(sample(1, 1)));
  const auto before = read_memory(store->fd(), 4);
  assert_true(store->put(sample(1, 2)));  // now in slot 1
  const auto after = read_memory(store->fd(), 4);
  for (const std::size_t old_place : {std::size_t{0}, std::size_t{3}}) {
    auto bytes = after;
    slot_to(bytes, old_place, before, 0);
    const auto next = open_store(memory_with(bytes));
    assert_int_equal(next->size(), 1);
    assert_int_equal(next->sessions_of("user1").size(), 1);
    assert_true(same(*next->find(id_of(1)), sample(1, 2)));
    next->erase(id_of(1));
    assert_int_equal(open_store(copy_of(next->fd()))->size(), 0);
  }
}

void what_is_not_our_memfd_is_not_adopted(void**) {
  const auto bytes = two_sessions();
  const auto size = [] {
    struct stat status{};
    const auto store = open_store();
    assert_int_equal(::fstat(store->fd(), &status), 0);
    return status.st_size;
  }();
  constexpr int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  struct Case {
    off_t size;
    int seals;
    bool adopted;
  };
  for (const Case& one :
       {Case{size, all, true}, Case{size, 0, false}, Case{size, all & ~F_SEAL_SHRINK, false},
        Case{size, all & ~F_SEAL_GROW, false}, Case{size, all & ~F_SEAL_SEAL, false},
        Case{size, all | F_SEAL_WRITE, false}, Case{size - 4096, all, false},
        Case{size + 4096, all, false}, Case{0, all, false}}) {
    Fd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    assert_int_equal(::pwrite(fd.get(), bytes.data(), bytes.size(), 0), bytes.size());
    assert_int_equal(::ftruncate(fd.get(), one.size), 0);
    assert_int_equal(::fcntl(fd.get(), F_ADD_SEALS, one.seals), 0);
    const auto store = open_store(std::move(fd));
    assert_int_equal(store->size(), one.adopted ? 2 : 0);
    assert_true(store->put(sample(5)));
  }
  assert_int_equal(open_store(Fd(::open("/dev/null", O_RDWR | O_CLOEXEC)))->size(), 0);
  assert_int_equal(open_store(Fd(12345))->size(), 0);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  // The log has each discarded session, thousands of them here.
  pamcognito::runtime::set_log_level(pamcognito::runtime::Level::error);
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_next_daemon_has_the_same_sessions),
      cmocka_unit_test(every_byte_of_the_header_counts),
      cmocka_unit_test(another_boot_or_layout_is_not_adopted),
      cmocka_unit_test(every_byte_of_a_slot_counts),
      cmocka_unit_test(every_byte_of_every_slot_of_a_large_session_counts),
      cmocka_unit_test(wild_slot_numbers_are_no_session),
      cmocka_unit_test(a_torn_slot_is_not_a_session),
      cmocka_unit_test(of_two_slots_of_a_session_the_newer_counts),
      cmocka_unit_test(what_is_not_our_memfd_is_not_adopted),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
