// A PAM module under another module's name, for the table test of the PAM profile. It accepts one
// password for every user from uid 1000 on and writes each call into a log. SPY_NAME is the name.

#include <fcntl.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <unistd.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace {

constexpr char kPassword[] = "Other-Pass-1";
constexpr char kLog[] = "/var/log/pam-spy.log";
constexpr uid_t kFirstUser = 1000;  // minimum_uid of libpam-krb5's profile

using Arguments = std::span<const char* const>;

bool has(Arguments arguments, std::string_view wanted) {
  for (const char* argument : arguments)
    if (wanted == argument) return true;
  return false;
}

std::string user_of(pam_handle_t* pamh) {
  const char* user = nullptr;
  return ::pam_get_user(pamh, &user, nullptr) == PAM_SUCCESS && user != nullptr ? user : "";
}

void note(pam_handle_t* pamh, std::string_view call) {
  const std::string line = std::string(SPY_NAME " ").append(call) + " " + user_of(pamh) + "\n";
  const int log = ::open(kLog, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (log < 0) return;
  (void)!::write(log, line.data(), line.size());
  (void)::close(log);
}

bool is_known(pam_handle_t* pamh) {
  const passwd* entry = ::getpwnam(user_of(pamh).c_str());
  return entry != nullptr && entry->pw_uid >= kFirstUser;
}

// The password that an earlier module asked for, or one that this module asks for.
std::string password_of(pam_handle_t* pamh, Arguments arguments) {
  const void* given = nullptr;
  (void)::pam_get_item(pamh, PAM_AUTHTOK, &given);
  const bool is_first = has(arguments, "use_first_pass");
  if (given != nullptr && (is_first || has(arguments, "try_first_pass"))) {
    if (is_first || std::string_view(static_cast<const char*>(given)) == kPassword)
      return static_cast<const char*>(given);
  }
  if (is_first) return "";
  char* answer = nullptr;
  if (::pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &answer, "Password of " SPY_NAME ": ") !=
          PAM_SUCCESS ||
      answer == nullptr)
    return "";
  std::string typed(answer);
  ::free(answer);
  return typed;
}

}  // namespace

#define SPY_EXPORT extern "C" __attribute__((visibility("default")))

SPY_EXPORT int pam_sm_authenticate(pam_handle_t* pamh, int /*flags*/, int argc, const char** argv) {
  note(pamh, "authenticate");
  if (!is_known(pamh)) return PAM_USER_UNKNOWN;
  const Arguments arguments(argv, static_cast<std::size_t>(argc));
  return password_of(pamh, arguments) == kPassword ? PAM_SUCCESS : PAM_AUTH_ERR;
}

SPY_EXPORT int pam_sm_setcred(pam_handle_t* /*pamh*/, int /*flags*/, int /*argc*/,
                              const char** /*argv*/) {
  return PAM_SUCCESS;
}

// pam_krb5 ignores accounts that it has not signed in; pam_sss and pam_winbind know theirs only.
SPY_EXPORT int pam_sm_acct_mgmt(pam_handle_t* pamh, int /*flags*/, int /*argc*/,
                                const char** /*argv*/) {
  note(pamh, "account");
  return std::string_view(SPY_NAME) == "pam_krb5" ? PAM_IGNORE : PAM_USER_UNKNOWN;
}

// As pam_pwquality does: it asks for the new password and hands it on. Other modules change
// nothing.
SPY_EXPORT int pam_sm_chauthtok(pam_handle_t* pamh, int flags, int /*argc*/,
                                const char** /*argv*/) {
  note(pamh, "password");
  if (std::string_view(SPY_NAME) != "pam_pwquality") return PAM_USER_UNKNOWN;
  const char* password = nullptr;
  if ((static_cast<unsigned>(flags) & PAM_UPDATE_AUTHTOK) == 0) return PAM_SUCCESS;
  return ::pam_get_authtok(pamh, PAM_AUTHTOK, &password, nullptr);
}

SPY_EXPORT int pam_sm_open_session(pam_handle_t* /*pamh*/, int /*flags*/, int /*argc*/,
                                   const char** /*argv*/) {
  return PAM_SUCCESS;
}

SPY_EXPORT int pam_sm_close_session(pam_handle_t* /*pamh*/, int /*flags*/, int /*argc*/,
                                    const char** /*argv*/) {
  return PAM_SUCCESS;
}
