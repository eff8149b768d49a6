// cognitod's side of the socket of cognitod-accounts, against a program that answers, lies, hangs
// or is absent.

#include "daemon/bus/account_client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "accounts/message.h"
#include "common/fd.h"
#include "tests/module/check.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;
using accounts::ChangeReply;
using accounts::Refusal;
using sign_in::StoreFailure;

using Stored = std::expected<void, StoreFailure>;

// Listens on the socket, and answers one connection in a process of its own.
class Accounts {
 public:
  explicit Accounts(const std::function<int(int)>& answer) {
    listener_ = Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, accounts::kSocketPath);
    (void)::mkdir(accounts::kSocketDirectory, 0755);
    assert_int_equal(
        ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    assert_int_equal(::listen(listener_.get(), 1), 0);
    child_ = Child([&] {
      const Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      return answer(peer.get());
    });
  }
  Accounts(const Accounts&) = delete;
  Accounts& operator=(const Accounts&) = delete;
  ~Accounts() { (void)::unlink(accounts::kSocketPath); }

  int wait() { return child_.wait(); }

 private:
  Fd listener_;
  Child child_;
};

std::optional<accounts::ChangeRequest> received(int peer) {
  static std::array<std::byte, sizeof(accounts::wire::Request) + 1> bytes;
  const ssize_t got = ::recv(peer, bytes.data(), bytes.size(), 0);
  if (got < 0) return std::nullopt;
  auto request = accounts::decode_request(std::span(bytes).first(static_cast<std::size_t>(got)));
  return request ? std::optional(std::move(*request)) : std::nullopt;
}

int reply(int peer, const void* bytes, std::size_t size) {
  if (!received(peer)) return 2;
  return ::send(peer, bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size) ? 0 : 3;
}

int reply(int peer, const ChangeReply& answer) {
  const accounts::wire::Reply bytes = encode(answer);
  return reply(peer, &bytes, sizeof(bytes));
}

runtime::Task<void> store_on(runtime::EventLoop* loop, std::vector<std::string> groups,
                             sign_in::AccountClaims claims, std::optional<Stored>* result) {
  *result = co_await bus::store_account(loop, "eu-central-1_AbCdEfGhI", "zoe.new", "sub-1",
                                        std::move(groups), std::move(claims));
}

Stored store(std::vector<std::string> groups = {"ops", "linux-admins"},
             std::string ssh_keys = "ssh-ed25519 AAAA") {
  runtime::EventLoop loop;
  std::optional<Stored> result;
  sign_in::AccountClaims claims;
  claims.ssh_keys = std::move(ssh_keys);
  claims.uid = 1879048647;
  const auto running = loop.spawn(store_on(&loop, std::move(groups), std::move(claims), &result),
                                  [&](bool threw) { loop.exit(threw ? 1 : 0); });
  assert_int_equal(loop.run(), 0);
  assert_true(result.has_value());
  return *result;
}

void assert_failed(const Stored& stored, StoreFailure expected) {
  assert_false(stored.has_value());
  assert_int_equal(static_cast<int>(stored.error()), static_cast<int>(expected));
}

void a_sign_in_is_reported_and_stored(void**) {
  Accounts accounts([](int peer) {
    const auto request = received(peer);
    if (!request || request->change != accounts::Change::sign_in) return 2;
    const accounts::SignIn& sign_in = request->sign_in;
    if (sign_in.name != "zoe.new" || sign_in.pool != "eu-central-1_AbCdEfGhI" ||
        sign_in.sub != "sub-1" || sign_in.uid != 1879048647 ||
        sign_in.ssh_keys != "ssh-ed25519 AAAA" ||
        sign_in.cognito_groups != std::vector<std::string>{"ops", "linux-admins"})
      return 4;
    const accounts::wire::Reply bytes =
        encode(ChangeReply{.refusal = std::nullopt, .uid = 1879048647, .changed = true});
    return ::send(peer, &bytes, sizeof(bytes), 0) == sizeof(bytes) ? 0 : 3;
  });
  assert_true(store().has_value());
  assert_int_equal(accounts.wait(), 0);
}

// They are no reason to refuse the sign-in.
void keys_that_are_too_long_are_not_sent(void**) {
  Accounts accounts([](int peer) {
    const auto request = received(peer);
    if (!request || !request->sign_in.ssh_keys.empty()) return 4;
    const accounts::wire::Reply bytes =
        encode(ChangeReply{.refusal = std::nullopt, .uid = 1879048647});
    return ::send(peer, &bytes, sizeof(bytes), 0) == sizeof(bytes) ? 0 : 3;
  });
  assert_true(store({}, std::string(2049, 'k')).has_value());
  assert_int_equal(accounts.wait(), 0);
}

// The sender does not wait, and has gone when the request is read.
void a_disabled_user_is_reported(void**) {
  int gone[2];
  assert_int_equal(::pipe2(gone, O_CLOEXEC), 0);
  Accounts accounts([&](int peer) {
    (void)::close(gone[1]);
    char byte = 0;
    if (::read(gone[0], &byte, 1) != 0) return 5;
    const auto request = received(peer);
    return request && request->change == accounts::Change::lock_for_pool &&
                   request->sign_in.name == "zoe.new"
               ? 0
               : 4;
  });
  bus::report_disabled("zoe.new");
  (void)::close(gone[1]);
  assert_int_equal(accounts.wait(), 0);
  (void)::close(gone[0]);
}

// Written by hand for each refusal.
void each_refusal_is_a_failure(void**) {
  const std::vector<std::pair<Refusal, StoreFailure>> rows = {
      {Refusal::malformed, StoreFailure::fault},
      {Refusal::name_not_permitted, StoreFailure::not_permitted},
      {Refusal::name_reserved, StoreFailure::not_permitted},
      {Refusal::name_is_local, StoreFailure::not_permitted},
      {Refusal::name_retired, StoreFailure::not_permitted},
      {Refusal::uid_taken, StoreFailure::not_permitted},
      {Refusal::uid_out_of_range, StoreFailure::not_permitted},
      {Refusal::sub_has_account, StoreFailure::another_person},
      {Refusal::sub_differs, StoreFailure::another_person},
      {Refusal::unknown_account, StoreFailure::not_permitted},
      {Refusal::locked, StoreFailure::locked},
      {Refusal::full, StoreFailure::not_permitted},
      {Refusal::in_use, StoreFailure::not_permitted},
      {Refusal::bad_configuration, StoreFailure::fault},
      {Refusal::damaged, StoreFailure::fault},
      {Refusal::busy, StoreFailure::fault},
      {Refusal::storage, StoreFailure::fault},
  };
  for (const auto& [refusal, expected] : rows) {
    Accounts accounts([&](int peer) { return reply(peer, {.refusal = refusal}); });
    assert_failed(store(), expected);
    assert_int_equal(accounts.wait(), 0);
  }
}

void a_wrong_reply_is_no_success(void**) {
  const accounts::wire::Reply good =
      encode(ChangeReply{.refusal = std::nullopt, .uid = 1879048647});
  for (const std::size_t size : {std::size_t{1}, sizeof(good) - 1}) {
    Accounts accounts([&](int peer) { return reply(peer, &good, size); });
    assert_failed(store(), StoreFailure::unreachable);
  }
  const std::array<accounts::wire::Reply, 2> twice = {good, good};
  Accounts accounts([&](int peer) { return reply(peer, twice.data(), sizeof(twice)); });
  assert_failed(store(), StoreFailure::unreachable);
}

void zeros_are_no_success(void**) {
  const accounts::wire::Reply zeros{};
  Accounts accounts([&](int peer) { return reply(peer, &zeros, sizeof(zeros)); });
  assert_failed(store(), StoreFailure::unreachable);
}

void a_connection_that_ends_is_no_success(void**) {
  Accounts accounts([](int peer) { return received(peer) ? 0 : 2; });
  assert_failed(store(), StoreFailure::unreachable);
}

void a_program_that_hangs_is_no_success(void**) {
  const Accounts accounts([](int) {
    (void)::pause();
    return 0;
  });
  assert_failed(store(), StoreFailure::unreachable);
}

void without_the_socket_nothing_is_stored(void**) {
  assert_failed(store(), StoreFailure::unreachable);
  bus::report_disabled("zoe.new");
}

void a_value_that_does_not_fit_is_not_sent(void**) {
  assert_failed(store(std::vector<std::string>(101, "g")), StoreFailure::unreachable);
  assert_failed(store({std::string(513, 'g')}), StoreFailure::unreachable);
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_sign_in_is_reported_and_stored),
      cmocka_unit_test(keys_that_are_too_long_are_not_sent),
      cmocka_unit_test(a_disabled_user_is_reported),
      cmocka_unit_test(each_refusal_is_a_failure),
      cmocka_unit_test(a_wrong_reply_is_no_success),
      cmocka_unit_test(zeros_are_no_success),
      cmocka_unit_test(a_connection_that_ends_is_no_success),
      cmocka_unit_test(a_program_that_hangs_is_no_success),
      cmocka_unit_test(without_the_socket_nothing_is_stored),
      cmocka_unit_test(a_value_that_does_not_fit_is_not_sent),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
