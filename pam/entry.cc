// The C interface that libpam loads: one pam_sm_* function per PAM call. The linker exports nothing
// else. Each function parses the arguments of its line, calls the phase or task, and turns an
// exception into PAM_SERVICE_ERR, because no exception may reach libpam.

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <syslog.h>

#include <cstddef>
#include <span>

#include "pam/admission.h"
#include "pam/phases.h"
#include "pam/transaction.h"

namespace {

using pamcognito::pam::Entry;
using pamcognito::pam::Handle;
using pamcognito::pam::Options;
using pamcognito::pam::parse_options;
using pamcognito::pam::Task;

// Runs the phase, or the other task that the line of the stack names. Every exception becomes
// PAM_SERVICE_ERR.
template <class Phase>
int guarded(pam_handle_t* pamh, int flags, int argc, const char** argv, Entry entry,
            Phase phase) noexcept {
  int result = PAM_SERVICE_ERR;
  try {
    const Options options =
        parse_options(std::span(argv, argc > 0 ? static_cast<std::size_t>(argc) : 0));
    switch (options.task) {
      case Task::decide:
        result = phase(Handle(pamh), options);
        break;
      case Task::route:
        result = pamcognito::pam::route(Handle(pamh), flags, options, entry);
        break;
      case Task::emergency:
        result = pamcognito::pam::note_emergency(Handle(pamh), flags, options, entry);
        break;
    }
  } catch (...) {
    const char* id = pamcognito::pam::log_id(pamh);
    ::pam_syslog(pamh, LOG_ERR, "ended unforeseen cause=exception id=%s", id);
  }
  return result;
}

}  // namespace

#define PAM_COGNITO_EXPORT extern "C" __attribute__((visibility("default")))

PAM_COGNITO_EXPORT int pam_sm_authenticate(pam_handle_t* pamh, int flags, int argc,
                                           const char** argv) {
  return guarded(pamh, flags, argc, argv, Entry::authenticate,
                 [flags](Handle pam, const Options& options) {
                   return pamcognito::pam::authenticate(pam, flags, options);
                 });
}

PAM_COGNITO_EXPORT int pam_sm_setcred(pam_handle_t* pamh, int flags, int argc, const char** argv) {
  return guarded(pamh, flags, argc, argv, Entry::credentials,
                 [](Handle pam, const Options& options) {
                   return pamcognito::pam::set_credentials(pam, options);
                 });
}

PAM_COGNITO_EXPORT int pam_sm_acct_mgmt(pam_handle_t* pamh, int flags, int argc,
                                        const char** argv) {
  return guarded(pamh, flags, argc, argv, Entry::account,
                 [flags](Handle pam, const Options& options) {
                   return pamcognito::pam::check_account(pam, flags, options);
                 });
}

PAM_COGNITO_EXPORT int pam_sm_chauthtok(pam_handle_t* pamh, int flags, int argc,
                                        const char** argv) {
  return guarded(pamh, flags, argc, argv, Entry::password,
                 [flags](Handle pam, const Options& options) {
                   return pamcognito::pam::change_password(pam, flags, options);
                 });
}

PAM_COGNITO_EXPORT int pam_sm_open_session(pam_handle_t* pamh, int flags, int argc,
                                           const char** argv) {
  return guarded(pamh, flags, argc, argv, Entry::session,
                 [flags](Handle pam, const Options& options) {
                   return pamcognito::pam::open_session(pam, flags, options);
                 });
}

PAM_COGNITO_EXPORT int pam_sm_close_session(pam_handle_t* pamh, int flags, int argc,
                                            const char** argv) {
  return guarded(pamh, flags, argc, argv, Entry::session,
                 [flags](Handle pam, const Options& options) {
                   return pamcognito::pam::close_session(pam, flags, options);
                 });
}
