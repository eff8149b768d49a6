// The account phase on the socket of the sign-in, in the same transaction.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/module/check.h"
#include "tests/module/fake_daemon.h"
#include "tests/module/sandbox.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::test;

bool signs_in(Peer& peer) {
  if (!peer.ask(Purpose::password)) return false;
  peer.success();
  return true;
}

// Counts the sockets of this process, except those of the test itself.
int packet_sockets() {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd) {
    int type = 0;
    socklen_t size = sizeof(type);
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET) ++count;
  }
  return count;
}

void every_outcome_has_its_code_without_the_bus(void**) {
  struct Row {
    Outcome outcome;
    int code;
  };
  const Row rows[] = {
      {Outcome::success, PAM_SUCCESS},
      {Outcome::account_denied, PAM_PERM_DENIED},
      {Outcome::account_expired, PAM_ACCT_EXPIRED},
      {Outcome::new_password_needed, PAM_NEW_AUTHTOK_REQD},
      {Outcome::account_unknown, PAM_PERM_DENIED},
      {Outcome::unavailable, PAM_PERM_DENIED},
      {Outcome::failed, PAM_PERM_DENIED},
      {Outcome::unforeseen, PAM_SERVICE_ERR},
      {static_cast<Outcome>(99), PAM_SERVICE_ERR},
  };
  for (const Row& row : rows) {
    FakeDaemon daemon([&row](Peer& peer) {
      signs_in(peer);
      peer.answer_account(row.outcome);
      peer.receive();
    });
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person, {.service = "sudo"});
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    assert_int_equal(packet_sockets(), 1);
    assert_code(transaction.account(), row.code);
    assert_int_equal(packet_sockets(), 0);
    daemon.wait_for_script();
    assert_int_equal(daemon.record().checked, 0);
    assert_text(daemon.record().transcript(), "answer(password)=secret ack account closed");
  }
}

void a_frame_that_is_no_decision_leads_to_the_bus(void**) {
  const FakeDaemon::Script scripts[] = {
      [](Peer& peer) { signs_in(peer); },
      [](Peer& peer) {
        if (signs_in(peer) && peer.receive()) peer.ask_only(Purpose::password);
      },
      [](Peer& peer) {
        if (signs_in(peer) && peer.receive()) peer.info("Welcome");
      },
      [](Peer& peer) {
        if (signs_in(peer) && peer.receive()) peer.raw("\x63\x63");
      },
      [](Peer& peer) {
        if (signs_in(peer) && peer.receive()) peer.raw_with_descriptor("\x05\x01");
      },
      // The outcome of a sign-in has an id.
      [](Peer& peer) {
        if (signs_in(peer) && peer.receive()) peer.outcome(Outcome::success);
      },
      [](Peer& peer) {
        if (!peer.ask(Purpose::password)) return;
        peer.outcome(Outcome::success);
        peer.outcome(Outcome::success);
        peer.receive();
      },
  };
  for (const auto& script : scripts) {
    const FakeDaemon daemon(script, {.account = Outcome::account_denied});
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person);
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    assert_code(transaction.account(), PAM_PERM_DENIED);
    assert_int_equal(daemon.record().checked, 1);
    assert_int_equal(daemon.record().id_size, kSignInIdSize);
    assert_int_equal(packet_sockets(), 0);
  }
}

void a_restarted_cognitod_is_asked_on_the_bus(void**) {
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  {
    const FakeDaemon daemon(signs_in);
    assert_code(transaction.authenticate(), PAM_SUCCESS);
  }
  const FakeDaemon daemon({}, {.account = Outcome::success});
  assert_code(transaction.account(), PAM_SUCCESS);
  assert_int_equal(daemon.record().checked, 1);
  assert_memory_equal(daemon.record().id.data(), kSignInId.data(), kSignInIdSize);
}

void the_socket_is_asked_only_once(void**) {
  FakeDaemon daemon(
      [](Peer& peer) {
        signs_in(peer);
        peer.answer_account(Outcome::success);
      },
      {.account = Outcome::account_denied});
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  assert_code(transaction.account(), PAM_SUCCESS);
  assert_int_equal(daemon.record().checked, 0);
  assert_code(transaction.account(), PAM_PERM_DENIED);
  assert_int_equal(daemon.record().checked, 1);
}

// A timeout proves nothing: it must not lead to a second question on the bus, nor become
// "unavailable".
void a_hanging_cognitod_is_a_failure(void**) {
  FakeDaemon daemon([](Peer& peer) {
    signs_in(peer);
    peer.receive();
    peer.drain();
  });
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  assert_code(transaction.account(), PAM_PERM_DENIED);
  daemon.wait_for_script();
  assert_int_equal(daemon.record().checked, 0);
}

void another_user_or_service_is_asked_on_the_bus(void**) {
  Person nobody;
  const Transaction writes_its_file(kCognitoUser, &nobody, {.service = "cron"});
  for (const int item : {PAM_USER, PAM_SERVICE}) {
    const FakeDaemon daemon([](Peer& peer) {
      signs_in(peer);
      peer.answer_account_in_background(Outcome::account_denied);
    });
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person);
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    transaction.set_item(item, item == PAM_USER ? kPrimaryGroupUser : "cron");
    assert_code(transaction.account(), PAM_SUCCESS);
    assert_int_equal(daemon.record().checked, 1);
    assert_int_equal(daemon.record().id_size, item == PAM_USER ? 0 : kSignInIdSize);
  }
}

void a_forked_child_leaves_the_socket_to_its_parent(void**) {
  const FakeDaemon daemon([](Peer& peer) {
    signs_in(peer);
    peer.answer_account_in_background(Outcome::account_denied);
  });
  Person person{.answers = {"secret"}};
  Transaction transaction(kCognitoUser, &person);
  assert_code(transaction.authenticate(), PAM_SUCCESS);
  Child child([&transaction] {
    if (transaction.account() != PAM_SUCCESS) return 1;  // the answer of the bus
    (void)::pam_end(transaction.get(), PAM_SUCCESS);     // closes its copy without sending anything
    return 0;
  });
  assert_int_equal(child.wait(), 0);
  assert_int_equal(daemon.record().checked, 1);
  assert_code(transaction.account(), PAM_PERM_DENIED);  // the answer of the socket
  assert_int_equal(daemon.record().checked, 1);
}

void the_next_sign_in_and_pam_end_close_the_socket(void**) {
  {
    const FakeDaemon daemon(signs_in);
    Person person{.answers = {"secret", "secret"}};
    Transaction transaction(kCognitoUser, &person);
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    assert_int_equal(packet_sockets(), 1);
    assert_code(transaction.authenticate(), PAM_SUCCESS);
    assert_int_equal(packet_sockets(), 1);
  }
  assert_int_equal(packet_sockets(), 0);
}

void the_socket_is_above_two_and_close_on_exec(void**) {
  const FakeDaemon daemon(signs_in);
  Child child([] {
    Person person{.answers = {"secret"}};
    Transaction transaction(kCognitoUser, &person);
    for (int fd = 0; fd < 3; ++fd) (void)::close(fd);
    if (transaction.authenticate() != PAM_SUCCESS) return 1;
    for (int fd = 0; fd < 3; ++fd)
      if (::fcntl(fd, F_GETFD) >= 0) return 2;
    for (int fd = 3; fd < 64; ++fd) {
      struct stat status{};
      if (::fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) continue;
      if ((::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) return 3;
    }
    return packet_sockets() == 1 ? 0 : 4;
  });
  assert_int_equal(child.wait(), 0);
}

}  // namespace

int main() {
  enter_sandbox();
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_outcome_has_its_code_without_the_bus),
      cmocka_unit_test(a_frame_that_is_no_decision_leads_to_the_bus),
      cmocka_unit_test(a_restarted_cognitod_is_asked_on_the_bus),
      cmocka_unit_test(the_socket_is_asked_only_once),
      cmocka_unit_test(a_hanging_cognitod_is_a_failure),
      cmocka_unit_test(another_user_or_service_is_asked_on_the_bus),
      cmocka_unit_test(a_forked_child_leaves_the_socket_to_its_parent),
      cmocka_unit_test(the_next_sign_in_and_pam_end_close_the_socket),
      cmocka_unit_test(the_socket_is_above_two_and_close_on_exec),
  };
  return cmocka_run_group_tests(tests, start_private_bus, stop_private_bus);
}
