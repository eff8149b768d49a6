#pragma once

#include <string>

#include "tests/bench/report.h"
#include "tests/daemon/stage.h"

// The measurements, in the order of the run. Each adds its rows; measure.h's Failed ends the run.
namespace pamcognito::bench {

// Before the sandbox is entered, which hides the loader's cache. `fprintd` is Debian's
// pam_fprintd.so; empty: there is none, and what needs it cannot be measured.
void measure_loading(Report* report, const std::string& fprintd);

// In the sandbox, without a bus.
void measure_not_ours(Report* report);
// Without a bus; then makes one, with no daemon, and stops it.
void measure_absent(Report* report);

// With bus, pool and daemon.
void measure_stopped_daemon(Report* report, const test::Cognitod& daemon);
void measure_bus(Report* report);
void measure_sign_in(Report* report, test::Pool* pool, const test::Cognitod& daemon);
// `bundle`: a file with the system's certificates and the pool's, as the daemon has it.
void measure_cold_sign_in(Report* report, test::Pool* pool, const test::Cognitod& daemon,
                          const std::string& bundle);
// A daemon that is younger than any other measurement.
void measure_idle(Report* report, test::Pool* pool, const test::Cognitod& daemon);
void measure_waiting(Report* report, test::Pool* pool, const test::Cognitod& daemon);

// sudo by a user who has a session; the configuration lets it ask for nothing.
void measure_sudo(Report* report, test::Pool* pool);
// The same with the password asked for: the effect of the password checks on others.
void measure_password_checks(Report* report, test::Pool* pool);

// The session store by itself.
void measure_sessions(Report* report);

}  // namespace pamcognito::bench
