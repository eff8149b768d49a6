#pragma once

#include <security/pam_appl.h>
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace pamcognito::test {

// The user at the terminal, and the way in which the host program returns the answers.
struct Person {
  enum class Manner : unsigned char { answers, fails, gives_no_responses, gives_a_null_answer };

  std::vector<std::string> answers = {};  // one per question; after the last one the host fails
  // Every byte of the answers is XORed with this, so that the test itself has no plain copy.
  char disguise = 0;
  Manner manner = Manner::answers;
  std::function<void(std::size_t question)> before_answering = {};  // 0 for the first question
  std::function<void()> on_notice = {};                             // a text without an answer

  // One part for each conv() call, such as "info(…) hidden(Password: ) | visible(…)".
  std::string seen = {};
  std::size_t questions = 0;
};

// The stack around the module.
struct Stack {
  std::string options = {};         // of the module
  std::string first_password = {};  // if set_first: left in PAM_AUTHTOK by an earlier module,
                                    // or in PAM_OLDAUTHTOK before a password change
  bool set_first = false;
  std::string service = "sshd";
  bool notes_tokens = true;       // for tokens_handed_over()
  bool with_conversation = true;  // if false, pam_conv.conv is null
  // Modules around the tested one in a password change.
  std::string before_password = {};                                        // arguments of the probe
  std::string password_control = "[success=1 ignore=ignore default=die]";  // of the module
  std::string after_password_check = {};  // arguments of the probe (probe.cc)
  // The local password is right: if the module is unavailable, its line `emergency` follows.
  bool local_password = false;
  std::string before_emergency = {};  // arguments of the probe before that line
  bool routed_after_auth = false;     // the module's line of the account stack is `route`
};

// Means PAM_IGNORE of the module, which libpam does not return to the host.
inline constexpr int kIgnored = PAM_CRED_INSUFFICIENT;

// One PAM transaction of a host program. The real libpam loads the tested module.
class Transaction {
 public:
  Transaction(const char* user, Person* person, const Stack& stack = {});
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  // The code of the module; kIgnored for PAM_IGNORE.
  int authenticate(int flags = 0);
  int account(int flags = 0);
  // Makes both calls. `flags` may be PAM_CHANGE_EXPIRED_AUTHTOK and PAM_SILENT.
  int change_password(int flags = 0);
  int set_credentials();
  int open_session(int flags = 0);
  int close_session(int flags = 0);

  // A variable of the PAM environment; "" if it is not set.
  [[nodiscard]] std::string variable(const char* name) const;
  void set_variable(const std::string& assignment);

  void set_item(int number, const char* value);
  // The tokens that a later module has found after the last success: "AUTHTOK=… OLDAUTHTOK=…".
  [[nodiscard]] std::string tokens_handed_over() const;
  // The same after the first call of a password change.
  [[nodiscard]] std::string tokens_after_first_pass() const;
  // The delay in microseconds that the last failure has requested, or 0. The test does not wait for
  // it.
  [[nodiscard]] static unsigned last_delay();

  [[nodiscard]] pam_handle_t* get() const { return pamh_; }

 private:
  pam_conv conversation_{};
  pam_handle_t* pamh_ = nullptr;
};

// Gives this process the real uid of a user, as passwd(1) has it. The destructor restores root.
class RealUid {
 public:
  explicit RealUid(uid_t uid);
  RealUid(const RealUid&) = delete;
  RealUid& operator=(const RealUid&) = delete;
  ~RealUid();
};

// The name of a PAM code, for messages.
const char* code_name(int code);

}  // namespace pamcognito::test
