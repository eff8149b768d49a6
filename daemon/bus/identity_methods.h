#pragma once

#include <systemd/sd-bus.h>

#include <expected>
#include <string>
#include <string_view>

#include "daemon/bus/core.h"

namespace pamcognito::bus {

// ListIdentities, PinIdentity, ResetIdentity: which account of the pool a Linux user is. Root's.
class IdentityMethods {
 public:
  static const sd_bus_vtable kVtable[];

  explicit IdentityMethods(Core& core) : core_(core) {}
  IdentityMethods(const IdentityMethods&) = delete;
  IdentityMethods& operator=(const IdentityMethods&) = delete;
  [[nodiscard]] Core& core() const noexcept { return core_; }

 private:
  runtime::Task<void> list(MessageRef message);
  runtime::Task<void> pin(MessageRef message);
  runtime::Task<void> reset(MessageRef message);
  // False: it was refused.
  runtime::Task<bool> is_permitted(MessageRef message);
  void answer(const MessageRef& message, const std::string& user, std::string_view what,
              const std::expected<void, std::string>& done);

  Core& core_;
};

}  // namespace pamcognito::bus
