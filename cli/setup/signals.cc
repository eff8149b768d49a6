#include "cli/setup/signals.h"

#include <ctime>
#include <initializer_list>

namespace pamcognito::cli {

HeldSignals::HeldSignals() {
  (void)::sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) (void)::sigaddset(&signals_, number);
  (void)::sigprocmask(SIG_BLOCK, &signals_, &before_);
}

HeldSignals::~HeldSignals() {
  (void)::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool HeldSignals::came() const {
  const timespec no_time{};
  return ::sigtimedwait(&signals_, nullptr, &no_time) > 0;
}

}  // namespace pamcognito::cli
