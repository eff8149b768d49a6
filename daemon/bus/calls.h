#pragma once

#include <systemd/sd-bus.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "daemon/bus/message_ref.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/task.h"

namespace pamcognito::bus {

// The method calls that are being answered, each by a coroutine: at most kMax at once, kMaxOfOne of
// one connection, none that wants no reply, and none with more than kMaxText bytes of text or
// kMaxValues values, for each is kept until it is answered. Destroying this drops them without an
// answer.
class Calls {
 public:
  static constexpr std::size_t kMax = 4096;
  static constexpr std::size_t kMaxOfOne = 8;
  static constexpr std::size_t kMaxText = std::size_t{16} * 1024;
  static constexpr std::size_t kMaxValues = 512;
  using Handler = std::function<runtime::Task<void>(MessageRef)>;

  explicit Calls(runtime::EventLoop& loop) : loop_(loop) {}
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  // Starts the call. Returns the value that an sd-bus method handler must return.
  int accept(sd_bus_message* message, const Handler& handler) noexcept;
  void drop_all() { running_.clear(); }

 private:
  void ended(std::uint64_t id, const std::string& sender);

  runtime::EventLoop& loop_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, runtime::EventLoop::Spawned> running_;
  std::map<std::string, std::size_t> by_sender_;
};

}  // namespace pamcognito::bus
