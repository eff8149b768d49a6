// A module for the tests' stacks. Arguments: leave=TEXT sets PAM_AUTHTOK, as an earlier module that
// asked for a password does; ignored answers PAM_CRED_INSUFFICIENT, so that a stack tells that the
// module before it was ignored; note puts the tokens into the PAM environment for the host to read.

#include <security/pam_modules.h>

#include <string>
#include <string_view>

namespace {

std::string item(pam_handle_t* pamh, int number) {
  const void* value = nullptr;
  if (::pam_get_item(pamh, number, &value) != PAM_SUCCESS || value == nullptr) return "-";
  return static_cast<const char*>(value);
}

int act(pam_handle_t* pamh, int argc, const char** argv) {
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "ignored") return PAM_CRED_INSUFFICIENT;
    if (argument.starts_with("leave="))
      (void)::pam_set_item(pamh, PAM_AUTHTOK, argument.substr(6).data());
    if (argument == "note") {
      const std::string noted =
          "NOTED=AUTHTOK=" + item(pamh, PAM_AUTHTOK) + " OLDAUTHTOK=" + item(pamh, PAM_OLDAUTHTOK);
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
