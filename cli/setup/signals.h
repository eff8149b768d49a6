#pragma once

#include <csignal>

namespace pamcognito::cli {

// Holds the signals that end a command, as long as it lives. So no change is cut short: the caller
// asks between two changes, and takes all of them back.
class HeldSignals {
 public:
  HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals();

  // A signal came; it is consumed by this.
  [[nodiscard]] bool came() const;

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace pamcognito::cli
