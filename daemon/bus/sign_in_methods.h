#pragma once

#include <systemd/sd-bus.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "daemon/bus/core.h"
#include "daemon/bus/open_sign_in.h"

namespace pamcognito::bus {

// OpenSignIn, OpenPasswordChange, CheckAccount: what modules call, and the sign-ins that are open.
class SignInMethods {
 public:
  static const sd_bus_vtable kVtable[];

  explicit SignInMethods(Core& core) : core_(core) {}
  SignInMethods(const SignInMethods&) = delete;
  SignInMethods& operator=(const SignInMethods&) = delete;

  [[nodiscard]] Core& core() const noexcept { return core_; }
  // Answers with the socket of a new conversation. `real_root`: root started the host process.
  void reply_with_socket(sd_bus_message* message, flows::SignInRequest request, bool real_root);
  void end_all() { sign_ins_.clear(); }

 private:
  runtime::Task<void> open_sign_in(MessageRef message);
  runtime::Task<void> open_password_change(MessageRef message);
  runtime::Task<void> check_account(MessageRef message);
  runtime::Task<void> open(MessageRef message, flows::Goal goal);
  OpenSignIn::Surroundings surroundings(std::uint64_t id, const flows::SignInRequest& request,
                                        bool real_root);

  // Those that only wait for their account question.
  static constexpr std::size_t kMaxCommitted = 1024;

  Core& core_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::unique_ptr<OpenSignIn>> sign_ins_;
};

}  // namespace pamcognito::bus
