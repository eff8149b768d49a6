#include "tests/bench/permit_stack.h"

#include <sys/stat.h>

#include "tests/bench/measure.h"
#include "tests/module/sandbox.h"

namespace pamcognito::bench {
namespace {

constexpr char kConfigurations[] = "/run/pam-bench";

int no_conversation(int, const pam_message**, pam_response**, void*) {
  return PAM_CONV_ERR;
}

}  // namespace

PermitStack::PermitStack(const char* service, const std::string& before, const char* user) {
  const std::string folder = kConfigurations;
  (void)::mkdir(folder.c_str(), 0755);
  test::write_file(folder + "/" + service,
                   before + "auth required pam_permit.so\naccount required pam_permit.so\n");
  test::write_file(folder + "/other", "auth required pam_deny.so\n");
  conversation_.conv = &no_conversation;
  if (::pam_start_confdir(service, user, &conversation_, kConfigurations, &pamh_) != PAM_SUCCESS)
    throw Failed("pam_start");
}

PermitStack::~PermitStack() {
  (void)::pam_end(pamh_, PAM_SUCCESS);
}

void PermitStack::authenticate() {
  if (::pam_authenticate(pamh_, 0) != PAM_SUCCESS) throw Failed("pam_permit did not let in");
}

void PermitStack::account() {
  if (::pam_acct_mgmt(pamh_, 0) != PAM_SUCCESS) throw Failed("pam_permit did not let in");
}

}  // namespace pamcognito::bench
