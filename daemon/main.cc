#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/bus/auth_service.h"
#include "daemon/cognito/cognito_user_pool.h"
#include "daemon/policy/config.h"
#include "daemon/policy/system_error.h"
#include "daemon/prompts/catalogue.h"
#include "daemon/runtime/event_loop.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/wiping.h"
#include "daemon/runtime/worker.h"

namespace {

using namespace pamcognito;
using runtime::Level;

constexpr char kUsage[] =
    "Usage: cognitod [--config FILE] [--check-config] [--debug] [--version] [--help]\n"
    "\n"
    "Signs Linux users in with an Amazon Cognito user pool, on behalf of pam_cognito.so.\n"
    "\n"
    "  --config FILE    read FILE and FILE.d/*.conf (default: /etc/pam-cognito/cognitod.conf)\n"
    "  --check-config   say what is wrong with the configuration, and leave; status 1 if it is\n"
    "                   not valid\n"
    "  --debug          log more; never secrets\n";

struct Options {
  std::string config = policy::kConfigPath;
  bool check_config = false;
  std::optional<int> leave_with;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (argument == "--config" && i + 1 < argc) {
      options.config = argv[++i];
    } else if (argument == "--check-config") {
      options.check_config = true;
    } else if (argument == "--debug") {
      runtime::set_log_level(Level::debug);
    } else if (argument == "--version") {
      (void)std::puts("cognitod " PAM_COGNITO_VERSION);
      options.leave_with = 0;
    } else if (argument == "--help") {
      (void)std::fputs(kUsage, stdout);
      options.leave_with = 0;
    } else {
      (void)std::fprintf(stderr, "cognitod: unknown argument: %s\n%s", argv[i], kUsage);
      options.leave_with = 2;
    }
  }
  return options;
}

// Passwords are in this memory: no core file, no ptrace by the daemon's own uid.
void keep_memory_private() {
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// How many sign-ins may be open at once: each has a socket and may need a connection to the pool,
// and a connection that fails for want of a descriptor would look like a pool that cannot be
// reached.
std::size_t sign_ins_that_fit() {
  constexpr rlim_t for_the_rest = 128;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = std::min(limit.rlim_max, rlim_t{16384});
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur <= for_the_rest ? 0 : (limit.rlim_cur - for_the_rest) / 2;
}

int check_config(const std::string& path) {
  const policy::ConfigResult config = policy::load_config(path);
  if (!config) {
    (void)std::fprintf(stderr, "%s\n", config.error().c_str());
    return 1;
  }
  const auto language = prompts::use_language(prompts::kLocaleDirectory, config->texts.language);
  if (!language) {
    (void)std::fprintf(stderr, "%s\n", language.error().c_str());
    return 1;
  }
  for (const std::string& warning : config->warnings)
    (void)std::fprintf(stderr, "warning: %s\n", warning.c_str());
  (void)std::printf("%s is valid.\n", path.c_str());
  return 0;
}

// nullptr: there is none that is valid, and the daemon idles. It has said why.
std::shared_ptr<const policy::Config> read_config(const std::string& path) {
  policy::ConfigResult config = policy::load_config(path);
  if (!config) {
    runtime::log(Level::error, "idle, nobody can sign in: " + config.error());
    return nullptr;
  }
  for (const std::string& warning : config->warnings) runtime::log(Level::warning, warning);
  // A catalogue that is gone must not stop sign-ins: without cognitod a local password is enough.
  const auto language = prompts::use_language(prompts::kLocaleDirectory, config->texts.language);
  if (!language) runtime::log(Level::error, "texts are in English: " + language.error());
  return std::make_shared<const policy::Config>(std::move(*config));
}

std::unique_ptr<cognito::UserPool> open_pool(runtime::EventLoop& loop, runtime::Clock& clock,
                                             const policy::Config& config) {
  auto pool = cognito::make_user_pool(loop, clock, config.pool);
  if (!pool) {
    runtime::log(Level::error, "idle, nobody can sign in: " + pool.error());
    return nullptr;
  }
  return std::move(*pool);
}

// Calls once on SIGTERM or SIGINT, from the loop.
class StopSignals {
 public:
  StopSignals(runtime::EventLoop& loop, std::function<void()> call) : call_(std::move(call)) {
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    for (const int signal : {SIGTERM, SIGINT})
      (void)sd_event_add_signal(loop.get(), nullptr, signal, &StopSignals::dispatch, this);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  static int dispatch(sd_event_source*, const signalfd_siginfo*, void* self) {
    auto call = std::exchange(static_cast<StopSignals*>(self)->call_, {});
    if (call) call();
    return 0;
  }
  std::function<void()> call_;
};

int serve(const Options& options) {
  runtime::EventLoop loop;
  runtime::LoopClock clock(loop);
  runtime::Worker worker(loop, 256);
  std::shared_ptr<const policy::Config> config = read_config(options.config);
  std::unique_ptr<cognito::UserPool> pool;
  if (config) pool = open_pool(loop, clock, *config);
  if (!pool) config = nullptr;

  bus::AuthService service(loop, clock, worker, config, pool.get(), sign_ins_that_fit());
  std::optional<runtime::Timer> give_up;
  const StopSignals signals(loop, [&] {
    (void)sd_notify(0, "STOPPING=1");
    service.stop([&loop] { loop.exit(0); });
    give_up.emplace(loop, loop.now() + std::chrono::seconds(3), [&loop] { loop.exit(0); });
  });
  if (const int result = service.start(); result < 0) {
    runtime::log(Level::error,
                 "cannot serve on the system bus: " + policy::describe_errno(-result));
    return 1;
  }
  runtime::log(Level::notice, config ? "ready, user pool " + config->pool.user_pool_id
                                     : std::string("ready, not configured"));
  (void)sd_event_set_watchdog(loop.get(), 1);
  (void)sd_notify(
      0, config ? "READY=1\nSTATUS=Ready." : "READY=1\nSTATUS=Not configured: nobody can sign in.");
  return loop.run();
}

}  // namespace

int main(int argc, char** argv) try {
  if (!runtime::install_wiping_allocators()) {
    (void)std::fputs(
        "cognitod: cannot start: OpenSSL or libcurl does not take the wiping allocators\n", stderr);
    return 1;
  }
  keep_memory_private();
  const Options options = parse(argc, argv);
  if (options.leave_with) return *options.leave_with;
  return options.check_config ? check_config(options.config) : serve(options);
} catch (const std::exception& error) {
  (void)std::fprintf(stderr, "cognitod: %s\n", error.what());
  return 1;
}
