#include "tests/module/host.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/module/sandbox.h"

namespace pamcognito::test {
namespace {

constexpr char kConfigurations[] = "/run/pam-test";

unsigned recorded_delay = 0;

// PAM_FAIL_DELAY: records the delay and does not wait.
void note_delay(int code, unsigned usec, void* /*appdata*/) {
  if (code != PAM_SUCCESS) recorded_delay = usec;
}

const char* style_name(int style) {
  switch (style) {
    case PAM_PROMPT_ECHO_OFF:
      return "hidden";
    case PAM_PROMPT_ECHO_ON:
      return "visible";
    case PAM_ERROR_MSG:
      return "error";
    case PAM_TEXT_INFO:
      return "info";
    default:
      return "?";
  }
}

char* undisguised(const Person& person, std::size_t question) {
  char* answer = ::strdup(person.answers[question].c_str());
  for (char* c = answer; *c != '\0'; ++c) *c = static_cast<char>(*c ^ person.disguise);
  return answer;
}

int converse(int count, const pam_message** messages, pam_response** responses, void* data) {
  auto& person = *static_cast<Person*>(data);
  if (!person.seen.empty()) person.seen += " | ";
  auto* answers = static_cast<pam_response*>(
      std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  int result = PAM_SUCCESS;
  for (int i = 0; i < count; ++i) {
    const pam_message& message = *messages[i];
    if (i > 0) person.seen += " ";
    person.seen.append(style_name(message.msg_style)).append("(").append(message.msg).append(")");
    if (message.msg_style != PAM_PROMPT_ECHO_OFF && message.msg_style != PAM_PROMPT_ECHO_ON) {
      if (person.on_notice) person.on_notice();
      continue;
    }
    const std::size_t question = person.questions++;
    if (person.before_answering) person.before_answering(question);
    if (person.manner == Person::Manner::fails || question >= person.answers.size())
      result = PAM_CONV_ERR;
    else if (person.manner == Person::Manner::answers)
      answers[i].resp = undisguised(person, question);
  }
  if (result != PAM_SUCCESS || person.manner == Person::Manner::gives_no_responses) {
    std::free(answers);
    *responses = nullptr;
  } else {
    *responses = answers;
  }
  return result;
}

// pam_test_probe.so plays the other modules of the stack: it sets and reads tokens, and turns
// PAM_IGNORE of the module into a code that libpam passes on.
void write_service(const Stack& stack) {
  const std::string probe = PAM_COGNITO_TEST_PROBE;
  const std::string module = std::string(PAM_COGNITO_TEST_MODULE) + " " + stack.options + "\n";
  std::string text;
  if (stack.set_first) text += "auth optional " + probe + " leave=" + stack.first_password + "\n";
  text += std::string("auth [success=") + (stack.local_password ? "3 authinfo_unavail=1" : "1") +
          " ignore=ignore default=die] " + module;
  text += "auth [default=die] " + probe + " ignored\n";
  if (stack.local_password)
    text += "auth optional " + probe + " " + stack.before_emergency +
            "\nauth [success=ok default=die] " PAM_COGNITO_TEST_MODULE " emergency\n";
  const std::string account = stack.routed_after_auth ? PAM_COGNITO_TEST_MODULE " route\n" : module;
  text += "auth required " + probe + (stack.notes_tokens ? " note\n" : "\n");
  text += "account [success=1 new_authtok_reqd=die ignore=ignore default=die] " + account;
  text += "account [default=die] " + probe + " ignored\n";
  text += "account required " + probe + "\n";
  if (stack.set_first)
    text += "password optional " + probe + " leave=" + stack.first_password + "\n";
  if (!stack.before_password.empty())
    text += "password requisite " + probe + " " + stack.before_password + "\n";
  text += "password " + stack.password_control + " " + module;
  text += "password [default=die] " + probe + " ignored\n";
  text += "password required " + probe + " " + stack.after_password_check +
          (stack.notes_tokens ? " note\n" : "\n");
  text += "session [success=1 ignore=ignore default=die] " + module;
  text += "session [default=die] " + probe + " ignored\n";
  text += "session required " + probe + "\n";
  (void)::mkdir(kConfigurations, 0755);
  write_file(std::string(kConfigurations) + "/" + stack.service, text);
  // libpam needs this one too and writes to syslog otherwise.
  write_file(std::string(kConfigurations) + "/other", "auth requisite " + probe + " ignored\n");
}

}  // namespace

Transaction::Transaction(const char* user, Person* person, const Stack& stack) {
  write_service(stack);
  conversation_.conv = stack.with_conversation ? &converse : nullptr;
  conversation_.appdata_ptr = person;
  const int code =
      ::pam_start_confdir(stack.service.c_str(), user, &conversation_, kConfigurations, &pamh_);
  if (code != PAM_SUCCESS) {
    std::fprintf(stderr, "pam_start: %s\n", code_name(code));
    std::abort();
  }
  recorded_delay = 0;
  void (*delay)(int, unsigned, void*) = &note_delay;
  (void)::pam_set_item(pamh_, PAM_FAIL_DELAY, reinterpret_cast<const void*>(delay));
}

Transaction::~Transaction() {
  (void)::pam_end(pamh_, PAM_SUCCESS);
}

int Transaction::authenticate(int flags) {
  return ::pam_authenticate(pamh_, flags);
}
int Transaction::account(int flags) {
  return ::pam_acct_mgmt(pamh_, flags);
}
int Transaction::change_password(int flags) {
  return ::pam_chauthtok(pamh_, flags);
}
int Transaction::set_credentials() {
  return ::pam_setcred(pamh_, PAM_ESTABLISH_CRED);
}

int Transaction::open_session(int flags) {
  return ::pam_open_session(pamh_, flags);
}
int Transaction::close_session(int flags) {
  return ::pam_close_session(pamh_, flags);
}

std::string Transaction::variable(const char* name) const {
  const char* value = ::pam_getenv(pamh_, name);
  return value != nullptr ? value : "";
}

void Transaction::set_variable(const std::string& assignment) {
  if (::pam_putenv(pamh_, assignment.c_str()) != PAM_SUCCESS) std::abort();
}

void Transaction::set_item(int number, const char* value) {
  if (::pam_set_item(pamh_, number, value) != PAM_SUCCESS) std::abort();
}

std::string Transaction::tokens_handed_over() const {
  return variable("NOTED");
}

std::string Transaction::tokens_after_first_pass() const {
  return variable("NOTED_FIRST");
}

unsigned Transaction::last_delay() {
  return recorded_delay;
}

RealUid::RealUid(uid_t uid) {
  if (::setresuid(uid, 0, 0) != 0) std::abort();
}

RealUid::~RealUid() {
  if (::setresuid(0, 0, 0) != 0) std::abort();
}

const char* code_name(int code) {
  switch (code) {
    case PAM_SUCCESS:
      return "PAM_SUCCESS";
    case PAM_SERVICE_ERR:
      return "PAM_SERVICE_ERR";
    case PAM_PERM_DENIED:
      return "PAM_PERM_DENIED";
    case PAM_AUTH_ERR:
      return "PAM_AUTH_ERR";
    case PAM_AUTHINFO_UNAVAIL:
      return "PAM_AUTHINFO_UNAVAIL";
    case PAM_MAXTRIES:
      return "PAM_MAXTRIES";
    case PAM_NEW_AUTHTOK_REQD:
      return "PAM_NEW_AUTHTOK_REQD";
    case PAM_CRED_ERR:
      return "PAM_CRED_ERR";
    case PAM_ACCT_EXPIRED:
      return "PAM_ACCT_EXPIRED";
    case PAM_AUTHTOK_ERR:
      return "PAM_AUTHTOK_ERR";
    case PAM_AUTHTOK_RECOVERY_ERR:
      return "PAM_AUTHTOK_RECOVERY_ERR";
    case PAM_TRY_AGAIN:
      return "PAM_TRY_AGAIN";
    case PAM_CONV_ERR:
      return "PAM_CONV_ERR";
    case PAM_IGNORE:
      return "PAM_IGNORE";
    case kIgnored:
      return "PAM_IGNORE (the module's)";
    default:
      return "another code";
  }
}

}  // namespace pamcognito::test
