#include "daemon/bus/calls.h"

#include <cerrno>

namespace pamcognito::bus {

int Calls::accept(sd_bus_message* message, const Handler& handler) noexcept try {
  const char* name = sd_bus_message_get_sender(message);
  if (name == nullptr || sd_bus_message_get_expect_reply(message) <= 0) return -EINVAL;
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
