#pragma once

#include <systemd/sd-bus.h>

#include <cstddef>
#include <map>
#include <string>

#include "daemon/bus/core.h"
#include "daemon/bus/sign_in_methods.h"
#include "daemon/sign_in/mfa_preference.h"

namespace pamcognito::bus {

// SetUpTotp, UpdateMfaPreference, SetPreferredMfa, FetchMfaPreference: a person's own second
// factors. Root has none in the pool, and may neither read nor set those of others. The first three
// answer with the socket of a conversation that begins with a sign-in.
class MfaMethods {
 public:
  static const sd_bus_vtable kVtable[];

  MfaMethods(Core& core, SignInMethods& sign_ins) : core_(core), sign_ins_(sign_ins) {}
  MfaMethods(const MfaMethods&) = delete;
  MfaMethods& operator=(const MfaMethods&) = delete;
  [[nodiscard]] Core& core() const noexcept { return core_; }

 private:
  class Turn;
  struct SetUpOptions;
  static constexpr std::size_t kMaxOfUser = 2;  // calls at once; each may ask the pool twice

  runtime::Task<void> set_up_totp(MessageRef message);
  runtime::Task<void> update(MessageRef message);
  runtime::Task<void> set_preferred(MessageRef message);
  runtime::Task<void> fetch(MessageRef message);

  // The caller, if it is a Cognito user. Otherwise the call was refused, and the name is empty.
  runtime::Task<Person> owner(MessageRef message);
  // Opens the conversation that makes the change.
  runtime::Task<void> open(MessageRef message, sign_in::FactorChange change, SetUpOptions options);

  Core& core_;
  SignInMethods& sign_ins_;
  std::map<std::string, std::size_t> under_way_;
};

}  // namespace pamcognito::bus
