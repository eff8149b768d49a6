#include <curl/curl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <ios>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/bench/measure.h"
#include "tests/bench/person.h"
#include "tests/bench/report.h"
#include "tests/bench/rows.h"

namespace pamcognito::bench {
namespace {

constexpr char kBundle[] = "/run/bundle.pem";
constexpr char kSystemBundle[] = "/etc/ssl/certs/ca-certificates.crt";

struct Options {
  std::string fprintd;
  std::string json;
  std::string only;  // one part of the run; empty: all of it

  [[nodiscard]] bool wants(std::string_view part) const { return only.empty() || only == part; }
};

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    std::string* value = argument == "--fprintd" ? &options.fprintd
                         : argument == "--json"  ? &options.json
                         : argument == "--only"  ? &options.only
                                                 : nullptr;
    if (value == nullptr || i + 1 == argc) return std::nullopt;
    *value = argv[++i];
  }
  return options;
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  if (text.view().empty()) throw Failed(path + " cannot be read");
  return text.str();
}

// Says what comes. False: it is not wanted.
bool begin(const Options& options, const char* part, const char* what) {
  if (!options.wants(part)) return false;
  (void)std::fprintf(stderr, "%s: %s …\n", part, what);
  return true;
}

void allow_many_descriptors() {
  constexpr rlim_t wanted = 16384;  // as cognitod.service
  rlimit limit{};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = wanted;
  if (limit.rlim_max < wanted) limit.rlim_max = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw Failed("RLIMIT_NOFILE cannot be raised");
}

void measure_with_a_daemon(Report* report, const Options& options, test::Pool* pool) {
  const std::string configuration = test::configuration_for(*pool);
  {
    const test::Cognitod daemon(configuration);
    relax(pool);
    if (begin(options, "idle", "half a minute")) measure_idle(report, pool, daemon);
    if (begin(options, "sign-in", "warm connection")) measure_sign_in(report, pool, daemon);
    if (begin(options, "cold", "sign-ins whose connection was cut"))
      measure_cold_sign_in(report, pool, daemon, kBundle);
    if (begin(options, "bus", "until the password prompt")) measure_bus(report);
    if (begin(options, "stopped", "daemon under SIGSTOP")) measure_stopped_daemon(report, daemon);
  }
  if (begin(options, "waiting", "2,000 sign-ins")) {
    // A heap of its own, without the holes that others left.
    const test::Cognitod daemon(configuration);
    pool->restart();
    relax(pool);
    measure_waiting(report, pool, daemon);
  }
}

void measure_sessions_in_use(Report* report, const Options& options, test::Pool* pool) {
  if (begin(options, "sudo", "sudo by a session")) {
    const test::Cognitod daemon(test::configuration_for(*pool, "[service sudo]\nreauth = none\n"));
    relax(pool);
    measure_sudo(report, pool);
  }
  if (begin(options, "checks", "the password prompt beside password checks")) {
    const test::Cognitod daemon(
        test::configuration_for(*pool, "[service sudo]\nreauth = password\n"));
    relax(pool);
    measure_password_checks(report, pool);
  }
}

void measure_all(Report* report, const Options& options) {
  if (begin(options, "loading", "dlopen")) measure_loading(report, options.fprintd);

  if (begin(options, "sessions", "10,000 of them")) measure_sessions(report);

  const std::string system_bundle = read_file(kSystemBundle);
  allow_many_descriptors();
  test::enter_sandbox();
  test::set_up_accounts();
  if (begin(options, "not-ours", "a user who is not ours")) measure_not_ours(report);
  if (begin(options, "absent", "no bus, no daemon, bus under SIGSTOP")) measure_absent(report);

  const test::PrivateBus bus;
  test::Pool pool;
  test::write_file(kBundle, system_bundle + read_file(pool.ready()["ca_file"].asString()));
  (void)::mkdir("/etc/pam-cognito/cognitod.conf.d", 0755);
  test::write_file("/etc/pam-cognito/cognitod.conf.d/bundle.conf",
                   "[pool]\nca_file = " + std::string(kBundle) + "\n");
  measure_with_a_daemon(report, options, &pool);
  measure_sessions_in_use(report, options, &pool);
}

int run(const Options& options) {
  // Opened now: the sandbox hides some folders.
  std::ofstream json;
  if (!options.json.empty()) {
    json.open(options.json, std::ios::trunc);
    if (!json) throw Failed(options.json + " cannot be written");
  }
  Report report;
  std::optional<std::string> failure;
  try {
    measure_all(&report, options);
  } catch (const Failed& failed) {
    failure = failed.what();
  }
  std::cout << "\n";
  report.print_table(std::cout);
  if (json.is_open()) report.print_json(json);
  if (!failure) return 0;
  std::cerr << "\nA measurement FAILED, and those after it are absent: " << *failure << "\n";
  return 1;
}

}  // namespace
}  // namespace pamcognito::bench

int main(int argc, char** argv) try {
  using namespace pamcognito::bench;
  const auto options = parse(argc, argv);
  if (!options) {
    std::cerr << "Usage: bench [--fprintd PAM_FPRINTD.SO] [--json FILE] [--only PART]\n"
                 "Parts: loading not-ours absent idle sign-in cold bus stopped waiting "
                 "sudo checks sessions\n";
    return 2;
  }
  (void)::curl_global_init(CURL_GLOBAL_DEFAULT);
  return run(*options);
} catch (const std::exception& error) {
  std::cerr << "bench: " << error.what() << "\n";
  return 1;
}
