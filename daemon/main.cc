#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/daemon.h"
#include "daemon/policy/config.h"
#include "daemon/prompts/catalogue.h"
#include "daemon/runtime/journal.h"
#include "daemon/runtime/wiping.h"

namespace {

using namespace pamcognito;
using runtime::Level;

constexpr char kUsage[] =
    "Usage: cognitod [--config FILE] [--state DIR] [--check-config] [--debug] [--version] "
    "[--help]\n"
    "\n"
    "Signs Linux users in with an Amazon Cognito user pool, on behalf of pam_cognito.so.\n"
    "\n"
    "  --config FILE    read FILE and FILE.d/*.conf (default: /etc/pam-cognito/cognitod.conf)\n"
    "  --state DIR      the folder of what outlives a boot (default: $STATE_DIRECTORY, else\n"
    "                   /var/lib/cognitod)\n"
    "  --check-config   say what is wrong with the configuration, and leave; status 1 if it is\n"
    "                   not valid\n"
    "  --debug          log more; never secrets\n";

// The service manager's word (systemd.exec(5), StateDirectory=).
std::string default_state_directory() {
  const char* given = std::getenv("STATE_DIRECTORY");
  return given != nullptr && *given == '/' ? given : "/var/lib/cognitod";
}

struct Options {
  std::string config = policy::kConfigPath;
  std::string state = default_state_directory();
  bool check_config = false;
  std::optional<int> leave_with;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (argument == "--config" || argument == "--state") {
      if (i + 1 == argc) {
        (void)std::fprintf(stderr, "cognitod: %s needs a path\n", argv[i]);
        options.leave_with = 2;
        break;
      }
      (argument == "--config" ? options.config : options.state) = argv[i + 1];
      ++i;
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
  for (const auto* warnings : {&config->warnings, &config->old_names})
    for (const std::string& warning : *warnings)
      (void)std::fprintf(stderr, "warning: %s\n", warning.c_str());
  (void)std::printf("%s is valid.\n", path.c_str());
  return 0;
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
  if (options.check_config) return check_config(options.config);
  Daemon daemon(options.config, options.state);
  return daemon.run();
} catch (const std::exception& error) {
  (void)std::fprintf(stderr, "cognitod: %s\n", error.what());
  return 1;
}
