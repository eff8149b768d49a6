// The messages between cognitod and cognitod-accounts: values that fit, and bytes that must not
// pass.

#include "accounts/message.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cmocka_cpp.h"

namespace {

using namespace pamcognito::accounts;

ChangeRequest full_request() {
  ChangeRequest request;
  request.sign_in.name = std::string(kMaxName, 'n');
  request.sign_in.pool = std::string(wire::kPoolSize, 'p');
  request.sign_in.sub = std::string(wire::kSubSize, 's');
  request.sign_in.uid = 4294967295U;
  request.sign_in.ssh_keys = std::string(kMaxKeysText, 'k');
  for (std::size_t i = 0; i < wire::kGroups; ++i)
    request.sign_in.cognito_groups.push_back(
        std::string(wire::kGroupSize - i, static_cast<char>('a' + i % 26)));
  return request;
}

ChangeRequest small_request() {
  ChangeRequest request;
  request.sign_in.name = "zoe.new";
  request.sign_in.pool = "eu-central-1_AbCdEfGhI";
  request.sign_in.sub = "11111111-2222-3333-4444-555555555555";
  request.sign_in.cognito_groups = {"ops", "linux-admins"};
  return request;
}

wire::Request encoded(const ChangeRequest& request) {
  wire::Request bytes;
  assert_true(encode(request, bytes));
  return bytes;
}

template <class Message>
std::span<const std::byte> bytes_of(const Message& message) {
  return {reinterpret_cast<const std::byte*>(&message), sizeof(message)};
}

std::expected<ChangeRequest, std::string_view> decoded(const wire::Request& bytes) {
  return decode_request(bytes_of(bytes));
}

void assert_same(const ChangeRequest& request) {
  const auto back = decoded(encoded(request));
  assert_true(back.has_value());
  assert_true(back->change == request.change);
  assert_text(back->sign_in.name, request.sign_in.name);
  assert_text(back->sign_in.pool, request.sign_in.pool);
  assert_text(back->sign_in.sub, request.sign_in.sub);
  assert_true(back->sign_in.uid == request.sign_in.uid);
  assert_text(back->sign_in.ssh_keys, request.sign_in.ssh_keys);
  assert_true(back->sign_in.cognito_groups == request.sign_in.cognito_groups);
}

void a_request_arrives_as_it_was_sent(void**) {
  assert_same(full_request());
  assert_same(small_request());
  ChangeRequest without_groups = small_request();
  without_groups.sign_in.cognito_groups.clear();
  assert_same(without_groups);
  for (const Change change : {Change::lock_for_pool, Change::unlock_for_pool}) {
    ChangeRequest request;
    request.change = change;
    request.sign_in.name = "zoe.new";
    assert_same(request);
  }
}

void a_value_that_does_not_fit_is_not_sent(void**) {
  wire::Request bytes;
  const std::vector<std::function<void(SignIn&)>> changes = {
      [](SignIn& one) { one.name += 'n'; },
      [](SignIn& one) { one.pool += 'p'; },
      [](SignIn& one) { one.sub += 's'; },
      [](SignIn& one) { one.ssh_keys += 'k'; },
      [](SignIn& one) { one.ssh_keys = std::string("a\0b", 3); },
      [](SignIn& one) { one.cognito_groups.emplace_back("one more"); },
      [](SignIn& one) { one.cognito_groups[0] += 'g'; },
      [](SignIn& one) { one.cognito_groups[7] = std::string("g\0h", 3); },
      [](SignIn& one) { one.name = std::string("a\0b", 3); },
  };
  for (const auto& change : changes) {
    ChangeRequest request = full_request();
    change(request.sign_in);
    assert_false(encode(request, bytes));
  }
}

void each_wrong_field_is_refused(void**) {
  struct Case {
    const char* fault;
    std::function<void(wire::Request&)> damage;
  };
  const std::vector<Case> cases = {
      {"magic number", [](wire::Request& r) { r.magic ^= 1; }},
      {"magic number", [](wire::Request& r) { r.magic = wire::kReplyMagic; }},
      {"version", [](wire::Request& r) { r.version = 0; }},
      {"version", [](wire::Request& r) { r.version = 3; }},
      {"change", [](wire::Request& r) { r.change = 0; }},
      {"change", [](wire::Request& r) { r.change = 4; }},
      {"change", [](wire::Request& r) { r.change = 0xFFFF; }},
      {"name", [](wire::Request& r) { std::memset(r.name, 0, sizeof(r.name)); }},
      {"name", [](wire::Request& r) { r.name[31] = 'x'; }},
      {"name", [](wire::Request& r) { r.name[3] = '\0'; }},
      {"pool or sub", [](wire::Request& r) { r.pool[55] = 'x'; }},
      {"pool or sub", [](wire::Request& r) { r.pool[0] = '\0'; }},
      {"pool or sub", [](wire::Request& r) { r.sub[127] = 'x'; }},
      {"uid", [](wire::Request& r) { r.has_uid = 2; }},
      {"uid", [](wire::Request& r) { r.uid = 1; }},
      {"number of groups", [](wire::Request& r) { r.group_count = 101; }},
      {"number of groups", [](wire::Request& r) { r.group_count = 0xFFFFFFFF; }},
      {"number of groups", [](wire::Request& r) { r.zero = 1; }},
      {"SSH keys", [](wire::Request& r) { r.ssh_keys[2047] = 'x'; }},
      {"SSH keys", [](wire::Request& r) { r.ssh_keys[1] = 'x'; }},
      {"groups", [](wire::Request& r) { r.group_count = 1; }},
      {"groups", [](wire::Request& r) { r.group_count = 3; }},
      {"groups", [](wire::Request& r) { r.groups[0][0] = '\0'; }},
      {"groups", [](wire::Request& r) { r.groups[1][511] = 'x'; }},
      {"groups", [](wire::Request& r) { r.groups[99][511] = 'x'; }},
  };
  for (const Case& one : cases) {
    wire::Request bytes = encoded(small_request());
    one.damage(bytes);
    const auto request = decoded(bytes);
    assert_false(request.has_value());
    assert_text(request.error(), one.fault);
  }
  for (const Change change : {Change::lock_for_pool, Change::unlock_for_pool}) {
    wire::Request bytes = encoded(small_request());
    bytes.change = static_cast<std::uint16_t>(change);
    assert_text(decoded(bytes).error(), "unused values");
    ChangeRequest lock;
    lock.change = change;
    lock.sign_in.name = "zoe.new";
    bytes = encoded(lock);
    bytes.ssh_keys[0] = 'x';
    assert_text(decoded(bytes).error(), "unused values");
  }
}

void another_size_is_refused(void**) {
  std::vector<std::byte> bytes(sizeof(wire::Request) + 1);
  const wire::Request request = encoded(small_request());
  std::memcpy(bytes.data(), &request, sizeof(request));
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{8},
                                 sizeof(wire::Request) - 1, sizeof(wire::Request) + 1})
    assert_text(decode_request(std::span(bytes).first(size)).error(), "size");
  assert_true(decode_request(std::span(bytes).first(sizeof(request))).has_value());
}

void a_reply_arrives_as_it_was_sent(void**) {
  for (int value = 0; value <= static_cast<int>(Refusal::storage); ++value) {
    const wire::Reply bytes = encode(ChangeReply{.refusal = static_cast<Refusal>(value)});
    const auto reply = decode_reply(bytes_of(bytes));
    assert_true(reply && reply->refusal == static_cast<Refusal>(value));
    assert_string_not_equal(std::string(to_string(*reply->refusal)).c_str(), "unforeseen");
  }
  for (const bool changed : {false, true}) {
    const wire::Reply bytes = encode(ChangeReply{.refusal = std::nullopt,
                                                 .uid = kLowestUid,
                                                 .changed = changed,
                                                 .groups_changed = !changed});
    const auto reply = decode_reply(bytes_of(bytes));
    assert_true(reply && !reply->refusal && reply->uid == kLowestUid);
    assert_true(reply->changed == changed && reply->groups_changed == !changed);
  }
}

void a_wrong_reply_is_none(void**) {
  const std::vector<std::function<void(wire::Reply&)>> changes = {
      [](wire::Reply& r) { r.magic = 0; },     [](wire::Reply& r) { r.version = 3; },
      [](wire::Reply& r) { r.uid = 0; },       [](wire::Reply& r) { r.uid = 1000; },
      [](wire::Reply& r) { r.uid = ~0U; },     [](wire::Reply& r) { r.flags = 4; },
      [](wire::Reply& r) { r.refusal = 200; }, [](wire::Reply& r) { r.refusal = 1; },
  };
  for (const auto& change : changes) {
    wire::Reply bytes = encode(ChangeReply{.refusal = std::nullopt, .uid = kLowestUid});
    change(bytes);
    assert_false(decode_reply(bytes_of(bytes)).has_value());
  }
  const wire::Reply bytes{};
  assert_false(decode_reply(bytes_of(bytes)).has_value());
  assert_false(decode_reply({}).has_value());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_request_arrives_as_it_was_sent),
      cmocka_unit_test(a_value_that_does_not_fit_is_not_sent),
      cmocka_unit_test(each_wrong_field_is_refused),
      cmocka_unit_test(another_size_is_refused),
      cmocka_unit_test(a_reply_arrives_as_it_was_sent),
      cmocka_unit_test(a_wrong_reply_is_none),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
