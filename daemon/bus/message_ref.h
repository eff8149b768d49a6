#pragma once

#include <systemd/sd-bus.h>

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

// Answers with an error; `text` is for people.
inline void refuse(const MessageRef& message, const char* error, const char* text) {
  (void)sd_bus_reply_method_errorf(message.get(), error, "%s", text);
}

}  // namespace pamcognito::bus
