#pragma once

#include <chrono>
#include <expected>
#include <optional>

#include "common/fd.h"
#include "common/frame.h"
#include "pam/caller.h"
#include "pam/deadline.h"
#include "pam/handle.h"
#include "pam/options.h"
#include "pam/result.h"
#include "pam/typed.h"

namespace pamcognito::pam {

// How long the daemon may take for a step; it allows itself 8 s.
inline constexpr std::chrono::seconds kStepTime{10};
// A sign-in with more steps than this is a daemon gone astray.
inline constexpr int kMaxSteps = 64;

// One sign-in over the private socket: shows what the daemon asks and sends back what is answered,
// until the daemon says how it ended. The daemon is believed in that, and in nothing else: four
// kinds of message and the outcome, a bound on steps and times, and no success without an answer
// given here.
class Conversation {
 public:
  // `socket` and `deadline` come from OpenSignIn; the clock starts here.
  Conversation(Handle pam, const Options& options, bool silent, Fd socket,
               std::chrono::seconds deadline);

  // Runs it once. After a success the daemon has the acknowledgement, sign_in_id() is valid and
  // typed() may be handed over. Every other end closes the socket, after an abort where the daemon
  // may still be waiting.
  Ending run();

  [[nodiscard]] const SignInId& sign_in_id() const noexcept { return sign_in_id_; }
  [[nodiscard]] const Typed& typed() const noexcept { return typed_; }

 private:
  struct Step {
    std::optional<DaemonFrame> notice;
    DaemonFrame main;  // a question or the outcome
  };

  std::expected<Outcome, Ending> run_steps();
  std::expected<Step, Ending> receive_step();
  std::expected<DaemonFrame, Ending> receive_frame(Deadline deadline);
  std::expected<void, Ending> answer(const Step& step);
  std::expected<Secret, Ending> get_answer(const Step& step);
  std::expected<Outcome, Ending> conclude(const DaemonFrame& outcome);

  [[nodiscard]] Ending lost(const char* cause) const;
  [[nodiscard]] Ending lost_while_asking();
  void abort() const noexcept;

  Handle pam_;
  Caller caller_;
  FirstPass first_pass_;
  bool debug_;
  Fd socket_;
  Deadline deadline_;
  Typed typed_;
  SignInId sign_in_id_{};
  bool asked_ = false;     // anything
  bool answered_ = false;  // an answer went to the daemon
  bool asked_more_than_first_password_ = false;
};

}  // namespace pamcognito::pam
