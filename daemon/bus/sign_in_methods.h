#pragma once

#include <systemd/sd-bus.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "daemon/bus/core.h"
#include "daemon/bus/open_sign_in.h"

namespace pamcognito::bus {

// OpenSignIn, OpenPasswordChange, CheckAccount: what modules call, by either interface, and the
// sign-ins that are open.
class SignInMethods final : private OpenSignIn::Holder {
 public:
  static const sd_bus_vtable kVtable[];

  explicit SignInMethods(Core& core) : core_(core) {}
  SignInMethods(const SignInMethods&) = delete;
  SignInMethods& operator=(const SignInMethods&) = delete;
  ~SignInMethods() override = default;

  [[nodiscard]] Core& core() const noexcept { return core_; }
  // Answers with the socket of a new conversation.
  void reply_with_socket(sd_bus_message* message, sign_in::SignInRequest request);
  // Each is told that it failed: a socket that just closes would say less.
  void end_all();

 private:
  void refuse_to_open(sd_bus_message* message, const sign_in::SignInRequest& request,
                      runtime::Level level, std::string_view cause);
  runtime::Task<void> open_sign_in(MessageRef message);
  runtime::Task<void> open_password_change(MessageRef message);
  runtime::Task<void> check_account(MessageRef message);
  runtime::Task<void> open(MessageRef message, sign_in::Goal goal);

  sessions::RecentSignIns& recent_sign_ins() override { return core_.recent_sign_ins; }
  runtime::Task<Outcome> decide_account(const sign_in::SignInRequest& request,
                                        const SignInId& sign_in_id) override;
  runtime::Level level_of_line(const sign_in::SignInRequest& request,
                               runtime::Level level) override;
  bool may_wait() override { return sign_ins_.size() - core_.open.count() <= kMaxCommitted; }
  void finished(std::uint64_t number) override;

  // Those that only wait for their account question.
  static constexpr std::size_t kMaxCommitted = 1024;

  Core& core_;
  std::uint64_t next_number_ = 1;
  std::map<std::uint64_t, std::unique_ptr<OpenSignIn>> sign_ins_;
};

}  // namespace pamcognito::bus
