#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/metrics.h"
#include "daemon/runtime/worker.h"

namespace pamcognito::runtime {

// Keeps a file of prometheus_text() up to date, for node exporter's textfile collector: replaced as
// a whole (rename(2)), mode 0644, at most every kInterval, and only after a change. No timer runs
// while nothing changes. An error is logged once, until a write succeeds again.
class MetricsFile {
 public:
  static constexpr std::chrono::seconds kInterval{15};

  // Takes Metrics::on_change(). `worker` does the writing; all of them outlive this.
  MetricsFile(EventLoop& loop, Worker& worker, Metrics& source, std::string path,
              std::chrono::seconds interval = kInterval);
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;
  ~MetricsFile();

 private:
  void changed();
  void write();
  Task<void> write_once();

  EventLoop& loop_;
  Worker& worker_;
  Metrics& source_;
  std::string path_;
  const std::chrono::seconds interval_;
  std::optional<MonotonicTime> last_;  // when the newest writing began
  std::uint64_t written_ = 0;          // Metrics::changes() of what it wrote
  bool failing_ = false;
  std::optional<Timer> next_;
  EventLoop::Spawned writing_;
};

}  // namespace pamcognito::runtime
