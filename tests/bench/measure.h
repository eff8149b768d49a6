#pragma once

#include <sys/types.h>

#include <ctime>
#include <stdexcept>
#include <string>
#include <vector>

namespace pamcognito::bench {

// A measurement that could not be made. A figure that is merely bad is not one.
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Microseconds.
double wall_time();     // since some fixed moment
double own_cpu_time();  // user and system, of this process

// The CPU time of another process, all of its threads, user and system, in microseconds.
class ProcessCpu {
 public:
  explicit ProcessCpu(pid_t pid);
  [[nodiscard]] double time() const;
  // Until the process has used no CPU for a while: what follows an answer belongs to it.
  void settle() const;

 private:
  clockid_t clock_{};
};

double median(std::vector<double> samples);
// For CPU times: what else runs on the machine only ever adds to them.
double lower_quartile(std::vector<double> samples);

// Values of /proc/PID/smaps_rollup, in KiB.
struct Memory {
  double private_dirty = 0;
  double private_clean = 0;
  double proportional = 0;  // PSS
};
Memory memory_of(pid_t pid);

// How often the process's threads have gone to sleep of their own will; each is woken once more.
long sleeps_of(pid_t pid);

void pause_ms(long milliseconds);

}  // namespace pamcognito::bench
