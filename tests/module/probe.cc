// A module for the stacks of the tests. Its arguments:
//
// leave=TEXT sets PAM_AUTHTOK, or in a password change PAM_OLDAUTHTOK, as an earlier module does
// that has asked for a password.
//
// ignored returns PAM_CRED_INSUFFICIENT, so that a stack shows that the module before was ignored.
//
// note writes the tokens into the PAM environment for the host to read, as NOTED, and those of
// PAM_PRELIM_CHECK as NOTED_FIRST.
//
// later=SECONDS sets PASSED_SECONDS in the environment of the process, for a test that replaces the
// clock.
//
// In PAM_PRELIM_CHECK only: fail_first returns PAM_PERM_DENIED; await_first=FIFO waits until
// another process has opened the FIFO for writing and has closed it; user_first=NAME sets PAM_USER.
//
// In PAM_UPDATE_AUTHTOK only: new=TEXT sets PAM_AUTHTOK, as pam_pwquality does.

#include <fcntl.h>
#include <security/pam_modules.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::string item(pam_handle_t* pamh, int number) {
  const void* value = nullptr;
  if (::pam_get_item(pamh, number, &value) != PAM_SUCCESS || value == nullptr) return "-";
  return static_cast<const char*>(value);
}

void await(const char* fifo) {
  const int fd = ::open(fifo, O_RDONLY | O_CLOEXEC);
  char byte = 0;
  (void)!::read(fd, &byte, 1);
  (void)::close(fd);
}

int act(pam_handle_t* pamh, int argc, const char** argv, int token = PAM_AUTHTOK,
        bool first = false) {
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "ignored") return PAM_CRED_INSUFFICIENT;
    if (argument.starts_with("leave="))
      (void)::pam_set_item(pamh, token, argument.substr(6).data());
    if (argument.starts_with("later="))
      (void)::setenv("PASSED_SECONDS", argument.substr(6).data(), 1);
    if (first && argument == "fail_first") return PAM_PERM_DENIED;
    if (first && argument.starts_with("await_first=")) await(argument.substr(12).data());
    if (first && argument.starts_with("user_first="))
      (void)::pam_set_item(pamh, PAM_USER, argument.substr(11).data());
    if (argument == "note") {
      const std::string noted = std::string(first ? "NOTED_FIRST" : "NOTED") +
                                "=AUTHTOK=" + item(pamh, PAM_AUTHTOK) +
                                " OLDAUTHTOK=" + item(pamh, PAM_OLDAUTHTOK);
      (void)::pam_putenv(pamh, noted.c_str());
    }
  }
  return PAM_SUCCESS;
}

}  // namespace

#define PROBE_EXPORT extern "C" __attribute__((visibility("default")))

PROBE_EXPORT int pam_sm_authenticate(pam_handle_t* pamh, int, int argc, const char** argv) {
  return act(pamh, argc, argv);
}
PROBE_EXPORT int pam_sm_setcred(pam_handle_t* pamh, int, int argc, const char** argv) {
  return act(pamh, argc, argv);
}
PROBE_EXPORT int pam_sm_acct_mgmt(pam_handle_t* pamh, int, int argc, const char** argv) {
  return act(pamh, argc, argv);
}
PROBE_EXPORT int pam_sm_chauthtok(pam_handle_t* pamh, int flags, int argc, const char** argv) {
  if ((static_cast<unsigned>(flags) & PAM_UPDATE_AUTHTOK) != 0)
    for (int i = 0; i < argc; ++i)
      if (const std::string_view argument = argv[i]; argument.starts_with("new="))
        (void)::pam_set_item(pamh, PAM_AUTHTOK, argument.substr(4).data());
  return act(pamh, argc, argv, PAM_OLDAUTHTOK,
             (static_cast<unsigned>(flags) & PAM_PRELIM_CHECK) != 0);
}
PROBE_EXPORT int pam_sm_open_session(pam_handle_t* pamh, int, int argc, const char** argv) {
  return act(pamh, argc, argv);
}
PROBE_EXPORT int pam_sm_close_session(pam_handle_t* pamh, int, int argc, const char** argv) {
  return act(pamh, argc, argv);
}
