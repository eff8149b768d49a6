#pragma once

#include <security/pam_appl.h>

#include <string>

namespace pamcognito::bench {

// A PAM stack in which pam_permit lets in, alone or after other lines: what libpam itself costs.
class PermitStack {
 public:
  // `before`: lines of the service file that come first.
  PermitStack(const char* service, const std::string& before, const char* user);
  PermitStack(const PermitStack&) = delete;
  PermitStack& operator=(const PermitStack&) = delete;
  ~PermitStack();

  // pam_authenticate; throws Failed unless it succeeds.
  void authenticate();
  // pam_acct_mgmt, likewise.
  void account();

 private:
  pam_conv conversation_{};
  pam_handle_t* pamh_ = nullptr;
};

}  // namespace pamcognito::bench
