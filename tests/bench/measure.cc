#include "tests/bench/measure.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

namespace pamcognito::bench {
namespace {

double read_clock(clockid_t clock) {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) throw Failed("clock_gettime: the process is gone");
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

std::string proc(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

}  // namespace

double wall_time() {
  return read_clock(CLOCK_MONOTONIC);
}

double own_cpu_time() {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

ProcessCpu::ProcessCpu(pid_t pid) {
  if (::clock_getcpuclockid(pid, &clock_) != 0) throw Failed("no CPU clock of the process");
}

double ProcessCpu::time() const {
  return read_clock(clock_);
}

void ProcessCpu::settle() const {
  constexpr long quiet_ms = 100;
  constexpr int patience = 100;
  double before = time();
  for (int i = 0; i < patience; ++i) {
    pause_ms(quiet_ms);
    const double now = time();
    if (now <= before) return;
    before = now;
  }
  throw Failed("the daemon does not become idle");
}

double median(std::vector<double> samples) {
  if (samples.empty()) throw Failed("no samples");
  std::ranges::sort(samples);
  const std::size_t middle = samples.size() / 2;
  return samples.size() % 2 == 1 ? samples[middle] : (samples[middle - 1] + samples[middle]) / 2;
}

double lower_quartile(std::vector<double> samples) {
  if (samples.empty()) throw Failed("no samples");
  std::ranges::sort(samples);
  return samples[samples.size() / 4];
}

Memory memory_of(pid_t pid) {
  std::ifstream rollup(proc(pid, "smaps_rollup"));
  Memory memory;
  bool complete = false;
  std::string key;
  while (rollup >> key) {
    double* value = key == "Private_Dirty:"   ? &memory.private_dirty
                    : key == "Private_Clean:" ? &memory.private_clean
                    : key == "Pss:"           ? &memory.proportional
                                              : nullptr;
    if (value != nullptr) complete = static_cast<bool>(rollup >> *value);
  }
  if (!complete) throw Failed("smaps_rollup of the daemon cannot be read");
  return memory;
}

long sleeps_of(pid_t pid) {
  long sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator(proc(pid, "task"))) {
    std::ifstream status(thread.path() / "status");
    std::string key;
    while (status >> key) {
      if (key != "voluntary_ctxt_switches:") continue;
      long count = 0;
      status >> count;
      sum += count;
    }
  }
  if (sum == 0) throw Failed("the daemon's context switches cannot be read");
  return sum;
}

void pause_ms(long milliseconds) {
  timespec left{.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1'000'000};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

}  // namespace pamcognito::bench
