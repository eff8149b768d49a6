#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/doctor/checks.h"

namespace pamcognito::cli {
namespace {

using Settings = std::map<std::string, std::string>;

constexpr char kRestore[] =
    "systemctl revert cognitod, or take the line out of the drop-in (systemctl edit cognitod); "
    "then: systemctl restart cognitod";

// How systemd's value is compared with the wanted one.
enum class Compare : std::uint8_t {
  equal,
  at_least,  // a list that denies: systemd's has every word of it
  at_most,   // a list that permits: systemd's has no other word
  calls,     // SystemCallFilter: see holds_calls()
  programs,  // ExecPaths: see holds_programs()
};

// The settings of cognitod's sandbox, and those that keep its secrets in memory, as
// `systemctl show` prints them. A test compares the keys of this table with the shipped unit.
struct Directive {
  const char* key;
  const char* value;  // "": there must be none
  State if_not;
  const char* printed;  // as `systemctl show` prints it, if that is not `value`
  Compare compare = Compare::equal;
};
constexpr std::array kDirectives = {
    Directive{"NoNewPrivileges", "yes", State::fault, nullptr},
    Directive{"CapabilityBoundingSet", "", State::fault, nullptr},
    Directive{"AmbientCapabilities", "", State::fault, nullptr},
    Directive{"LimitCORE", "0", State::fault, nullptr},
    Directive{"MemorySwapMax", "0", State::fault, nullptr},
    Directive{"UMask", "0077", State::fault, nullptr},
    Directive{"StateDirectoryMode", "0700", State::fault, nullptr},
    Directive{"ProtectSystem", "strict", State::warning, nullptr},
    Directive{"ProtectHome", "yes", State::warning, nullptr},
    Directive{"PrivateUsers", "yes", State::warning, nullptr},
    Directive{"PrivateTmp", "yes", State::warning, nullptr},
    Directive{"PrivateDevices", "yes", State::warning, nullptr},
    Directive{"PrivateMounts", "yes", State::warning, nullptr},
    Directive{"ProtectKernelTunables", "yes", State::warning, nullptr},
    Directive{"ProtectKernelModules", "yes", State::warning, nullptr},
    Directive{"ProtectKernelLogs", "yes", State::warning, nullptr},
    Directive{"ProtectControlGroups", "yes", State::warning, nullptr},
    Directive{"ProtectHostname", "yes", State::warning, nullptr},
    Directive{"ProtectClock", "yes", State::warning, nullptr},
    Directive{"ProtectProc", "invisible", State::warning, nullptr},
    Directive{"ProcSubset", "pid", State::warning, nullptr},
    Directive{"NoExecPaths", "/", State::warning, nullptr, Compare::at_least},
    Directive{"ExecPaths", "cognitod and the libraries alone", State::warning, nullptr,
              Compare::programs},
    Directive{"RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6", State::warning, nullptr,
              Compare::at_most},
    Directive{"IPAddressAllow", "", State::warning, nullptr},  // exceptions of IPAddressDeny
    Directive{"IPAddressDeny", "169.254.169.254 fd00:ec2::254 multicast", State::warning,
              "169.254.169.254/32 fd00:ec2::254/128 224.0.0.0/4 ff00::/8", Compare::at_least},
    Directive{"RestrictNamespaces", "yes", State::warning, nullptr},
    Directive{"RestrictRealtime", "yes", State::warning, nullptr},
    Directive{"RestrictSUIDSGID", "yes", State::warning, nullptr},
    Directive{"RemoveIPC", "yes", State::warning, nullptr},
    Directive{"LockPersonality", "yes", State::warning, nullptr},
    Directive{"MemoryDenyWriteExecute", "yes", State::warning, nullptr},
    Directive{"SystemCallArchitectures", "native", State::warning, nullptr},
    // systemd prints the number.
    Directive{"SystemCallErrorNumber", "EPERM", State::warning, "1"},
    Directive{"SystemCallFilter",
              "@system-service ~@privileged @resources @keyring @aio @ipc memfd_create pipe pipe2 "
              "~listen accept accept4",
              State::warning, nullptr, Compare::calls},
};

// systemd prints the filter as a list of system calls, which is different in each version. So
// doctor looks for samples: one call of each group that the shipped unit denies or does not permit,
// and those that cognitod needs.
constexpr std::array<std::string_view, 20> kDeniedCalls = {
    "setuid", "chown",  "bpf",    "chroot",        "setpriority", "keyctl",         "io_setup",
    "shmget", "msgget", "listen", "accept",        "accept4",     "ptrace",         "mount",
    "reboot", "swapon", "iopl",   "clock_settime", "init_module", "perf_event_open"};
constexpr std::array<std::string_view, 2> kPermittedCalls = {"memfd_create", "pipe2"};

// Settings of the unit beside those of the table.
constexpr std::string_view kOtherProperties =
    "LoadState,NeedDaemonReload,User,DynamicUser,FileDescriptorStoreMax,"
    "FileDescriptorStorePreserve,LimitMEMLOCK,WatchdogUSec,Restart";

std::expected<Settings, std::string> ask_systemd(const System& system) {
  std::string properties(kOtherProperties);
  for (const Directive& directive : kDirectives) properties.append(",").append(directive.key);
  const auto text = system.run(
      {"/usr/bin/systemctl", "show", "cognitod.service", "--no-pager", "--property=" + properties});
  if (!text) return std::unexpected(text.error().text);
  Settings settings;
  for (const std::string& line : lines_of(*text)) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) settings[line.substr(0, equals)] = line.substr(equals + 1);
  }
  if (!settings.contains("LoadState"))
    return std::unexpected("systemctl show does not tell the unit's LoadState");
  return settings;
}

std::string value_of(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? std::string() : found->second;
}

bool has_word(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

bool holds_calls(const std::vector<std::string>& calls) {
  // A list that begins with "~" denies, and permits every other call.
  if (calls.empty() || calls.front().starts_with('~')) return false;
  return std::ranges::none_of(kDeniedCalls, [&](auto call) { return has_word(calls, call); }) &&
         std::ranges::all_of(kPermittedCalls, [&](auto call) { return has_word(calls, call); });
}

// ExecPaths makes exceptions of NoExecPaths: cognitod, the directory of the shared libraries, and
// kill on releases whose systemd reloads cognitod by it.
bool holds_programs(const std::vector<std::string>& paths) {
  return std::ranges::all_of(paths, [](std::string_view path) {
    if (path.starts_with('-')) path.remove_prefix(1);
    return path.ends_with("/libexec/cognitod") || path == "/usr/lib64" || path == "/usr/bin/kill" ||
           (path.starts_with("/usr/lib/") && path.contains("-linux-"));
  });
}

bool holds(const Settings& settings, const Directive& directive) {
  const auto found = settings.find(directive.key);
  const std::string wanted(directive.printed == nullptr ? directive.value : directive.printed);
  // systemctl may leave an empty property out; an absent CapabilityBoundingSet is not known.
  if (found == settings.end())
    return wanted.empty() && std::string_view(directive.key) != "CapabilityBoundingSet";
  const std::vector<std::string> words = words_of(found->second);
  const std::vector<std::string> wanted_words = words_of(wanted);
  switch (directive.compare) {
    case Compare::equal:
      return found->second == wanted || found->second == directive.value;
    case Compare::at_least:
      if (has_word(words, "0.0.0.0/0") && has_word(words, "::/0")) return true;  // any address
      return std::ranges::all_of(wanted_words, [&](auto& word) { return has_word(words, word); });
    case Compare::at_most:
      return !words.empty() &&
             std::ranges::all_of(words, [&](auto& word) { return has_word(wanted_words, word); });
    case Compare::calls:
      return holds_calls(words);
    case Compare::programs:
      return holds_programs(words);
  }
  return false;
}

Finding check_sandbox(const Settings& settings) {
  const Check check{"unit-sandbox", "cognitod runs in its sandbox, and its secrets stay in memory"};
  State worst = State::ok;
  std::string missing;
  for (const Directive& directive : kDirectives) {
    if (holds(settings, directive)) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(directive.key) + "=" + directive.value;
    if (worst != State::fault) worst = directive.if_not;
  }
  if (worst == State::ok) return check.ok();
  return {check.id, check.title, worst, "the unit does not say: " + missing, kRestore};
}

Finding check_user(const Settings& settings) {
  const Check check{"unit-user", "cognitod does not run as root"};
  const std::string user = value_of(settings, "User");
  if (!user.empty() && user != "root" && user != "0") return check.ok(user);
  if (value_of(settings, "DynamicUser") == "yes") return check.ok("a dynamic user");
  return check.fault("the unit has no User=", kRestore);
}

// "252" for "252.39-1~deb12u2"; empty: systemd does not answer.
std::string version_of_systemd(const System& system) {
  const auto version =
      system.run({"/usr/bin/systemctl", "show", "--no-pager", "--value", "--property=Version"});
  return version ? version->substr(0, version->find_first_not_of("0123456789")) : std::string();
}

using Words = std::vector<std::string>;

// systemd's words for true (systemd.syntax(7)).
bool is_yes(const Words& value) {
  return value == Words{"yes"} || value == Words{"true"} || value == Words{"on"} ||
         value == Words{"1"};
}

// Is a setting in the unit's files, although systemd has no such property?
bool is_written_in_vain(const System& system, const Settings& settings, const std::string& key) {
  if (settings.contains(key)) return false;
  const auto files = system.run({"/usr/bin/systemctl", "cat", "--no-pager", "cognitod.service"});
  return files && std::ranges::any_of(lines_of(*files), [&](const std::string& line) {
           const std::size_t equals = line.find('=');
           return equals != std::string::npos && words_of(line.substr(0, equals)) == Words{key} &&
                  is_yes(words_of(line.substr(equals + 1)));
         });
}

Finding check_store(const System& system, const Settings& settings) {
  Check check{"unit-fd-store", "sessions outlive a restart of cognitod"};
  unsigned count = 0;
  const std::string value = value_of(settings, "FileDescriptorStoreMax");
  std::from_chars(value.data(), value.data() + value.size(), count);
  if (count == 0)
    return check.warning("the unit has no FileDescriptorStoreMax: a restart signs everybody out",
                         "FileDescriptorStoreMax=2 in [Service], or " + std::string(kRestore));
  constexpr char kPreserve[] = "FileDescriptorStorePreserve";
  if (is_written_in_vain(system, settings, kPreserve))
    return check.warning("systemd " + version_of_systemd(system) + " does not know " + kPreserve +
                             ": systemctl stop ends the sessions all the same",
                         "take the line out of the drop-in (systemctl edit cognitod)");
  if (value_of(settings, kPreserve) != "yes") return check.ok();
  check.title = "sessions outlive a restart of cognitod, and systemctl stop";
  return check.ok("FileDescriptorStorePreserve is yes");
}

// systemctl prints bytes, or "infinity".
std::optional<std::uint64_t> size_of(const std::string& value) {
  if (value == "infinity") return UINT64_MAX;
  std::uint64_t number = 0;
  const char* end = value.data() + value.size();
  const auto [at, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

Finding check_locked_memory(const Settings& settings) {
  const Check check{"unit-memlock", "cognitod may lock the memory of its secrets"};
  constexpr std::uint64_t needed = 64ULL * 1024 * 1024;
  const auto size = size_of(value_of(settings, "LimitMEMLOCK"));
  if (size && *size >= needed) return check.ok();
  return check.fault("LimitMEMLOCK is " +
                         (size ? value_of(settings, "LimitMEMLOCK") : std::string("not set")) +
                         ", and 64M is needed",
                     kRestore);
}

Finding check_watchdog(const Settings& settings) {
  const Check check{"unit-watchdog", "systemd restarts a cognitod that hangs"};
  const std::string watchdog = value_of(settings, "WatchdogUSec");
  const std::string restart = value_of(settings, "Restart");
  if (watchdog.empty() || watchdog == "0" || watchdog == "infinity" || restart.empty() ||
      restart == "no")
    return check.warning(
        "the unit has no WatchdogSec or no Restart: a cognitod that hangs keeps "
        "its users out",
        kRestore);
  return check.ok();
}

}  // namespace

Findings check_unit(const System& system) {
  const Check check{"unit-installed", "systemd knows cognitod.service"};
  if (system.is_this_machine() && !system.status("/run/systemd/system"))
    return {check.skipped("systemd does not run here")};
  const auto settings = ask_systemd(system);
  if (!settings) return {check.skipped("systemd cannot be asked: " + settings.error())};
  const std::string state = value_of(*settings, "LoadState");
  if (state != "loaded")
    return {check.fault(
        state == "not-found" ? "there is no cognitod.service" : "cognitod.service is " + state,
        state == "masked" ? "systemctl unmask cognitod"
                          : "install the package again; then: "
                            "systemctl daemon-reload")};
  return {value_of(*settings, "NeedDaemonReload") == "yes"
              ? check.warning("the files of the unit have changed since systemd read them",
                              "systemctl daemon-reload; then: systemctl restart cognitod")
              : check.ok(),
          check_user(*settings),
          check_sandbox(*settings),
          check_store(system, *settings),
          check_locked_memory(*settings),
          check_watchdog(*settings)};
}

}  // namespace pamcognito::cli
