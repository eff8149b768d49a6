#pragma once

#include <security/pam_appl.h>
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace pamcognito::test {

// The person at the terminal, and how the host program lets them answer.
struct Person {
  enum class Manner : unsigned char { answers, fails, gives_no_responses, gives_a_null_answer };

  std::vector<std::string> answers =
      {};  // one per question, in turn; then the manner's end is "fails"
  // The answers stand here with each byte XORed with this, so that the test itself keeps no plain
  // copy.
  char disguise = 0;
  Manner manner = Manner::answers;
  std::function<void(std::size_t question)> before_answering = {};  // 0 for the first question
  std::function<void()> on_notice = {};                             // a text that wants no answer

  // "info(…) hidden(Password: ) | visible(…)": one part per conv() call.
  std::string seen = {};
  std::size_t questions = 0;
};

// What the stack around the module does, beyond the module itself.
struct Stack {
  std::string options = {};         // the module's
  std::string first_password = {};  // what an earlier module left in PAM_AUTHTOK, or before a
                                    // change of the password in PAM_OLDAUTHTOK, if set_first
  bool set_first = false;
  std::string service = "sshd";
  bool notes_tokens = true;       // for tokens_handed_over()
  bool with_conversation = true;  // false: pam_conv.conv is null
  // A change of the password: what the modules around ours do.
  std::string before_password = {};                                        // arguments of the probe
  std::string password_control = "[success=1 ignore=ignore default=die]";  // ours
  std::string after_password_check = {};  // arguments of the probe (probe.cc)
  // The local password is right: where the module is unavailable, its line `emergency` follows.
  bool local_password = false;
  std::string before_emergency = {};  // arguments of the probe, in front of that line
  bool routed_after_auth = false;  // the module's line of the account stack is `route`
};

// Means that the module answered PAM_IGNORE, which libpam does not hand to the host.
inline constexpr int kIgnored = PAM_CRED_INSUFFICIENT;

// One PAM transaction of a host program, with the module under test loaded by the real libpam.
class Transaction {
 public:
  Transaction(const char* user, Person* person, const Stack& stack = {});
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  // The module's own code, PAM_IGNORE as kIgnored.
  int authenticate(int flags = 0);
  int account(int flags = 0);
  // Both passes; PAM_CHANGE_EXPIRED_AUTHTOK and PAM_SILENT may be given.
  int change_password(int flags = 0);
  int set_credentials();
  int open_session(int flags = 0);
  int close_session(int flags = 0);

  // The PAM environment; "" where there is no such variable.
  [[nodiscard]] std::string variable(const char* name) const;
  void set_variable(const std::string& assignment);

  void set_item(int number, const char* value);
  // What a later module of the stack found after the last success: "AUTHTOK=… OLDAUTHTOK=…".
  [[nodiscard]] std::string tokens_handed_over() const;
  // The same after the first pass of a change of the password.
  [[nodiscard]] std::string tokens_after_first_pass() const;
  // The delay in microseconds that the last failure asked for; 0: none. Nobody waits for it.
  [[nodiscard]] static unsigned last_delay();

  [[nodiscard]] pam_handle_t* get() const { return pamh_; }

 private:
  pam_conv conversation_{};
  pam_handle_t* pamh_ = nullptr;
};

// This process with the real uid of a user, as passwd(1) has it; root again in the end.
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
