// A cognitod that dies, closes the socket, hangs, is late or sends malformed frames, at each step
// of a sign-in.

#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;
using std::string_literals::operator""s;

// The point of a sign-in at which something happens.
enum class Step : unsigned char { before_password, after_password, after_code };
constexpr Step kSteps[] = {Step::before_password, Step::after_password, Step::after_code};

const char* name_of(Step step) {
  switch (step) {
    case Step::before_password:
      return "before the password";
    case Step::after_password:
      return "after the password";
    case Step::after_code:
      return "after the code";
  }
  return "?";
}

void go_to(Step step, Peer& peer) {
  if (step >= Step::after_password) peer.ask(Purpose::password);
  if (step >= Step::after_code) peer.ask(Purpose::code, "Code: ");
}

int sign_in(const FakeDaemon::Script& script, const FakeDaemonSettings& settings = {}) {
  FakeDaemon daemon(script, settings);
  Person person{.answers = {"secret", "123456", "more"}};
  Transaction transaction(kCognitoUser, &person);
  return transaction.authenticate();
}

// "Unavailable" would permit a local password to any user who can make cognitod end.
void a_cognitod_that_dies_or_hangs_up_is_a_failure(void**) {
  for (const Step step : kSteps) {
    print_message("%s\n", name_of(step));
    assert_code(sign_in([step](Peer& peer) {
                  go_to(step, peer);
                  Peer::die();
                }),
                PAM_AUTH_ERR);
    assert_code(sign_in([step](Peer& peer) {
                  go_to(step, peer);
                  peer.hang_up();
                }),
                PAM_AUTH_ERR);
    assert_code(sign_in([step](Peer& peer) {
                  go_to(step, peer);
                  peer.info("and then nothing");
                }),
                PAM_AUTH_ERR);
  }
}

void malformed_frames_are_never_unavailable(void**) {
  const std::string outcome = "\x05\x00"s;
  const std::string id(kSignInIdSize, 'i');
  const std::string garbage[] = {
      "\x01"s,          // no purpose
      "\x63\x00text"s,  // unknown type
      "\x03\x63text"s,  // unknown purpose
      "\x10\x01"s
      "answer",                                      // only the module sends this type
      "\x12\x00"s,                                   // likewise
      "\x03\x01with\0nul"s,                          //
      outcome,                                       // without payload
      outcome + "\x01",                              // without an id
      outcome + "\x01" + id + "x",                   // too long
      "\x01\x00"s + std::string(kMaxText + 1, 'l'),  // longer than a datagram may be
  };
  for (const Step step : kSteps)
    for (const std::string& datagram : garbage)
      assert_code(sign_in([&](Peer& peer) {
                    go_to(step, peer);
                    peer.raw(datagram);
                    peer.receive();
                  }),
                  PAM_SERVICE_ERR);
}

void descriptors_and_second_notices_are_malformed(void**) {
  for (const Step step : kSteps) {
    assert_code(sign_in([step](Peer& peer) {
                  go_to(step, peer);
                  peer.raw_with_descriptor("\x03\x01Password: ");
                  peer.receive();
                }),
                PAM_SERVICE_ERR);
    assert_code(sign_in([step](Peer& peer) {
                  go_to(step, peer);
                  peer.info("one");
                  peer.error("two");
                  peer.ask(Purpose::other, "question");
                }),
                PAM_SERVICE_ERR);
  }
}

// cognitod ends while the user types.
int lost_while_typing(std::size_t question, const FakeDaemonSettings& settings,
                      const std::function<void(Peer&)>& last_words = {}) {
  FakeDaemon daemon(
      [&](Peer& peer) {
        if (question > 0) peer.ask(Purpose::password);
        peer.ask_only(question > 0 ? Purpose::code : Purpose::password);
        if (last_words) last_words(peer);
      },
      settings);
  Person person{.answers = {"secret", "123456"}};
  person.before_answering = [&](std::size_t asked) {
    if (asked == question) daemon.wait_for_script();
  };
  Transaction transaction(kCognitoUser, &person);
  return transaction.authenticate();
}

void a_cognitod_lost_at_an_open_prompt_is_a_failure(void**) {
  assert_code(lost_while_typing(0, {}), PAM_AUTH_ERR);
  assert_code(lost_while_typing(1, {}), PAM_AUTH_ERR);
  const auto says = [](Outcome outcome) {
    return [outcome](Peer& peer) { peer.outcome(outcome); };
  };
  assert_code(lost_while_typing(0, {}, says(Outcome::failed)), PAM_AUTH_ERR);
  assert_code(lost_while_typing(0, {}, says(Outcome::tries_exhausted)), PAM_MAXTRIES);
  assert_code(lost_while_typing(0, {}, says(Outcome::unavailable)), PAM_AUTHINFO_UNAVAIL);
  assert_code(lost_while_typing(1, {}, says(Outcome::unavailable)), PAM_AUTH_ERR);
  assert_true(lost_while_typing(1, {}, says(Outcome::success)) != PAM_SUCCESS);
}

// A user who is slow on purpose must not get access with a local password.
void a_passed_deadline_is_never_unavailable(void**) {
  assert_code(lost_while_typing(0, {.deadline_s = 0}), PAM_AUTH_ERR);
  assert_code(lost_while_typing(0, {.deadline_s = 1}), PAM_AUTH_ERR);
  assert_code(lost_while_typing(1, {.deadline_s = 1}), PAM_AUTH_ERR);
  // The daemon does not answer until its own deadline has passed.
  for (const Step step : kSteps)
    assert_code(sign_in(
                    [step](Peer& peer) {
                      go_to(step, peer);
                      peer.receive();
                    },
                    {.deadline_s = 1}),
                PAM_AUTH_ERR);
}

// The module waits at most ten seconds for a step. The cases wait in parallel, each with its own
// bus and daemon.
void a_hanging_cognitod_is_bounded_to_ten_seconds(void**) {
  enum class Manner : unsigned char { hangs, is_stopped, hangs_after_a_notice };
  struct Case {
    Step step;
    Manner manner;
    Child child;
  };
  std::vector<Case> cases;
  for (const Step step : kSteps)
    for (const Manner manner : {Manner::hangs, Manner::is_stopped, Manner::hangs_after_a_notice})
      cases.push_back({step, manner, Child([step, manner] {
                         (void)::alarm(120);
                         enter_sandbox();
                         const PrivateBus own_bus;
                         return sign_in([step, manner](Peer& peer) {
                           go_to(step, peer);
                           if (manner == Manner::is_stopped) (void)::raise(SIGSTOP);
                           if (manner == Manner::hangs_after_a_notice) peer.info("wait");
                           Peer::hang();
                         });
                       })});
  for (Case& one : cases) {
    print_message("%s, manner %d\n", name_of(one.step), static_cast<int>(one.manner));
    assert_code(one.child.wait(), PAM_AUTH_ERR);  // silence does not prove absence
  }
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_cognitod_that_dies_or_hangs_up_is_a_failure),
      cmocka_unit_test(malformed_frames_are_never_unavailable),
      cmocka_unit_test(descriptors_and_second_notices_are_malformed),
      cmocka_unit_test(a_cognitod_lost_at_an_open_prompt_is_a_failure),
      cmocka_unit_test(a_passed_deadline_is_never_unavailable),
      cmocka_unit_test(a_hanging_cognitod_is_bounded_to_ten_seconds),
  };
  return cmocka_run_group_tests(tests, start_private_bus, stop_private_bus);
}
