#include "daemon/bus/calls.h"

#include <cerrno>
#include <cstring>
#include <string_view>

namespace pamcognito::bus {
namespace {

// The room that is left in a message. libsystemd tells no message's size, so its values are walked.
struct Room {
  std::size_t text = Calls::kMaxText;
  std::size_t values = Calls::kMaxValues;

  // Reads to the end of the container that `message` is in.
  bool suffices_for(sd_bus_message* message) {
    char type = 0;
    const char* contents = nullptr;
    int result = 0;
    while ((result = sd_bus_message_peek_type(message, &type, &contents)) > 0) {
      if (values-- == 0) return false;
      if (std::string_view("sog").contains(type)) {
        const char* value = nullptr;
        if (sd_bus_message_read_basic(message, type, static_cast<void*>(&value)) < 0) return false;
        const std::size_t size = std::strlen(value);
        if (size > text) return false;
        text -= size;
      } else if (contents != nullptr) {
        if (sd_bus_message_enter_container(message, type, contents) < 0 || !suffices_for(message) ||
            sd_bus_message_exit_container(message) < 0)
          return false;
      } else if (sd_bus_message_skip(message, std::string{type}.c_str()) < 0) {
        return false;
      }
    }
    return result == 0;
  }
};

}  // namespace

int Calls::accept(sd_bus_message* message, const Handler& handler) noexcept try {
  const char* name = sd_bus_message_get_sender(message);
  if (name == nullptr || sd_bus_message_get_expect_reply(message) <= 0) return -EINVAL;
  // Root needs no such bound.
  if (!is_from_host(message)) {
    if (!Room{}.suffices_for(message)) return -E2BIG;
    if (const int result = sd_bus_message_rewind(message, 1); result < 0) return result;
  }
  const std::string sender(name);
  const auto of_sender = by_sender_.find(sender);
  if (running_.size() >= kMax || (of_sender != by_sender_.end() && of_sender->second >= kMaxOfOne))
    return -EBUSY;
  ++by_sender_[sender];
  const std::uint64_t id = next_id_++;
  MessageRef kept(message);
  running_.emplace(id, loop_.spawn(handler(kept), [this, id, sender, kept](bool threw) {
    if (threw) (void)sd_bus_reply_method_errno(kept.get(), EIO, nullptr);
    ended(id, sender);
  }));
  return 1;
} catch (...) {
  return -ENOMEM;
}

void Calls::ended(std::uint64_t id, const std::string& sender) {
  const auto calls = by_sender_.find(sender);
  if (--calls->second == 0) by_sender_.erase(calls);
  running_.erase(id);  // and with it the closure that holds `sender`
}

}  // namespace pamcognito::bus
