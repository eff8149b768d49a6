#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
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

// What the unit says of its sandbox, and for secrets to stay in memory. A test holds this table
// against the shipped unit: whatever is taken out of the one is missed by the other.
struct Directive {
  const char* key;
  const char* value;  // "": there must be none, as an empty set
  State if_not;
};
constexpr std::array kDirectives = {
    Directive{"NoNewPrivileges", "yes", State::fault},
    Directive{"CapabilityBoundingSet", "", State::fault},
    Directive{"AmbientCapabilities", "", State::fault},
    Directive{"LimitCORE", "0", State::fault},
    Directive{"MemorySwapMax", "0", State::fault},
    Directive{"UMask", "0077", State::fault},
    Directive{"StateDirectoryMode", "0700", State::fault},
    Directive{"ProtectSystem", "strict", State::warning},
    Directive{"ProtectHome", "yes", State::warning},
    Directive{"PrivateUsers", "yes", State::warning},
    Directive{"PrivateTmp", "yes", State::warning},
    Directive{"PrivateDevices", "yes", State::warning},
    Directive{"PrivateMounts", "yes", State::warning},
    Directive{"ProtectKernelTunables", "yes", State::warning},
    Directive{"ProtectKernelModules", "yes", State::warning},
    Directive{"ProtectKernelLogs", "yes", State::warning},
    Directive{"ProtectControlGroups", "yes", State::warning},
    Directive{"ProtectHostname", "yes", State::warning},
    Directive{"ProtectClock", "yes", State::warning},
    Directive{"ProtectProc", "invisible", State::warning},
    Directive{"ProcSubset", "pid", State::warning},
    Directive{"NoExecPaths", "/", State::warning},
    Directive{"RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6", State::warning},
    Directive{"IPAddressDeny", "169.254.169.254 fd00:ec2::254 multicast", State::warning},
    Directive{"RestrictNamespaces", "yes", State::warning},
    Directive{"RestrictRealtime", "yes", State::warning},
    Directive{"RestrictSUIDSGID", "yes", State::warning},
    Directive{"RemoveIPC", "yes", State::warning},
    Directive{"LockPersonality", "yes", State::warning},
    Directive{"MemoryDenyWriteExecute", "yes", State::warning},
    Directive{"SystemCallArchitectures", "native", State::warning},
    Directive{"SystemCallErrorNumber", "EPERM", State::warning},
    Directive{"SystemCallFilter",
              "@system-service ~@privileged @resources @keyring @aio @ipc memfd_create pipe pipe2 "
              "~listen accept accept4",
              State::warning},
};

// Lists that grow with each line; a line without a value empties them (systemd.exec(5)).
constexpr std::array<std::string_view, 7> kLists = {
    "CapabilityBoundingSet",   "AmbientCapabilities",     "NoExecPaths",
    "IPAddressDeny",           "RestrictAddressFamilies", "SystemCallFilter",
    "SystemCallArchitectures",
};

// The later file's word counts, as for systemd.
void add_settings(const std::string& text, Settings* settings) {
  std::string section;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with('[')) {
      section = line.substr(0, line.find(']') + 1);
      continue;
    }
    const std::size_t equals = line.find('=');
    if (section != "[Service]" || equals == std::string::npos) continue;
    std::string key = line.substr(0, equals);
    key.erase(key.find_last_not_of(" \t") + 1);
    std::string value = line.substr(equals + 1);
    value.erase(0, std::min(value.size(), value.find_first_not_of(" \t")));
    value.erase(value.find_last_not_of(" \t\r") + 1);
    std::string& setting = (*settings)[key];
    const bool grows = std::ranges::find(kLists, key) != kLists.end();
    if (grows && !value.empty() && !setting.empty())
      setting += " " + value;
    else
      setting = value;
  }
}

std::optional<Settings> unit_of(const System& system) {
  std::optional<Settings> settings;
  // systemd.unit(5): the first that exists is the unit.
  for (const std::string directory :
       {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system", "/lib/systemd/system"}) {
    const auto text = system.read(directory + "/cognitod.service");
    if (!text) continue;
    settings.emplace();
    add_settings(*text, &*settings);
    break;
  }
  if (!settings) return settings;
  // Drop-ins go by name over all directories; one in /etc hides one of the same name elsewhere.
  std::map<std::string, std::string> drop_ins;
  for (const std::string directory :
       {"/usr/lib/systemd/system", "/run/systemd/system", "/etc/systemd/system"})
    for (const std::string& name : system.list(directory + "/cognitod.service.d"))
      if (name.ends_with(".conf")) drop_ins[name] = directory + "/cognitod.service.d/" + name;
  for (const auto& [name, path] : drop_ins)
    add_settings(system.read(path).value_or(""), &*settings);
  return settings;
}

std::string value_of(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? std::string() : found->second;
}

bool is_yes(const std::string& value) {
  return value == "yes" || value == "true" || value == "on" || value == "1";
}

bool holds(const Settings& settings, const Directive& directive) {
  const auto found = settings.find(directive.key);
  const std::string_view wanted(directive.value);
  // An absent CapabilityBoundingSet is the full set, an absent AmbientCapabilities is none.
  if (found == settings.end())
    return wanted.empty() && std::string_view(directive.key) == "AmbientCapabilities";
  return wanted == "yes" ? is_yes(found->second) : found->second == wanted;
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
  if (is_yes(value_of(settings, "DynamicUser"))) return check.ok("a dynamic user");
  return check.fault("the unit has no User=", kRestore);
}

// 257 for "systemd 257 (257.13-1)"; 0: it is not known.
unsigned version_of_systemd(const System& system) {
  const auto text = system.run({"/usr/bin/systemctl", "--version"});
  const std::vector<std::string> words = text ? words_of(*text) : std::vector<std::string>();
  unsigned version = 0;
  if (words.size() > 1)
    std::from_chars(words[1].data(), words[1].data() + words[1].size(), version);
  return version;
}

Finding check_store(const System& system, const Settings& settings) {
  Check check{"unit-fd-store", "sessions outlive a restart of cognitod"};
  unsigned count = 0;
  const std::string value = value_of(settings, "FileDescriptorStoreMax");
  std::from_chars(value.data(), value.data() + value.size(), count);
  if (count == 0)
    return check.warning("the unit has no FileDescriptorStoreMax: a restart signs everybody out",
                         "FileDescriptorStoreMax=2 in [Service], or " + std::string(kRestore));
  constexpr unsigned kFirstThatPreserves = 254;
  if (!is_yes(value_of(settings, "FileDescriptorStorePreserve"))) return check.ok();
  const unsigned version = version_of_systemd(system);
  if (version > 0 && version < kFirstThatPreserves)
    return check.warning("systemd " + std::to_string(version) +
                             " does not know FileDescriptorStorePreserve: systemctl stop ends the "
                             "sessions all the same",
                         "take the line out of the drop-in (systemctl edit cognitod)");
  check.title = "sessions outlive a restart of cognitod, and systemctl stop";
  return check.ok("FileDescriptorStorePreserve is " +
                  value_of(settings, "FileDescriptorStorePreserve"));
}

// "64M" in bytes; nullopt: no number. "infinity" is the largest.
std::optional<std::uint64_t> size_of(std::string value) {
  if (value == "infinity") return UINT64_MAX;
  value = value.substr(0, value.find(':'));  // the soft limit of SOFT:HARD
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(value.data() + value.size() - end));
  constexpr std::uint64_t kibi = 1024;
  if (unit.empty()) return number;
  if (unit == "K") return number * kibi;
  if (unit == "M") return number * kibi * kibi;
  if (unit == "G") return number * kibi * kibi * kibi;
  return std::nullopt;
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
  const std::string watchdog = value_of(settings, "WatchdogSec");
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
  const auto settings = unit_of(system);
  if (!settings && system.is_this_machine() && !system.status("/run/systemd/system"))
    return {check.skipped("systemd does not run here")};
  if (!settings)
    return {check.fault("there is no cognitod.service",
                        "install the package again; then: "
                        "systemctl daemon-reload")};
  return {check.ok(),
          check_user(*settings),
          check_sandbox(*settings),
          check_store(system, *settings),
          check_locked_memory(*settings),
          check_watchdog(*settings)};
}

}  // namespace pamcognito::cli
