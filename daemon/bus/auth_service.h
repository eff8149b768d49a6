#pragma once

#include <systemd/sd-bus.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>

#include "daemon/bus/core.h"
#include "daemon/bus/identity_methods.h"
#include "daemon/bus/mfa_methods.h"
#include "daemon/bus/session_methods.h"
#include "daemon/bus/sign_in_methods.h"
#include "daemon/bus/status_methods.h"

namespace pamcognito::bus {

// org.pamcognito.Auth1 on the system bus: one object, whose methods are grouped in classes.
class AuthService {
 public:
  explicit AuthService(Dependencies dependencies);
  AuthService(const AuthService&) = delete;
  AuthService& operator=(const AuthService&) = delete;
  ~AuthService();

  // Before start(), and after a reload: Core::configure().
  void configure(std::shared_ptr<const policy::Config> config,
                 std::shared_ptr<cognito::UserPool> pool);
  // Connects to the system bus, takes the name, serves. A negative errno if that cannot be done.
  int start();
  // Ends every sign-in, gives the name back, and calls `stopped` once their tokens are revoked.
  // Sessions that do not come back to the next daemon end, and are revoked too.
  void stop(std::function<void()> stopped);

 private:
  void leave_bus();

  Core core_;
  SignInMethods sign_ins_;
  SessionMethods sessions_;
  MfaMethods mfa_;
  IdentityMethods identities_;
  StatusMethods status_;

  sd_bus* bus_ = nullptr;
  static constexpr std::size_t kParts = 7;
  std::array<sd_bus_slot*, kParts> slots_{};
};

}  // namespace pamcognito::bus
