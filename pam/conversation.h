#pragma once

#include <security/pam_modules.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <utility>

#include "common/conversation_client.h"
#include "common/deadline.h"
#include "common/fd.h"
#include "common/frame.h"
#include "common/secret.h"
#include "pam/admission.h"
#include "pam/bus_client.h"
#include "pam/result.h"
#include "pam/transaction.h"

namespace pamcognito::pam {

// The host program's conversation function: what stands between the module and the person.
class HostConversation {
 public:
  enum class Error : std::uint8_t {
    cannot_answer,  // no conversation function, it failed, or it gave no answer
    too_long,       // longer than a Secret, or no memory for it
  };

  // `silent`: PAM_SILENT was given; then notices are not shown.
  HostConversation(const Handle& pam, bool silent) noexcept
      : conversation_(pam.conversation()), silent_(silent) {}

  // One call for the notice (may be null) and the question. Every answer that the host allocated is
  // wiped and freed here.
  std::expected<Secret, Error> ask(const DaemonFrame* notice, const DaemonFrame& question) const;
  // The notice alone. Whether anybody saw it does not matter.
  void tell(const DaemonFrame& notice) const;

 private:
  const pam_conv* conversation_;
  bool silent_;
};

// What was typed in this sign-in that later modules may have: passwords, never a code.
class EnteredPasswords {
 public:
  // False: no memory.
  bool note(Purpose purpose, const Secret& answer);
  // Whether this is the password of this sign-in; a caller that answers every prompt alike.
  [[nodiscard]] bool is_password(const Secret& answer) const noexcept;
  [[nodiscard]] bool has_new_password() const noexcept { return new_password_.has_value(); }
  // Sets PAM_AUTHTOK, and PAM_OLDAUTHTOK after a change. Only after a success. False: libpam
  // refused.
  [[nodiscard]] bool set_items(const Handle& pam) const noexcept;
  // Sets PAM_OLDAUTHTOK alone, for a change that is still to come. False: libpam refused.
  [[nodiscard]] bool set_old_password_item(const Handle& pam) const noexcept;

 private:
  std::optional<Secret> password_;
  std::optional<Secret> new_password_;
};

// The password in an answer of the form password+dddddd; nullopt: another form, or no memory.
std::optional<Secret> password_before_code(const Secret& answer) noexcept;

// One sign-in over the private socket: shows what the daemon asks and sends back what is answered,
// until the daemon says how it ended. The daemon is believed in that, and in nothing else: four
// kinds of message and the outcome, a bound on steps and times, and no success without an answer
// given here, unless this process belongs to a login of the user, as sudo does: then a session may
// stand in.
//
// A change of the password is the same conversation in two parts, as libpam calls for it twice. The
// bounds are those of both together.
class Conversation {
 public:
  enum class Goal : std::uint8_t {
    sign_in,
    change_password,  // no success without a new password; the password of an earlier module is in
                      // PAM_OLDAUTHTOK, and a new one that it has asked for in PAM_AUTHTOK
  };

  // The clock starts here.
  Conversation(Handle pam, const Options& options, bool silent, Goal goal, OpenedSignIn opened);
  // A success of the sign-in needs no answer.
  void accept_session() noexcept { needs_answer_ = false; }

  // Runs it once. After a success the daemon has the acknowledgement, sign_in_id() is valid,
  // typed() may be handed over and the socket of a sign-in taken. Every other end closes the
  // socket, after an abort where the daemon may still be waiting.
  PhaseResult run();

  // Runs it up to the first question for a new password, which is not asked yet: the daemon waits
  // for its answer. The error: it came to an end before, as run() does.
  std::expected<void, PhaseResult> run_to_new_password();
  // Asks that question and goes on as run() does, unless an earlier module has asked for the new
  // password: that one is taken first. `silent`: as for the constructor.
  PhaseResult resume(bool silent);

  [[nodiscard]] const SignInId& sign_in_id() const noexcept { return sign_in_id_; }
  // For the question about the account; empty where there was no success.
  [[nodiscard]] Fd take_socket() noexcept { return std::move(socket_); }
  [[nodiscard]] const EnteredPasswords& passwords() const noexcept { return passwords_; }

 private:
  // Answers what is asked, up to the first step that `is_last` says yes to.
  std::expected<ConversationStep, PhaseResult> run_to(
      bool (*is_last)(const ConversationStep&) noexcept);
  // Whether the daemon ended it while it had to wait for an answer.
  [[nodiscard]] bool has_more_from_daemon() const;
  PhaseResult finish(const std::expected<ConversationStep, PhaseResult>& last);
  std::expected<void, PhaseResult> answer_and_wipe(ConversationStep& step);
  std::expected<void, PhaseResult> answer(const ConversationStep& step);
  std::expected<Secret, PhaseResult> get_answer(const ConversationStep& step);
  std::expected<std::optional<Secret>, PhaseResult> new_password_from_stack(
      const ConversationStep& step);
  std::expected<Outcome, PhaseResult> conclude(const ConversationStep& last);

  [[nodiscard]] PhaseResult result_after_hang_up();
  void abort() const noexcept;

  Handle pam_;
  HostConversation host_;
  FirstPass first_pass_;
  bool debug_;
  Goal goal_;
  Fd socket_;
  Deadline deadline_;
  EnteredPasswords passwords_;
  SignInId sign_in_id_{};
  std::optional<ConversationStep> pending_;  // the question for a new password
  int steps_ = 0;
  int new_passwords_ = 0;  // how often the daemon asked for one
  bool asked_ = false;     // anything
  bool answered_ = false;  // an answer went to the daemon
  bool needs_answer_ = true;
  bool asked_more_than_first_password_ = false;
};

// Asks the daemon about the account on a sign-in's socket, after its acknowledgement and once: a
// host that authenticates and asks for the account (sudo) needs one connection to the bus then.
// nullopt: it is not answered there (the daemon was restarted, or is an older one); ask on the bus.
// The deadline's passing is an answer: a failure.
std::optional<PhaseResult> ask_account(int socket, Deadline deadline);

}  // namespace pamcognito::pam
