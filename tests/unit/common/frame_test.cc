#include "common/frame.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <expected>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/fd.h"
#include "tests/descriptors.h"

// cmocka.h needs these first, and its macros break headers after it.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace {

using namespace pamcognito;
using std::string_literals::operator""s;

// A connected pair: a frame sent at one end is received at the other.
class Pair {
 public:
  Pair() {
    int ends[2];
    assert_int_equal(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    module_.reset(ends[0]);
    daemon_.reset(ends[1]);
  }
  [[nodiscard]] int module() const { return module_.get(); }
  [[nodiscard]] int daemon() const { return daemon_.get(); }
  void hang_up_daemon() { daemon_.reset(); }

  void raw_from_daemon(const std::string& bytes) const {
    assert_int_equal(::send(daemon(), bytes.data(), bytes.size(), MSG_NOSIGNAL), bytes.size());
  }
  void raw_from_module(const std::string& bytes) const {
    assert_int_equal(::send(module(), bytes.data(), bytes.size(), MSG_NOSIGNAL), bytes.size());
  }

 private:
  Fd module_;
  Fd daemon_;
};

std::string frame(FrameType type, Purpose purpose, const std::string& payload = "") {
  return std::string{static_cast<char>(type), static_cast<char>(purpose)} + payload;
}

void assert_sent(const std::expected<void, FrameError>& sent) {
  assert_true(sent.has_value());
}

int open_fds() {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd)
    if (::fcntl(fd, F_GETFD) >= 0) ++count;
  return count;
}

void texts_arrive_as_they_were_sent(void**) {
  const Pair pair;
  assert_sent(send_text(pair.daemon(), FrameType::ask_hidden, Purpose::password, "Password: "));
  const auto received = receive_from_daemon(pair.module());
  assert_true(received.has_value());
  assert_true(received->type == FrameType::ask_hidden);
  assert_true(received->purpose == Purpose::password);
  assert_true(received->text == "Password: ");
}

void texts_are_made_printable_at_both_ends(void**) {
  const Pair pair;
  assert_sent(send_text(pair.daemon(), FrameType::info, Purpose::other, "a\x1b[2J"));
  char buffer[16];
  assert_int_equal(::recv(pair.module(), buffer, sizeof(buffer), 0), 7);
  assert_memory_equal(buffer + 2, "a?[2J", 5);
  pair.raw_from_daemon(frame(FrameType::error, Purpose::other, "b\x1b\x9b"));
  assert_true(receive_from_daemon(pair.module())->text == "b??");
}

void a_text_that_is_too_long_is_not_sent(void**) {
  const Pair pair;
  const std::string largest(kMaxText, 'q');
  assert_sent(send_text(pair.daemon(), FrameType::info, Purpose::other, largest));
  assert_true(receive_from_daemon(pair.module())->text == largest);
  const auto larger = send_text(pair.daemon(), FrameType::info, Purpose::other, largest + "q");
  assert_true(!larger && larger.error() == FrameError::malformed);
}

void only_text_types_carry_text(void**) {
  const Pair pair;
  for (const FrameType type : {FrameType::outcome, FrameType::answer, FrameType::abort,
                               FrameType::ack, FrameType::account})
    assert_true(!send_text(pair.daemon(), type, Purpose::other, "x"));
  assert_true(!send_signal(pair.module(), FrameType::answer));
}

void outcomes_carry_the_sign_in_id(void**) {
  const Pair pair;
  SignInId id;
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::uint8_t>(200 + i);
  for (const Outcome outcome : kAllOutcomes) {
    assert_sent(send_outcome(pair.daemon(), outcome, id));
    const auto received = receive_from_daemon(pair.module());
    assert_true(received && received->type == FrameType::outcome && received->outcome == outcome);
    assert_true(received->sign_in_id == id);
  }
  // An unknown value is passed on; the caller decides about it.
  pair.raw_from_daemon(frame(FrameType::outcome, Purpose::other, "\xfe"s + std::string(16, 'i')));
  assert_int_equal(receive_from_daemon(pair.module())->outcome, 0xfe);
}

void answers_arrive_with_their_purpose(void**) {
  const Pair pair;
  const std::string longest(Secret::kCapacity, 'p');
  for (const std::string& text : {""s, "123456"s, "\x08\x0a\r\x7f"s, "\xff\xfe"s, longest}) {
    assert_sent(send_answer(pair.module(), Purpose::code, *Secret::copy_of(text)));
    const auto received = receive_from_module(pair.daemon());
    assert_true(received && received->type == FrameType::answer);
    assert_true(received->purpose == Purpose::code && received->answer.reveal() == text);
  }
}

void signals_arrive(void**) {
  const Pair pair;
  for (const FrameType type : {FrameType::abort, FrameType::ack, FrameType::account}) {
    assert_sent(send_signal(pair.module(), type));
    assert_true(receive_from_module(pair.daemon())->type == type);
  }
}

void malformed_frames_of_the_daemon_are_refused(void**) {
  const Pair pair;
  const std::string id(kSignInIdSize, 'i');
  for (const std::string& bytes :
       {"\x01"s, frame(FrameType::info, static_cast<Purpose>(7), "text"),
        frame(FrameType::info, static_cast<Purpose>(255), "text"),
        frame(FrameType::ask_hidden, Purpose::password, "a\0b"s),
        frame(static_cast<FrameType>(0), Purpose::other),
        frame(static_cast<FrameType>(6), Purpose::other),
        frame(FrameType::answer, Purpose::other, "x"), frame(FrameType::ack, Purpose::other),
        frame(FrameType::outcome, Purpose::other), frame(FrameType::outcome, Purpose::other, id),
        frame(FrameType::outcome, Purpose::other, "\x01"s + id + "x"),
        frame(FrameType::info, Purpose::other, std::string(kMaxText + 1, 'l'))}) {
    pair.raw_from_daemon(bytes);
    const auto received = receive_from_daemon(pair.module());
    assert_true(!received && received.error() == FrameError::malformed);
  }
}

void malformed_frames_of_the_module_are_refused(void**) {
  const Pair pair;
  for (const std::string& bytes :
       {"\x10"s, frame(FrameType::answer, static_cast<Purpose>(7), "x"),
        frame(FrameType::answer, Purpose::password, std::string(Secret::kCapacity + 1, 'l')),
        frame(FrameType::answer, Purpose::password, "a\0"s),
        frame(FrameType::abort, Purpose::other, "x"), frame(FrameType::ack, Purpose::other, "x"),
        frame(FrameType::account, Purpose::other, "x"), frame(FrameType::info, Purpose::other, "x"),
        frame(FrameType::outcome, Purpose::other),
        frame(static_cast<FrameType>(20), Purpose::other),
        frame(FrameType::answer, Purpose::password, std::string(kMaxDatagram, 'l'))}) {
    pair.raw_from_module(bytes);
    const auto received = receive_from_module(pair.daemon());
    assert_true(!received && received.error() == FrameError::malformed);
  }
}

void receiving_from_an_empty_socket_does_not_wait(void**) {
  const Pair pair;
  assert_true(receive_from_daemon(pair.module()).error() == FrameError::would_block);
  assert_true(receive_from_module(pair.daemon()).error() == FrameError::would_block);
}

void a_closed_peer_is_noticed_without_a_signal(void**) {
  Pair pair;
  pair.hang_up_daemon();
  assert_true(receive_from_daemon(pair.module()).error() == FrameError::closed);
  assert_true(send_signal(pair.module(), FrameType::abort).error() == FrameError::closed);
  assert_true(send_answer(pair.module(), Purpose::code, Secret()).error() == FrameError::closed);
}

void frames_sent_before_the_peer_closed_are_received(void**) {
  Pair pair;
  assert_sent(send_answer(pair.module(), Purpose::code, *Secret::copy_of("never read")));
  assert_sent(send_outcome(pair.daemon(), Outcome::failed, {}));
  pair.hang_up_daemon();
  const auto received = receive_from_daemon(pair.module());
  assert_true(received && received->outcome == Outcome::failed);
  assert_true(receive_from_daemon(pair.module()).error() == FrameError::closed);
}

void sending_to_a_full_socket_does_not_wait(void**) {
  const Pair pair;
  const std::string text(kMaxText, 'f');
  std::expected<void, FrameError> sent;
  for (int i = 0; sent && i < 10000; ++i)
    sent = send_text(pair.daemon(), FrameType::info, Purpose::other, text);
  assert_true(!sent && sent.error() == FrameError::would_block);
}

void send_with_fds(int socket, const std::string& bytes, int count) {
  const std::vector<int> fds(static_cast<std::size_t>(count), socket);
  assert_int_equal(pamcognito::test::send_with_descriptors(socket, bytes, fds), bytes.size());
}

void passed_descriptors_are_closed_and_refused(void**) {
  const Pair pair;
  const int before = open_fds();
  for (const int count : {1, 3, 200}) {
    send_with_fds(pair.daemon(), frame(FrameType::info, Purpose::other, "hi"), count);
    assert_true(receive_from_daemon(pair.module()).error() == FrameError::malformed);
    send_with_fds(pair.module(), frame(FrameType::ack, Purpose::other), count);
    assert_true(receive_from_module(pair.daemon()).error() == FrameError::malformed);
    assert_int_equal(open_fds(), before);
  }
}

// Every datagram gives a frame within its bounds or an error. The seed is fixed.
void random_datagrams_are_frames_or_errors(void**) {
  const Pair pair;
  std::mt19937 random(20160418);
  std::uniform_int_distribution<std::size_t> length(1, 600);
  std::uniform_int_distribution<int> byte(0, 255);
  std::uniform_int_distribution<int> small(0, 20);
  int good = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(length(random), '\0');
    std::ranges::generate(bytes, [&] { return static_cast<char>(byte(random)); });
    if (i % 2 == 0) bytes[0] = static_cast<char>(small(random));
    if (i % 2 == 0 && bytes.size() > 1) bytes[1] = static_cast<char>(small(random) / 3);
    if (i % 4 == 0) std::ranges::replace(bytes.begin() + 1, bytes.end(), '\0', 'n');
    pair.raw_from_daemon(bytes);
    const auto from_daemon = receive_from_daemon(pair.module());
    if (from_daemon) {
      ++good;
      assert_true(from_daemon->text.size() <= bytes.size());
      assert_true(from_daemon->text.find('\x1b') == std::string::npos);
    }
    pair.raw_from_module(bytes);
    const auto from_module = receive_from_module(pair.daemon());
    if (from_module) {
      ++good;
      assert_true(from_module->answer.size() <= Secret::kCapacity);
    }
  }
  assert_true(good > 100);  // the loop does reach what lies behind the checks
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(texts_arrive_as_they_were_sent),
      cmocka_unit_test(texts_are_made_printable_at_both_ends),
      cmocka_unit_test(a_text_that_is_too_long_is_not_sent),
      cmocka_unit_test(only_text_types_carry_text),
      cmocka_unit_test(outcomes_carry_the_sign_in_id),
      cmocka_unit_test(answers_arrive_with_their_purpose),
      cmocka_unit_test(signals_arrive),
      cmocka_unit_test(malformed_frames_of_the_daemon_are_refused),
      cmocka_unit_test(malformed_frames_of_the_module_are_refused),
      cmocka_unit_test(receiving_from_an_empty_socket_does_not_wait),
      cmocka_unit_test(a_closed_peer_is_noticed_without_a_signal),
      cmocka_unit_test(frames_sent_before_the_peer_closed_are_received),
      cmocka_unit_test(sending_to_a_full_socket_does_not_wait),
      cmocka_unit_test(passed_descriptors_are_closed_and_refused),
      cmocka_unit_test(random_datagrams_are_frames_or_errors),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
