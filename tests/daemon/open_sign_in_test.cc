#include "daemon/bus/open_sign_in.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/cmocka_cpp.h"
#include "tests/daemon/lingering_socket.h"
#include "tests/sign_in/scripted.h"

// The life of one sign-in on a real socket pair and the real loop: what the module's end sees, and
// what is left when it vanishes.
namespace pamcognito::test {
namespace {

using cognito::ChallengeName;
using runtime::EventLoop;

constexpr SignInId kNoId{};

// The module's end: answers each question from the list, and then does as the test wants.
class Module {
 public:
  Module(EventLoop& loop, Fd socket)
      : socket_(std::move(socket)),
        watch_(std::make_unique<runtime::IoWatch>(loop, socket_.get(),
                                                  static_cast<std::uint32_t>(EPOLLIN),
                                                  [this](std::uint32_t) { readable(); })) {}

  void hang_up() {
    watch_.reset();
    socket_.reset();
  }

  std::deque<std::string> answers;
  bool acknowledge = true;
  bool closed_by_daemon = false;
  // It hung up, or it has seen all that the daemon sent, and the end.
  [[nodiscard]] bool is_done() const { return watch_ == nullptr; }
  std::function<void(const DaemonFrame&)> on_frame;
  std::vector<DaemonFrame> frames;
  Fd& socket() { return socket_; }

 private:
  void readable() {
    auto frame = receive_from_daemon(socket_.get());
    if (!frame) {
      closed_by_daemon = true;
      watch_.reset();
      return;
    }
    frames.push_back(*frame);
    if (on_frame) on_frame(*frame);
    if (!socket_) return;
    const bool asked =
        frame->type == FrameType::ask_hidden || frame->type == FrameType::ask_visible;
    if (asked && !answers.empty()) {
      const auto answer = Secret::copy_of(answers.front());
      answers.pop_front();
      assert_true(send_answer(socket_.get(), frame->purpose, *answer).has_value());
    }
    if (frame->type == FrameType::outcome && frame->outcome == Outcome::success && acknowledge)
      assert_true(send_signal(socket_.get(), FrameType::ack).has_value());
  }

  Fd socket_;
  std::unique_ptr<runtime::IoWatch> watch_;
};

struct Stage final : bus::OpenSignIn::Holder {
  Stage() {
    int pair[2];
    assert_int_equal(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
                     0);
    daemons_end.reset(pair[0]);
    module = std::make_unique<Module>(loop, Fd(pair[1]));
  }
  // Opens the sign-in that the world describes now.
  void make_sign_in() {
    opened = std::make_unique<bus::OpenSignIn>(loop, world.services(), world.request(),
                                               std::move(*open.take("alice", world.origin)), this,
                                               kNumber, std::move(daemons_end));
  }
  void run() {
    if (!opened) make_sign_in();
    opened->start();
    assert_int_equal(loop.run(), 0);
    assert_int_equal(ended, 1);
    assert_int_equal(open.count(), 0);
  }
  void script_totp() {
    world.pool.reply_challenge(ChallengeName::software_token_mfa);
    world.pool.reply_tokens();
    module->answers = {"right password", "123456"};
  }
  // Did the sign-in leave a session?
  [[nodiscard]] bool remembered() const { return !world.keeper->sessions_of("alice").empty(); }
  [[nodiscard]] SignInId id() const { return module->frames.back().sign_in_id; }
  [[nodiscard]] bool has_facts(const SignInId& of) const {
    return kept_facts.find(of, "alice", "sshd", world.clock.boot_time()).has_value();
  }

  World world;
  EventLoop& loop = world.loop;
  bool has_room = false;  // for a socket that waits for the account question
  std::vector<SignInId> asked_for;
  std::size_t open_at_account = 99;
  limits::OpenSignIns open;
  sessions::RecentSignIns kept_facts;
  Fd daemons_end;
  std::unique_ptr<Module> module;
  std::unique_ptr<bus::OpenSignIn> opened;
  std::unique_ptr<runtime::Timer> round;
  int ended = 0;
  // So many rounds more that the module's end sees what was sent last.
  void exit_when_module_is_done() {
    round =
        std::make_unique<runtime::Timer>(loop, loop.now() + std::chrono::milliseconds(1), [this] {
          if (module->is_done())
            loop.exit(0);
          else
            exit_when_module_is_done();
        });
  }

 private:
  static constexpr std::uint64_t kNumber = 7;

  sessions::RecentSignIns& recent_sign_ins() override { return kept_facts; }
  runtime::Task<Outcome> decide_account(const sign_in::SignInRequest& request,
                                        const SignInId& sign_in_id) override {
    return answer_account(request.user, sign_in_id);
  }
  runtime::Task<Outcome> answer_account(std::string user, SignInId sign_in_id) {
    assert_text(user, "alice");
    asked_for.push_back(sign_in_id);
    open_at_account = open.count();
    co_return Outcome::account_denied;
  }
  runtime::Level level_of_line(const sign_in::SignInRequest&, runtime::Level level) override {
    return level;
  }
  bool may_wait() override { return has_room; }
  void finished(std::uint64_t number) override {
    assert_int_equal(number, kNumber);
    opened.reset();
    ++ended;
    exit_when_module_is_done();
  }
};

void an_acknowledged_success_is_remembered(void**) {
  Stage stage;
  stage.script_totp();
  stage.run();
  const DaemonFrame& last = stage.module->frames.back();
  assert_true(last.type == FrameType::outcome);
  assert_outcome(last.outcome, Outcome::success);
  assert_true(last.sign_in_id != kNoId);
  assert_true(stage.has_facts(last.sign_in_id));
  const auto sessions = stage.world.keeper->sessions_of("alice");
  assert_int_equal(sessions.size(), 1);
  assert_true(sessions.front().id == last.sign_in_id);
  assert_true(sessions.front().binding.is_same_login(stage.world.binding));
  assert_int_equal(stage.world.revoked.size(), 0);
}

// The name has an account then, and is counted among users with accounts from the next sign-in on.
void a_first_login_makes_its_origin_known_when_it_succeeded(void**) {
  for (const bool acknowledge : {false, true}) {
    Stage stage;
    stage.world.has_stored_account = stage.world.is_first_login = true;
    stage.script_totp();
    stage.module->acknowledge = acknowledge;
    if (!acknowledge)
      stage.module->on_frame = [&](const DaemonFrame& frame) {
        if (frame.type == FrameType::outcome) stage.module->hang_up();
      };
    stage.run();
    assert_int_equal(stage.world.failures.users(), acknowledge ? 1 : 0);
    assert_true(stage.world.failures.knows("alice", World::kAliceUid, stage.world.origin) ==
                acknowledge);
    assert_false(
        stage.world.first_logins.failures.knows("alice", World::kAliceUid, stage.world.origin));
  }
}

// The same socket answers for the account, when no place is taken any more.
void the_account_is_answered_after_the_ack_and_once(void**) {
  Stage stage;
  stage.has_room = true;
  stage.script_totp();
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.type != FrameType::outcome || frame.outcome != Outcome::success) return;
    assert_true(send_signal(stage.module->socket().get(), FrameType::ack).has_value());
    for (int i = 0; i < 2; ++i)
      assert_true(send_signal(stage.module->socket().get(), FrameType::account).has_value());
  };
  stage.module->acknowledge = false;
  stage.run();
  const std::size_t count = stage.module->frames.size();
  const DaemonFrame& success = stage.module->frames.at(count - 2);
  assert_outcome(success.outcome, Outcome::success);
  assert_outcome(stage.module->frames.back().outcome, Outcome::account_denied);
  assert_true(stage.id() == kNoId);
  assert_true(stage.asked_for == std::vector{success.sign_in_id});
  assert_int_equal(stage.open_at_account, 0);
  assert_true(stage.module->closed_by_daemon);
}

void the_account_is_not_answered_before_the_ack(void**) {
  Stage stage;
  stage.has_room = true;
  stage.script_totp();
  stage.module->acknowledge = false;
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.type == FrameType::outcome)
      assert_true(send_signal(stage.module->socket().get(), FrameType::account).has_value());
  };
  stage.run();
  assert_true(stage.asked_for.empty());
  assert_false(stage.remembered());
  assert_int_equal(stage.world.revoked.size(), 1);
}

void a_transaction_that_ends_after_the_ack_frees_the_socket(void**) {
  Stage stage;
  stage.has_room = true;
  stage.script_totp();
  stage.module->acknowledge = false;
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.type != FrameType::outcome) return;
    assert_true(send_signal(stage.module->socket().get(), FrameType::ack).has_value());
    stage.module->hang_up();
  };
  stage.run();
  assert_true(stage.asked_for.empty());
  assert_true(stage.remembered());
}

void too_many_that_wait_are_closed(void**) {
  Stage stage;
  stage.script_totp();
  stage.run();
  assert_true(stage.module->closed_by_daemon);
  assert_true(stage.remembered());
}

void a_success_that_is_declined_leaves_nothing(void**) {
  Stage stage;
  stage.has_room = true;
  stage.script_totp();
  stage.module->acknowledge = false;
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.type == FrameType::outcome)
      assert_true(send_signal(stage.module->socket().get(), FrameType::abort).has_value());
  };
  stage.run();
  assert_false(stage.remembered());
  assert_false(stage.has_facts(stage.id()));
  assert_int_equal(stage.world.revoked.size(), 1);
}

// A session replaces the sign-in: the account phase knows its groups, and nothing new is kept.
void a_reuse_makes_no_session(void**) {
  Stage stage;
  stage.world.service = "sudo";
  stage.world.config->services["sudo"].reauth = policy::Reauth::none;
  const sessions::Session session = stage.world.new_session();
  stage.world.put(session);
  stage.run();
  assert_outcome(stage.module->frames.back().outcome, Outcome::success);
  assert_int_equal(stage.module->frames.size(), 1);
  assert_true(stage.world.pool.calls.empty());
  assert_int_equal(stage.world.keeper->sessions_of("alice").size(), 1);
  assert_true(stage.id() != session.id);
  const auto facts =
      stage.kept_facts.find(stage.id(), "alice", "sudo", stage.world.clock.boot_time());
  assert_true(facts && facts->groups == session.groups);
}

void a_success_that_is_not_acknowledged_does_not_count(void**) {
  Stage stage;
  stage.script_totp();
  stage.module->acknowledge = false;
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.type == FrameType::outcome) stage.module->hang_up();
  };
  stage.run();
  assert_false(stage.remembered());
  assert_int_equal(stage.world.revoked.size(), 1);
}

void something_else_than_an_ack_does_not_count(void**) {
  Stage stage;
  stage.script_totp();
  stage.module->acknowledge = false;
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.type != FrameType::outcome) return;
    const auto answer = Secret::copy_of("yes");
    assert_true(send_answer(stage.module->socket().get(), Purpose::other, *answer).has_value());
  };
  stage.run();
  assert_false(stage.remembered());
}

void a_refusal_says_so_and_gives_no_id(void**) {
  Stage stage;
  stage.world.pool.reply_error(cognito::ErrorKind::not_authorized);
  stage.module->answers = {"wrong password"};
  stage.run();
  assert_true(stage.module->frames.at(1).type == FrameType::error);
  const DaemonFrame& last = stage.module->frames.back();
  assert_outcome(last.outcome, Outcome::refused);
  assert_true(last.sign_in_id == kNoId);
  assert_true(stage.module->closed_by_daemon);
  assert_false(stage.remembered());
}

void a_dead_host_process_ends_it_at_the_prompt(void**) {
  Stage stage;
  stage.module->on_frame = [&](const DaemonFrame&) { stage.module->hang_up(); };
  stage.run();
  assert_true(stage.world.pool.calls.empty());
}

void a_dead_host_process_ends_it_at_the_code(void**) {
  Stage stage;
  stage.script_totp();
  stage.module->answers = {"right password"};
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.purpose == Purpose::code) stage.module->hang_up();
  };
  stage.run();
  assert_text(stage.world.operations(), "sign_in");
  assert_false(stage.remembered());
}

void a_password_change_goes_over_the_same_socket(void**) {
  Stage stage;
  stage.world.goal = sign_in::Goal::change_password;
  stage.script_totp();
  stage.module->answers = {"right password", "123456", "another one", "another one"};
  stage.run();
  std::vector<Purpose> purposes;
  for (const DaemonFrame& frame : stage.module->frames)
    if (frame.type == FrameType::ask_hidden || frame.type == FrameType::ask_visible)
      purposes.push_back(frame.purpose);
  assert_true(purposes == std::vector({Purpose::password, Purpose::code, Purpose::new_password,
                                       Purpose::new_password_again}));
  assert_outcome(stage.module->frames.back().outcome, Outcome::success);
  assert_text(stage.world.operations(),
              "sign_in, respond SOFTWARE_TOKEN_MFA, verify, change_password");
}

// passwd's second pass may never come: nothing must have been changed then.
void a_module_that_stops_before_the_new_password_changes_nothing(void**) {
  Stage stage;
  stage.world.goal = sign_in::Goal::change_password;
  stage.script_totp();
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.purpose == Purpose::new_password) stage.module->hang_up();
  };
  stage.run();
  assert_text(stage.world.operations(), "sign_in, respond SOFTWARE_TOKEN_MFA, verify");
  assert_int_equal(stage.world.revoked.size(), 1);
  assert_false(stage.remembered());
}

// The daemon stops, or turns to another user pool, at `frame`. Returns the module's last frame.
DaemonFrame stopped_at(Stage& stage, const std::function<bool(const DaemonFrame&)>& is_the_frame) {
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (!is_the_frame(frame)) return;
    stage.loop.post([&stage] {
      stage.opened->stop();
      stage.opened.reset();
      stage.exit_when_module_is_done();
    });
  };
  stage.make_sign_in();
  stage.opened->start();
  assert_int_equal(stage.loop.run(), 0);
  assert_int_equal(stage.ended, 0);
  assert_int_equal(stage.open.count(), 0);
  assert_true(stage.module->closed_by_daemon);
  assert_false(stage.remembered());
  return stage.module->frames.back();
}

// A socket that only closes would let the module take the daemon for one that is not there.
void a_daemon_that_stops_says_that_it_failed(void**) {
  Stage at_the_prompt;
  const DaemonFrame said = stopped_at(
      at_the_prompt, [](const DaemonFrame& frame) { return frame.purpose == Purpose::password; });
  assert_true(said.type == FrameType::outcome);
  assert_outcome(said.outcome, Outcome::failed);

  Stage at_the_code;
  at_the_code.script_totp();
  at_the_code.module->answers = {"right password"};
  assert_outcome(stopped_at(at_the_code,
                            [](const DaemonFrame& frame) { return frame.purpose == Purpose::code; })
                     .outcome,
                 Outcome::failed);
}

void a_daemon_that_stops_keeps_nothing_of_a_success_without_an_ack(void**) {
  Stage stage;
  stage.script_totp();
  stage.module->acknowledge = false;
  (void)stopped_at(stage,
                   [](const DaemonFrame& frame) { return frame.outcome == Outcome::success; });
  assert_int_equal(stage.world.revoked.size(), 1);
}

// Sends `bytes` as one datagram, as the module never does.
void send_raw(Module& module, std::string_view bytes) {
  assert_int_equal(::send(module.socket().get(), bytes.data(), bytes.size(), 0), bytes.size());
}

void garbage_ends_it(void**) {
  const std::string long_answer(600, 'x');
  for (const std::string& garbage :
       {std::string("\xff\x01", 2), std::string("x", 1), std::string("\x03\x01hello", 7),
        std::string("\x10\x01pass\0word", 11), std::string("\x12\x00", 2),
        "\x10\x01" + long_answer}) {
    Stage stage;
    stage.module->on_frame = [&](const DaemonFrame& frame) {
      if (frame.type == FrameType::ask_hidden) send_raw(*stage.module, garbage);
    };
    stage.run();
    assert_true(stage.world.pool.calls.empty());
    assert_int_equal(stage.module->frames.size(), 1);  // the question, and no word after that
    assert_true(stage.module->closed_by_daemon);
  }
}

// In the message that is read, and in one that is not. If the loop waited for it, the alarm would
// end this program.
void a_descriptor_that_lingers_holds_nobody_up(void**) {
  for (const std::string& before : {std::string(), std::string("x")}) {
    (void)::alarm(60);
    Stage stage;
    LingeringSocket lingering;
    stage.module->on_frame = [&](const DaemonFrame& frame) {
      if (frame.type != FrameType::ask_hidden) return;
      if (!before.empty()) send_raw(*stage.module, before);
      lingering.send_over(stage.module->socket().get(), "\x10\x01password");
    };
    stage.run();
    assert_true(stage.world.pool.calls.empty());
    assert_true(stage.module->closed_by_daemon);
    (void)::alarm(0);
  }
}

void an_abort_is_a_broken_conversation(void**) {
  Stage stage;
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.type == FrameType::ask_hidden)
      assert_true(send_signal(stage.module->socket().get(), FrameType::abort).has_value());
  };
  stage.run();
  assert_outcome(stage.module->frames.back().outcome, Outcome::conversation_broken);
}

void an_answer_that_nobody_asked_for_ends_it(void**) {
  Stage stage;
  stage.script_totp();
  stage.module->answers.clear();
  stage.module->on_frame = [&](const DaemonFrame& frame) {
    if (frame.purpose != Purpose::password) return;
    const auto password = Secret::copy_of("right password");
    for (int i = 0; i < 3; ++i)
      assert_true(
          send_answer(stage.module->socket().get(), Purpose::password, *password).has_value());
  };
  stage.run();
  // The second one arrives at the code prompt: the password again.
  assert_text(stage.world.operations(), "sign_in");
  for (const DaemonFrame& frame : stage.module->frames)
    assert_false(frame.type == FrameType::outcome && frame.outcome == Outcome::success);
  assert_true(stage.module->closed_by_daemon);
}

}  // namespace
}  // namespace pamcognito::test

int main() {
  using namespace pamcognito::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_acknowledged_success_is_remembered),
      cmocka_unit_test(a_first_login_makes_its_origin_known_when_it_succeeded),
      cmocka_unit_test(the_account_is_answered_after_the_ack_and_once),
      cmocka_unit_test(the_account_is_not_answered_before_the_ack),
      cmocka_unit_test(a_transaction_that_ends_after_the_ack_frees_the_socket),
      cmocka_unit_test(too_many_that_wait_are_closed),
      cmocka_unit_test(a_success_that_is_declined_leaves_nothing),
      cmocka_unit_test(a_reuse_makes_no_session),
      cmocka_unit_test(a_success_that_is_not_acknowledged_does_not_count),
      cmocka_unit_test(something_else_than_an_ack_does_not_count),
      cmocka_unit_test(a_refusal_says_so_and_gives_no_id),
      cmocka_unit_test(a_dead_host_process_ends_it_at_the_prompt),
      cmocka_unit_test(a_dead_host_process_ends_it_at_the_code),
      cmocka_unit_test(a_password_change_goes_over_the_same_socket),
      cmocka_unit_test(a_module_that_stops_before_the_new_password_changes_nothing),
      cmocka_unit_test(a_daemon_that_stops_says_that_it_failed),
      cmocka_unit_test(a_daemon_that_stops_keeps_nothing_of_a_success_without_an_ack),
      cmocka_unit_test(garbage_ends_it),
      cmocka_unit_test(a_descriptor_that_lingers_holds_nobody_up),
      cmocka_unit_test(an_abort_is_a_broken_conversation),
      cmocka_unit_test(an_answer_that_nobody_asked_for_ends_it),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
