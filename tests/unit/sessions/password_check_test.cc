#include "daemon/sessions/password_check.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/sessions/scrypt.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::test {
namespace {

using runtime::EventLoop;
using runtime::Task;
using sessions::CheckError;
using sessions::PasswordChecker;
using sessions::PasswordVerifier;

Secret secret(std::string_view text) {
  return std::move(*Secret::copy_of(text));
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string hex;
  for (const std::uint8_t byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4U];
    hex += "0123456789abcdef"[byte & 15U];
  }
  return hex;
}

std::string scrypt_hex(std::string_view password, std::string_view salt,
                       const sessions::ScryptCost& cost) {
  std::array<std::uint8_t, 64> hash{};
  const std::vector<std::uint8_t> bytes(salt.begin(), salt.end());
  assert_true(sessions::scrypt(password, bytes, cost, hash));
  return to_hex(hash);
}

// RFC 7914, section 12.
void the_hash_is_scrypt(void**) {
  assert_text(scrypt_hex("", "", {16, 1, 1}),
              "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
              "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
  assert_text(scrypt_hex("password", "NaCl", {1024, 8, 16}),
              "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
              "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
  assert_text(scrypt_hex("pleaseletmein", "SodiumChloride", {16384, 8, 1}),
              "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
              "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

Task<void> make_and_check(EventLoop* loop, PasswordChecker* checker) {
  const Secret right = secret("correct horse");
  const Secret wrong = secret("correct horsf");
  const auto verifier = co_await checker->make(&right);
  const auto second = co_await checker->make(&right);
  assert_true(verifier.has_value() && second.has_value());
  assert_true(verifier->salt != second->salt);
  assert_true(verifier->hash != second->hash);
  const auto yes = co_await checker->matches(&right, *verifier);
  const auto no = co_await checker->matches(&wrong, *verifier);
  assert_true(yes.has_value() && *yes);
  assert_true(no.has_value() && !*no);
  PasswordVerifier damaged = *verifier;
  damaged.hash.back() ^= 1U;
  const auto nearly = co_await checker->matches(&right, damaged);
  assert_true(nearly.has_value() && !*nearly);
  loop->exit(0);
}

void the_right_password_matches(void**) {
  EventLoop loop;
  PasswordChecker checker(loop);
  const auto spawned = loop.spawn(make_and_check(&loop, &checker));
  assert_int_equal(loop.run(), 0);
}

// In place of scrypt: stops every thread until it is opened, and counts; the first to enter is 1.
class Gate {
 public:
  PasswordChecker::Derive derive() {
    return [this](std::string_view password, std::span<const std::uint8_t>,
                  std::span<std::uint8_t> hash) {
      std::unique_lock lock(mutex_);
      const unsigned mine = ++entered_;
      most_inside_ = std::max(most_inside_, ++inside_);
      password_ = password.data();
      changed_.notify_all();
      changed_.wait(lock, [&] { return open_ && (mine != kept_ || entered_ >= kept_until_); });
      --inside_;
      std::ranges::fill(hash, static_cast<std::uint8_t>(password.size()));
      return succeeds_;
    };
  }
  void wait_for(unsigned entered) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_ >= entered; });
  }
  // From then on the one called `kept` is kept, until so many have entered.
  void open(unsigned kept = 0, unsigned until_entered = 0) {
    const std::lock_guard lock(mutex_);
    open_ = true;
    kept_ = kept;
    kept_until_ = until_entered;
    changed_.notify_all();
  }
  void fail_from_now_on() { succeeds_ = false; }
  unsigned entered() {
    const std::lock_guard lock(mutex_);
    return entered_;
  }
  unsigned most_inside() {
    const std::lock_guard lock(mutex_);
    return most_inside_;
  }
  // The password of the last one that entered.
  const char* password() {
    const std::lock_guard lock(mutex_);
    return password_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned entered_ = 0;
  unsigned inside_ = 0;
  unsigned most_inside_ = 0;
  unsigned kept_ = 0;
  unsigned kept_until_ = 0;
  const char* password_ = nullptr;
  bool open_ = false;
  bool succeeds_ = true;
};

// Tasks that each make a verifier, and how each ended.
class Makers {
 public:
  Makers(EventLoop& loop, PasswordChecker& checker) : loop_(loop), checker_(checker) {}

  void start(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      auto& maker = makers_.emplace_back();
      maker.running = loop_.spawn(make(this, &maker.result));
    }
  }
  void cancel_last(unsigned count) {
    for (unsigned i = 0; i < count; ++i) makers_.pop_back();
  }
  // Until so many have ended.
  void run_until(unsigned ended) {
    wanted_ = ended;
    if (ended_ < wanted_) assert_int_equal(loop_.run(), 0);
  }
  [[nodiscard]] unsigned ended() const { return ended_; }
  [[nodiscard]] std::size_t made() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        makers_, [](const Maker& maker) { return maker.result && maker.result->has_value(); }));
  }
  [[nodiscard]] std::optional<CheckError> last_error() const {
    const auto& result = makers_.back().result;
    return result && !*result ? std::optional(result->error()) : std::nullopt;
  }

 private:
  using Result = std::optional<std::expected<PasswordVerifier, CheckError>>;
  struct Maker {
    Result result;
    EventLoop::Spawned running;
  };
  static Task<void> make(Makers* self, Result* result) {
    const Secret password = secret("correct horse");
    auto made = co_await self->checker_.make(&password);
    *result = made;
    if (++self->ended_ == self->wanted_) self->loop_.exit(0);
  }

  EventLoop& loop_;
  PasswordChecker& checker_;
  std::deque<Maker> makers_;
  unsigned ended_ = 0;
  unsigned wanted_ = 0;
};

std::size_t threads_of_this_process() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

void no_more_than_two_run_at_once(void**) {
  EventLoop loop;
  Gate gate;
  const std::size_t before = threads_of_this_process();
  PasswordChecker checker(loop, gate.derive());
  assert_int_equal(threads_of_this_process(), before);
  Makers makers(loop, checker);
  makers.start(1);
  assert_int_equal(threads_of_this_process(), before + 1);
  makers.start(5);
  gate.wait_for(2);
  assert_int_equal(threads_of_this_process(), before + 2);
  gate.open();
  makers.run_until(6);
  assert_int_equal(makers.made(), 6);
  assert_int_equal(gate.entered(), 6);
  assert_int_equal(gate.most_inside(), 2);
  assert_int_equal(threads_of_this_process(), before + 2);
}

void too_many_that_wait_are_refused(void**) {
  constexpr unsigned places = PasswordChecker::kMaxAtOnce + PasswordChecker::kMaxWaiting;
  EventLoop loop;
  Gate gate;
  PasswordChecker checker(loop, gate.derive());
  Makers makers(loop, checker);
  makers.start(places);
  assert_int_equal(makers.ended(), 0);
  makers.start(1);
  assert_true(makers.last_error() == CheckError::busy);
  // A task that is gone gives its place back, and its job never begins.
  makers.cancel_last(1 + 3);
  makers.start(3);
  assert_int_equal(makers.ended(), 1);
  makers.start(1);
  assert_true(makers.last_error() == CheckError::busy);
  gate.open();
  makers.run_until(2 + places);
  assert_int_equal(makers.made(), places);
  assert_int_equal(gate.entered(), places);
}

void a_failure_is_an_error_and_no_match(void**) {
  EventLoop loop;
  Gate gate;
  gate.open();
  gate.fail_from_now_on();
  PasswordChecker checker(loop, gate.derive());
  Makers makers(loop, checker);
  makers.start(1);
  makers.run_until(1);
  assert_true(makers.last_error() == CheckError::internal);
}

bool is_wiped(const char* memory, std::size_t size) {
  return std::all_of(memory, memory + size, [](char byte) { return byte == 0; });
}

void a_task_that_is_gone_leaves_nothing(void**) {
  const Secret neighbour = secret("keeps the page of secrets mapped");
  EventLoop loop;
  Gate gate;
  PasswordChecker checker(loop, gate.derive());
  Makers gone(loop, checker);
  gone.start(1);
  gate.wait_for(1);
  const char* const password = gate.password();
  gone.cancel_last(1);
  assert_memory_equal(password, "correct horse", 13);  // the thread still works on it
  // The other thread is kept with the first of these: the two that follow need the one that still
  // works for the task that is gone.
  Makers next(loop, checker);
  next.start(3);
  gate.wait_for(2);
  gate.open(2, 4);
  next.run_until(3);
  assert_int_equal(next.made(), 3);
  assert_int_equal(gone.ended(), 0);
  assert_true(is_wiped(password, 13));
}

void the_checker_may_go_while_a_thread_works(void**) {
  const Secret neighbour = secret("keeps the page of secrets mapped");
  EventLoop loop;
  Gate gate;
  const char* password = nullptr;
  {
    PasswordChecker checker(loop, gate.derive());
    Makers makers(loop, checker);
    makers.start(4);
    gate.wait_for(2);
    password = gate.password();
    makers.cancel_last(4);
    gate.open();
  }
  assert_int_equal(gate.entered(), 2);
  assert_true(is_wiped(password, 13));
}

// A caller may ask again as soon as it has its answer, when the thread has just become idle.
Task<void> ask_again_and_again(EventLoop* loop, PasswordChecker* checker) {
  const Secret password = secret("correct horse");
  for (int i = 0; i < 50; ++i) {
    const auto made = co_await checker->make(&password);
    assert_true(made.has_value());
  }
  loop->exit(0);
}

void one_after_the_other_none_is_forgotten(void**) {
  EventLoop loop;
  Gate gate;
  gate.open();
  PasswordChecker checker(loop, gate.derive());
  const auto spawned = loop.spawn(ask_again_and_again(&loop, &checker));
  assert_int_equal(loop.run(), 0);
  assert_int_equal(gate.entered(), 50);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_hash_is_scrypt),
      cmocka_unit_test(the_right_password_matches),
      cmocka_unit_test(no_more_than_two_run_at_once),
      cmocka_unit_test(too_many_that_wait_are_refused),
      cmocka_unit_test(a_failure_is_an_error_and_no_match),
      cmocka_unit_test(a_task_that_is_gone_leaves_nothing),
      cmocka_unit_test(the_checker_may_go_while_a_thread_works),
      cmocka_unit_test(one_after_the_other_none_is_forgotten),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
