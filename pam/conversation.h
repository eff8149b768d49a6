#pragma once

#include <security/pam_modules.h>

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
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

// The conversation of one sign-in or password change. cognitod asks on a private socket, the host's
// conversation function shows the questions to the user, and the answers go back to cognitod.
namespace pamcognito::pam {

// The conversation function of the host program, through which the module reaches the user.
class HostConversation {
 public:
  enum class Error : std::uint8_t {
    cannot_answer,  // no conversation function, or it has failed or returned no answer
    too_long,       // longer than a Secret, or no memory
  };

  // `silent` is PAM_SILENT: notices are not shown.
  HostConversation(const Handle& pam, bool silent) noexcept
      : conversation_(pam.conversation()), silent_(silent) {}

  // Makes one call for the notice, which may be null, and the question. Wipes and frees every
  // answer that the host has allocated.
  std::expected<Secret, Error> ask(const DaemonFrame* notice, const DaemonFrame& question) const;
  // Shows the notice alone. It does not matter whether the host shows it.
  void tell(const DaemonFrame& notice) const;

 private:
  const pam_conv* conversation_;
  bool silent_;
};

// The passwords that the user has entered in this conversation, for later modules. Codes are never
// kept.
class EnteredPasswords {
 public:
  // Keeps the answer if it is a password. Returns false if there is no memory.
  bool note(Purpose purpose, const Secret& answer);
  // Tells whether this is the password of this sign-in. A host that answers every prompt alike
  // would send it as a code.
  [[nodiscard]] bool is_password(const Secret& answer) const noexcept;
  [[nodiscard]] bool has_new_password() const noexcept { return new_password_.has_value(); }
  // After a success: sets PAM_AUTHTOK, and PAM_OLDAUTHTOK after a change. Returns false if libpam
  // refuses.
  [[nodiscard]] bool set_items(const Handle& pam) const noexcept;
  // Sets only PAM_OLDAUTHTOK, before a change. Returns false if libpam refuses.
  [[nodiscard]] bool set_old_password_item(const Handle& pam) const noexcept;

 private:
  std::optional<Secret> password_;
  std::optional<Secret> new_password_;
};

// Shows one text to the user, unless `silent`.
void tell(const Handle& pam, bool silent, FrameType type, std::string text);

// Returns the password of an answer of the form password+dddddd; nullopt if it has another form or
// there is no memory.
std::optional<Secret> password_before_code(const Secret& answer) noexcept;

// Runs one conversation until cognitod sends the outcome. The module believes the outcome, and
// bounds everything else: four types of message and the outcome, at most kMaxSteps steps, and
// deadlines. A success without an answer is accepted only if this process runs in a login of the
// user, as sudo does, because a session may then replace the sign-in.
//
// A password change is one conversation in two parts, because libpam calls twice. Its bounds hold
// for both parts together.
class Conversation {
 public:
  enum class Goal : std::uint8_t {
    sign_in,
    // A success needs a new password. PAM_OLDAUTHTOK is the password of an earlier module, and
    // PAM_AUTHTOK a new one that it has asked for.
    change_password,
  };

  // The deadline of the conversation starts here.
  Conversation(Handle pam, const Options& options, bool silent, Goal goal, OpenedSignIn opened);
  // Accepts a success without an answer.
  void accept_session() noexcept { needs_answer_ = false; }
  // Accepts a success only if `check` returns no error. It is called before the acknowledgement.
  void accept_only_if(std::function<std::expected<void, PhaseResult>()> check) {
    check_ = std::move(check);
  }

  // Runs the conversation once. After a success cognitod has the acknowledgement, and sign_in_id(),
  // passwords() and, for a sign-in, take_socket() may be used. Every other result closes the
  // socket, after an abort if cognitod may still be waiting.
  PhaseResult run();

  // Runs until cognitod waits for a new password; the question is not asked yet. The error is the
  // result of a conversation that has ended before.
  std::expected<void, PhaseResult> run_to_new_password();
  // Asks that question, or answers it with the new password of an earlier module, and continues as
  // run() does. `silent` is as in the constructor.
  PhaseResult resume(bool silent);

  [[nodiscard]] const SignInId& sign_in_id() const noexcept { return sign_in_id_; }
  // For the account question; empty without a success.
  [[nodiscard]] Fd take_socket() noexcept { return std::move(socket_); }
  [[nodiscard]] const EnteredPasswords& passwords() const noexcept { return passwords_; }

 private:
  // Answers questions until `is_last` accepts a step, and returns that step.
  std::expected<ConversationStep, PhaseResult> run_to(
      bool (*is_last)(const ConversationStep&) noexcept);
  // Tells whether cognitod has ended the conversation instead of waiting for an answer.
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
  int new_passwords_ = 0;  // how often cognitod has asked for one
  bool asked_ = false;     // cognitod has asked something
  bool answered_ = false;  // an answer was sent to cognitod
  bool needs_answer_ = true;
  std::function<std::expected<void, PhaseResult>()> check_;
  bool asked_more_than_first_password_ = false;
};

// Asks cognitod for the account decision on the socket of a sign-in, once and after its
// acknowledgement. So a host that authenticates and then checks the account (sudo) connects to the
// bus once. Returns nullopt if cognitod does not answer here, because it was restarted or is an
// older version; the caller then asks on the bus. A passed deadline is a result: a failure.
std::optional<PhaseResult> ask_account(int socket, Deadline deadline);

}  // namespace pamcognito::pam
