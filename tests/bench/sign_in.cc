#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "common/bus_names.h"
#include "tests/bench/exponentiations.h"
#include "tests/bench/https_client.h"
#include "tests/bench/measure.h"
#include "tests/bench/permit_stack.h"
#include "tests/bench/person.h"
#include "tests/bench/rows.h"

namespace pamcognito::bench {
namespace {

constexpr double kMillisecond = 1000;

// One sign-in's share of the daemon, what it does afterwards included: it keeps the session and
// makes a new key pair.
double daemon_cpu_of(const ProcessCpu& daemon, double before, int sign_ins) {
  daemon.settle();
  return (daemon.time() - before) / sign_ins;
}

// Ends alice's sessions: so many are kept of a user that later sign-ins would have to end one each.
void sign_out() {
  sd_bus* bus = nullptr;
  if (::sd_bus_open_system(&bus) < 0) throw Failed("the private bus cannot be reached");
  const int result =
      ::sd_bus_call_method(bus, bus_names::kService, bus_names::kPath, bus_names::kInterface,
                           "SignOut", nullptr, nullptr, "s", "alice");
  (void)::sd_bus_flush_close_unref(bus);
  if (result < 0) throw Failed("alice could not be signed out");
}

struct BlockOfSignIns {
  double module = 0;  // milliseconds of CPU, of one sign-in
  double whole = 0;
};

BlockOfSignIns run_block(test::Pool* pool, const ProcessCpu& daemon_cpu, PermitStack& libpam,
                         const Exponentiations& exponentiations, std::vector<double>* bare) {
  constexpr int sign_ins = 5;
  daemon_cpu.settle();
  const double before = daemon_cpu.time();
  double host = 0;
  for (int i = 0; i < sign_ins; ++i) {
    bare->push_back(exponentiations.run() / kMillisecond);
    const double before_libpam = own_cpu_time();
    libpam.authenticate();
    host -= own_cpu_time() - before_libpam;
    host += sign_in(pool).cpu;
  }
  const double of_daemon = daemon_cpu_of(daemon_cpu, before, sign_ins);
  return {.module = host / sign_ins / kMillisecond,
          .whole = (host / sign_ins + of_daemon) / kMillisecond};
}

void add_calls_row(Report* report, test::Pool* pool) {
  (void)pool->admin("log/reset");
  (void)sign_in(pool);
  int calls = 0;
  int key_fetches = 0;
  const Json::Value log = pool->admin("log/list");
  for (const Json::Value& request : log["requests"]) {
    const std::string operation = request["operation"].asString();
    if (operation == "jwks") ++key_fetches;
    // Tokens are revoked only after PAM_SUCCESS.
    if (operation != "jwks" && operation != "RevokeToken") ++calls;
  }
  Row row{.id = "calls",
          .what = "Cognito calls before PAM_SUCCESS",
          .unit = "",
          .figure = static_cast<double>(calls)};
  row.limit = 3;
  row.budget = "≤ 3";
  row.note = "from the pool's log; key fetches: " + std::to_string(key_fetches);
  report->add(row);
}

}  // namespace

Taken sign_in(test::Pool* pool, long typing_ms) {
  Taken taken;
  double began = 0;
  test::Person person;
  person.answers = {"Correct-Horse-1", pool->totp_code("alice")};
  person.before_answering = [&](std::size_t question) {
    if (question == 0) {
      taken.first_prompt = wall_time() - began;
      if (typing_ms > 0) pause_ms(typing_ms);
      taken.felt = -wall_time();
    } else {
      taken.felt += wall_time();
    }
  };
  test::Transaction transaction("alice", &person);
  began = wall_time();
  const double before = own_cpu_time();
  const int code = transaction.authenticate();
  taken.cpu = own_cpu_time() - before;
  if (code != PAM_SUCCESS)
    throw Failed(std::string("a sign-in ended with ") + test::code_name(code) + "\n" +
                 test::Cognitod::log());
  return taken;
}

void relax(test::Pool* pool) {
  Json::Value settings;
  settings["totp_single_use"] = false;
  settings["lockout"] = false;
  (void)pool->admin("settings/set", settings);
}

void warm_up(test::Pool* pool, pid_t daemon) {
  constexpr int rounds = 5;
  for (int i = 0; i < rounds; ++i) (void)sign_in(pool);
  ProcessCpu(daemon).settle();
}

void measure_sign_in(Report* report, test::Pool* pool, const test::Cognitod& daemon) {
  constexpr int blocks = 20;
  constexpr int until_sessions_are_replaced = 4;
  const Exponentiations exponentiations;
  PermitStack libpam("libpam", "", "alice");
  const ProcessCpu daemon_cpu(daemon.pid());
  warm_up(pool, daemon.pid());

  std::vector<double> whole;
  std::vector<double> with_revocation;
  std::vector<double> of_module;
  std::vector<double> bare;
  for (int block = 0; block < blocks; ++block) {
    sign_out();
    const BlockOfSignIns took = run_block(pool, daemon_cpu, libpam, exponentiations, &bare);
    whole.push_back(took.whole);
    of_module.push_back(took.module);
  }
  for (int block = -until_sessions_are_replaced; block < blocks; ++block) {
    const BlockOfSignIns took = run_block(pool, daemon_cpu, libpam, exponentiations, &bare);
    if (block >= 0) with_revocation.push_back(took.whole);
  }

  Row row{.id = "sign_in_cpu",
          .what = "CPU of a sign-in, SRP + TOTP, warm",
          .unit = "ms",
          .decimals = 2,
          .figure = lower_quartile(whole)};
  row.reference = lower_quartile(bare);
  row.reference_is = "SRP's three exponentiations in bare OpenSSL, between the sign-ins";
  row.limit = 1.2 * *row.reference + 0.8;
  row.budget = "≤ 1.2 × reference + 0.8 ms";
  row.note =
      "module and daemon, with the new key pair that follows; the module's part, beyond "
      "libpam's own: " +
      std::to_string(static_cast<int>(lower_quartile(of_module) * kMillisecond)) + " µs";
  report->add(row);
  Row more{.id = "sign_in_cpu_with_revocation",
           .what = "the same where it ends an older session",
           .unit = "ms",
           .decimals = 2,
           .figure = lower_quartile(with_revocation)};
  more.reference = row.reference;
  more.note = "a fourth call, after PAM_SUCCESS: the user's oldest session makes room";
  report->add(more);
  add_calls_row(report, pool);
}

void measure_cold_sign_in(Report* report, test::Pool* pool, const test::Cognitod& daemon,
                          const std::string& bundle) {
  constexpr int samples = 10;
  constexpr long typing_ms = 400;
  constexpr int latency_ms = 50;
  const ProcessCpu daemon_cpu(daemon.pid());
  const std::string keys = pool->ready()["jwks_uri"].asString();
  std::vector<double> cold;
  std::vector<double> warm;
  std::vector<double> felt;
  std::vector<double> two_round_trips;
  std::vector<double> curl_cold;
  for (int i = 0; i < samples; ++i) {
    // Cuts the daemon's connections: the next sign-in opens its own while the person types.
    pool->restart();
    relax(pool);
    Json::Value settings;
    settings["latency_ms"] = latency_ms;
    (void)pool->admin("settings/set", settings);
    daemon_cpu.settle();
    for (std::vector<double>* cpu : {&cold, &warm}) {
      const double before = daemon_cpu.time();
      const Taken taken = sign_in(pool, typing_ms);
      cpu->push_back((taken.cpu + daemon_cpu_of(daemon_cpu, before, 1)) / kMillisecond);
      if (cpu == &cold) felt.push_back(taken.felt / kMillisecond);
    }

    HttpsClient client(keys, bundle);
    double before = own_cpu_time();
    client.get();
    const double first = own_cpu_time() - before;
    before = own_cpu_time();
    const double began = wall_time();
    client.get();
    const double second = own_cpu_time() - before;
    client.get();
    two_round_trips.push_back((wall_time() - began) / kMillisecond);
    curl_cold.push_back((first - second) / kMillisecond);
  }

  Row cpu{.id = "cold_connection_cpu",
          .what = "CPU of a cold connection, system bundle",
          .unit = "ms",
          .decimals = 2,
          .figure = median(cold) - median(warm)};
  cpu.reference = median(curl_cold);
  cpu.reference_is = "libcurl by default with the same CAINFO: first request less the second";
  cpu.limit = 5;
  cpu.budget = "≤ 5 ms";
  cpu.note =
      "a sign-in whose connection was cut, less one with a warm connection; it fetches the "
      "keys, too";
  report->add(cpu);

  Row wait{.id = "felt_wait",
           .what = "felt wait after Enter on the password",
           .unit = "ms",
           .decimals = 1,
           .figure = median(felt)};
  wait.reference = median(two_round_trips);
  wait.reference_is = "two warm requests of bare libcurl to the same pool";
  wait.limit = 1.1 * *wait.reference;
  wait.budget = "≤ 1.1 × reference";
  wait.note = "pool at 50 ms; the daemon had no connection when the person began to type";
  report->add(wait);
}

}  // namespace pamcognito::bench
