// The parts of a list between cognitod-directory and cognitod-accounts: values that fit, and bytes
// and orders that must not pass.

#include "accounts/list_message.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::accounts;
using wire::ListPart;
using Parts = std::vector<ListPart>;

template <class Message>
std::span<const std::byte> bytes_of(const Message& message) {
  return {reinterpret_cast<const std::byte*>(&message), sizeof(message)};
}

DirectoryList small_list() {
  DirectoryList list{.pool = "eu-central-1_AbCdEfGhI", .groups = {"users", "admins"}, .users = {}};
  list.users.push_back(
      {.name = "zoe.new", .sub = "sub-1", .enabled = true, .groups = {"users", "admins"}});
  list.users.push_back({.name = "bob.new", .sub = "sub-2", .enabled = false, .groups = {"admins"}});
  list.users.back().uid = 4294967295U;
  return list;
}

Parts parts_of(const DirectoryList& list) {
  Parts parts(1);
  assert_true(encode_begin(list.pool, parts[0]));
  for (const std::string& group : list.groups)
    assert_true(encode_group(group, parts.emplace_back()));
  for (const ListedUser& user : list.users)
    assert_true(encode_user(list, user, parts.emplace_back()));
  assert_true(encode_end(list, parts.emplace_back()));
  return parts;
}

// The fault of the first part that is refused; empty: the list is whole.
std::string fault_of(const Parts& parts, ListReader& reader) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto taken = reader.take(bytes_of(parts[i]));
    if (!taken) return std::string(taken.error());
    if (*taken) return i + 1 == parts.size() ? "" : "ended early";
  }
  return "not whole";
}

std::string fault_of(const Parts& parts) {
  ListReader reader;
  return fault_of(parts, reader);
}

void a_list_comes_out_as_it_went_in(void** /*state*/) {
  const DirectoryList list = small_list();
  ListReader reader;
  assert_string_equal(fault_of(parts_of(list), reader).c_str(), "");
  assert_true(reader.list().pool == list.pool);
  assert_true(reader.list().groups == list.groups);
  assert_int_equal(reader.list().users.size(), 2);
  for (std::size_t i = 0; i < 2; ++i) {
    assert_true(reader.list().users[i].name == list.users[i].name);
    assert_true(reader.list().users[i].sub == list.users[i].sub);
    assert_true(reader.list().users[i].groups == list.users[i].groups);
    assert_int_equal(reader.list().users[i].enabled, list.users[i].enabled);
    assert_true(reader.list().users[i].uid == list.users[i].uid);
  }
  DirectoryList nobody = list;
  nobody.users.clear();
  assert_string_equal(fault_of(parts_of(nobody)).c_str(), "");
}

void values_beyond_their_bounds_are_not_sent(void** /*state*/) {
  ListPart part;
  assert_true(encode_begin(std::string(wire::kPoolSize, 'p'), part));
  assert_false(encode_begin(std::string(wire::kPoolSize + 1, 'p'), part));
  assert_false(encode_begin("", part));
  assert_false(encode_group(std::string(wire::kGroupSize + 1, 'g'), part));
  assert_false(encode_group(std::string_view("a\0b", 3), part));
  DirectoryList list = small_list();
  list.users[0].name = std::string(kMaxName + 1, 'n');
  assert_false(encode_user(list, list.users[0], part));
  list.users[1].sub = std::string(wire::kSubSize + 1, 's');
  assert_false(encode_user(list, list.users[1], part));
}

// [0] begin, [1] and [2] groups, [3] and [4] users, [5] end.
void hostile_parts_are_refused(void** /*state*/) {
  struct Row {
    const char* fault;
    std::function<void(Parts&)> spoil;
  };
  const std::vector<Row> rows = {
      {"magic number", [](Parts& p) { p[0].magic ^= 1; }},
      {"version", [](Parts& p) { p[0].version = 2; }},
      {"part", [](Parts& p) { p[0].part = 0; }},
      {"part", [](Parts& p) { p[3].part = 5; }},
      {"order", [](Parts& p) { p[1] = p[0]; }},
      {"order", [](Parts& p) { p.erase(p.begin()); }},
      {"order", [](Parts& p) { p.erase(p.begin() + 1, p.begin() + 3); }},
      {"order", [](Parts& p) { p[4] = p[1]; }},
      {"number of users", [](Parts& p) { p.erase(p.begin() + 4); }},
      {"number of users", [](Parts& p) { p[5].count = 0xFFFFFFFF; }},
      {"not whole", [](Parts& p) { p.pop_back(); }},
      {"ended early", [](Parts& p) { p.push_back(p[3]); }},
      {"texts", [](Parts& p) { p[3].name[31] = 'x'; }},
      {"texts", [](Parts& p) { p[3].sub[127] = 'x'; }},
      {"texts", [](Parts& p) { p[0].pool[55] = 'x'; }},
      {"texts", [](Parts& p) { p[1].group[511] = 'x'; }},
      {"pool", [](Parts& p) { std::memset(p[0].pool, 0, sizeof(p[0].pool)); }},
      {"pool", [](Parts& p) { p[3].pool[0] = 'x'; }},
      {"group", [](Parts& p) { p[3].group[0] = 'x'; }},
      {"group", [](Parts& p) { std::memset(p[1].group, 0, sizeof(p[1].group)); }},
      {"name or sub", [](Parts& p) { p[0].name[0] = 'x'; }},
      {"name or sub", [](Parts& p) { std::memset(p[3].name, 0, sizeof(p[3].name)); }},
      {"name or sub", [](Parts& p) { std::memset(p[3].sub, 0, sizeof(p[3].sub)); }},
      {"name or sub", [](Parts& p) { p[5].sub[0] = 'x'; }},
      {"unused values", [](Parts& p) { p[0].enabled = 1; }},
      {"unused values", [](Parts& p) { p[1].groups = 1; }},
      {"unused values", [](Parts& p) { p[5].uid = 1; }},
      {"count", [](Parts& p) { p[3].count = 1; }},
      {"count", [](Parts& p) { p[3].zero = 1; }},
      {"uid", [](Parts& p) { p[3].has_uid = 2; }},
      {"uid", [](Parts& p) { p[3].uid = 70000; }},
      {"enabled", [](Parts& p) { p[3].enabled = 2; }},
      {"groups", [](Parts& p) { p[3].groups = 0; }},
      {"groups", [](Parts& p) { p[3].groups = 4; }},
      {"groups", [](Parts& p) { p[3].groups = 0x80000001; }},
      {"number of groups", [](Parts& p) { p.insert(p.begin() + 2, 15, p[1]); }},
  };
  for (const Row& row : rows) {
    Parts parts = parts_of(small_list());
    row.spoil(parts);
    assert_string_equal(fault_of(parts).c_str(), row.fault);
  }
}

void other_sizes_are_refused(void** /*state*/) {
  const Parts parts = parts_of(small_list());
  std::vector<std::byte> bytes(sizeof(ListPart) + 1);
  std::memcpy(bytes.data(), parts.data(), sizeof(ListPart));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, sizeof(ListPart) - 1, sizeof(ListPart) + 1}) {
    ListReader reader;
    assert_false(reader.take(std::span(bytes).first(size)).has_value());
  }
}

void replies(void** /*state*/) {
  const auto held = decode_list_reply(bytes_of(encode(ListAnswer{.refusal = {}, .held = true})));
  assert_true(held && held->held && !held->refusal);
  const auto refused = decode_list_reply(bytes_of(encode(ListAnswer{.refusal = Refusal::storage})));
  assert_true(refused && refused->refusal == Refusal::storage && !refused->held);
  const std::vector<std::function<void(wire::ListReply&)>> spoils = {
      [](wire::ListReply& r) { r.magic ^= 1; },
      [](wire::ListReply& r) { r.version = 2; },
      [](wire::ListReply& r) { r.held = 2; },
      [](wire::ListReply& r) { r.zero = 1; },
      [](wire::ListReply& r) { r.refusal = 99; },
      [](wire::ListReply& r) {
        r.refusal = 1;
        r.held = 1;
      }};
  for (const auto& spoil : spoils) {
    wire::ListReply reply = encode(ListAnswer{});
    spoil(reply);
    assert_false(decode_list_reply(bytes_of(reply)).has_value());
  }
  assert_false(decode_list_reply({}).has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_list_comes_out_as_it_went_in),
      cmocka_unit_test(values_beyond_their_bounds_are_not_sent),
      cmocka_unit_test(hostile_parts_are_refused),
      cmocka_unit_test(other_sizes_are_refused),
      cmocka_unit_test(replies),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
