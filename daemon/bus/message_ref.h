#pragma once

#include <systemd/sd-bus.h>

#include <string_view>

#include "common/bus_names.h"

namespace pamcognito::bus {

// A message that is answered later.
class MessageRef {
 public:
  explicit MessageRef(sd_bus_message* message) : message_(sd_bus_message_ref(message)) {}
  MessageRef(const MessageRef& other) : message_(sd_bus_message_ref(other.message_)) {}
  MessageRef& operator=(const MessageRef&) = delete;
  ~MessageRef() { sd_bus_message_unref(message_); }
  [[nodiscard]] sd_bus_message* get() const noexcept { return message_; }

 private:
  sd_bus_message* message_;
};

// Sends the reply and lets go of it. `result`: of what made it; if negative, or if it cannot be
// sent, the caller gets that error instead.
inline void send_reply(const MessageRef& message, sd_bus_message* reply, int result) {
  if (result >= 0) result = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  if (result < 0) (void)sd_bus_reply_method_errno(message.get(), -result, nullptr);
}

// Sent to the interface to which the bus daemon lets only root send.
inline bool is_from_host(sd_bus_message* message) {
  const char* interface = sd_bus_message_get_interface(message);
  return interface != nullptr && std::string_view(interface) == bus_names::kHostInterface;
}

// Answers with an error; `text` is for people.
inline void refuse(const MessageRef& message, const char* error, const char* text) {
  (void)sd_bus_reply_method_errorf(message.get(), error, "%s", text);
}

}  // namespace pamcognito::bus
