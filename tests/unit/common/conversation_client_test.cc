#include "common/conversation_client.h"

#include <sys/socket.h>

#include <chrono>
#include <string_view>

#include "common/fd.h"

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

// Both ends of a conversation.
class Pair {
 public:
  Pair() {
    int ends[2];
    assert_int_equal(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    client_.reset(ends[0]);
    daemon_.reset(ends[1]);
  }
  [[nodiscard]] int client() const { return client_.get(); }
  void send(FrameType type, std::string_view text) const {
    assert_true(send_text(daemon_.get(), type, Purpose::other, text).has_value());
  }
  void send_raw(std::string_view bytes) const {
    assert_int_equal(::send(daemon_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), bytes.size());
  }
  void send_result(Outcome outcome) const {
    assert_true(send_outcome(daemon_.get(), outcome, SignInId{}).has_value());
  }
  void hang_up() { daemon_.reset(); }

 private:
  Fd client_;
  Fd daemon_;
};

Deadline soon() {
  return Deadline::after(std::chrono::seconds(5));
}

void assert_error(const Pair& pair, ReceiveError expected) {
  const auto step = receive_step(pair.client(), Deadline::now());
  assert_false(step.has_value());
  assert_int_equal(static_cast<int>(step.error()), static_cast<int>(expected));
}

void a_step_is_a_question_or_an_outcome(void**) {
  const Pair pair;
  pair.send(FrameType::ask_hidden, "Password: ");
  pair.send_result(Outcome::refused);
  const auto question = receive_step(pair.client(), soon());
  assert_true(question && !question->notice && !question->is_outcome());
  assert_true(question->main.text == "Password: ");
  const auto outcome = receive_step(pair.client(), soon());
  assert_true(outcome && outcome->is_outcome() && outcome->main.outcome == Outcome::refused);
}

void a_notice_belongs_to_the_step_after_it(void**) {
  const Pair pair;
  for (const FrameType type : {FrameType::info, FrameType::error}) {
    pair.send(type, "Look.");
    pair.send(FrameType::ask_visible, "Code: ");
    const auto step = receive_step(pair.client(), soon());
    assert_true(step && step->notice && step->notice->text == "Look.");
    assert_true(step->main.text == "Code: ");
  }
}

void two_notices_are_refused(void**) {
  const Pair pair;
  pair.send(FrameType::info, "one");
  pair.send(FrameType::info, "two");
  assert_error(pair, ReceiveError::two_notices);
}

void the_deadline_includes_the_frame_after_a_notice(void**) {
  const Pair pair;
  assert_error(pair, ReceiveError::timed_out);
  pair.send(FrameType::info, "one");
  assert_error(pair, ReceiveError::timed_out);
}

void a_closed_socket_and_a_malformed_frame_differ(void**) {
  Pair pair;
  pair.send_raw("\x63\x63");
  assert_error(pair, ReceiveError::malformed);
  pair.send(FrameType::info, "sent before the end");
  pair.hang_up();
  assert_error(pair, ReceiveError::closed);
}

void wiped_texts_have_no_content(void**) {
  ConversationStep step;
  step.main.text = "secret";
  step.notice.emplace().text = "secret";
  wipe_texts(step);
  assert_true(step.main.text == std::string_view("\0\0\0\0\0\0", 6));
  assert_true(step.notice->text == std::string_view("\0\0\0\0\0\0", 6));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_step_is_a_question_or_an_outcome),
      cmocka_unit_test(a_notice_belongs_to_the_step_after_it),
      cmocka_unit_test(two_notices_are_refused),
      cmocka_unit_test(the_deadline_includes_the_frame_after_a_notice),
      cmocka_unit_test(a_closed_socket_and_a_malformed_frame_differ),
      cmocka_unit_test(wiped_texts_have_no_content),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
