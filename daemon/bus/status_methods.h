#pragma once

#include <systemd/sd-bus.h>

#include "daemon/bus/core.h"

namespace pamcognito::bus {

// GetStatus and TestPolicy, which only root may call, and the properties, which all may read.
class StatusMethods {
 public:
  static const sd_bus_vtable kVtable[];

  explicit StatusMethods(Core& core) : core_(core) {}
  StatusMethods(const StatusMethods&) = delete;
  StatusMethods& operator=(const StatusMethods&) = delete;
  [[nodiscard]] Core& core() const noexcept { return core_; }

 private:
  static int get_version(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                         void* self, sd_bus_error*);
  static int get_configured(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                            void* self, sd_bus_error*);
  runtime::Task<void> get_status(MessageRef message);
  runtime::Task<void> test_policy(MessageRef message);
  // False: it was refused.
  runtime::Task<bool> is_root(MessageRef message);

  Core& core_;
};

}  // namespace pamcognito::bus
