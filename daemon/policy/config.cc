#include "daemon/policy/config.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "common/text.h"
#include "daemon/policy/config_files.h"
#include "daemon/policy/credential.h"
#include "daemon/policy/ini_file.h"
#include "daemon/policy/reauth.h"
#include "daemon/policy/setting_names.h"
#include "daemon/policy/settings.h"

namespace pamcognito::policy {
namespace {

using cognito::AuthFlow;
using cognito::Method;
using cognito::PoolConfig;
using Checked = std::expected<void, std::string>;

constexpr char kSystemBundle[] = "/etc/ssl/certs/ca-certificates.crt";

// Reads the files into a draft.
class Loader {
 public:
  explicit Loader(const std::string& path) : path_(path) {}

  ConfigResult load() {
    const auto files = read_config_files(path_);
    if (!files) return std::unexpected(files.error());
    for (const ConfigText& file : *files) {
      if (auto added = add(file); !added) return std::unexpected(std::move(added.error()));
    }
    for (const auto& check :
         {&Loader::derive_pool, &Loader::check_ca_file, &Loader::check_metadata,
          &Loader::check_limits, &Loader::check_reauth, &Loader::take_client_secret}) {
      if (auto checked = (this->*check)(); !checked) {
        return std::unexpected(std::move(checked.error()));
      }
    }
    warn();
    return std::move(draft_.config);
  }

 private:
  Checked add(const ConfigText& file) {
    const auto parsed = parse_ini(file.text);
    if (!parsed) return wrong(place(file, parsed.error().line), parsed.error().message);
    for (const IniSection& section : parsed->sections) {
      const bool former = is_former_section(section.name);
      if (const std::string problem = former ? "" : check_section(section.name); !problem.empty()) {
        return wrong(place(file, section.line), "[" + section.name + "] " + problem);
      }
      if (const std::string name = present_section(section.name); name != section.name)
        draft_.config.old_names.push_back(place(file, section.line) + ": [" + section.name +
                                          "] is now [" + name + "]");
    }
    for (const IniEntry& entry : parsed->entries)
      if (auto added = add_entry(file, entry); !added) return added;
    return {};
  }

  Checked add_entry(const ConfigText& file, const IniEntry& entry) {
    const std::string here = place(file, entry.line);
    NamedSetting setting = by_present_name(entry.section, entry.key, entry.value);
    const auto applied = apply_setting(draft_, setting.section, setting.key, setting.value);
    if (!applied)
      return wrong(here, named(setting.section, setting.key) + applied.error() +
                             (setting.key == entry.key ? "" : "; here it is called " + entry.key));
    const std::string written = "[" + entry.section + "] " + entry.key;
    const auto [given, is_new] =
        draft_.config.given.try_emplace({setting.section, setting.key}, GivenSetting());
    if (!is_new && given->second.written != written)
      return wrong(here, written + " and " + given->second.written + " (" + given->second.place +
                             ") are the same setting: keep [" + setting.section + "] " +
                             setting.key);
    given->second = {std::move(setting.value), here, written};
    if (!setting.renamed.empty()) draft_.config.old_names.push_back(here + ": " + setting.renamed);
    return {};
  }

  Checked derive_pool() {
    PoolConfig& pool = draft_.config.pool;
    const cognito::EndpointSettings& settings = draft_.endpoint;
    if (settings.user_pool_id.empty()) return missing("user_pool_id");
    if (settings.region.empty() && settings.endpoint.empty()) return missing("region");
    if (pool.client_id.empty()) return missing("client_id");
    auto endpoints = cognito::derive_endpoints(settings);
    if (!endpoints) {
      return wrong_key("pool", endpoints.error().key, endpoints.error().message);
    }
    pool.region = settings.region.empty()
                      ? std::string(cognito::region_of_pool_id(settings.user_pool_id))
                      : settings.region;
    pool.user_pool_id = settings.user_pool_id;
    pool.endpoint = std::move(endpoints->endpoint);
    pool.issuers = std::move(endpoints->issuers);
    pool.jwks_uris = std::move(endpoints->jwks_uris);
    return {};
  }

  Checked check_ca_file() {
    std::string& ca_file = draft_.config.pool.ca_file;
    const bool given = !ca_file.empty();
    if (!given) ca_file = kSystemBundle;
    if (::access(ca_file.c_str(), R_OK) == 0) return {};
    const std::string problem = "cannot be read: " + describe_errno(errno);
    if (given) return wrong_key("pool", "ca_file", problem);
    if (draft_.config.pool.endpoint.starts_with("http:")) return {};
    return wrong(ca_file, problem + ": install ca-certificates, or set ca_file in [pool]");
  }

  Checked check_metadata() {
    const ClientMetadataConfig& metadata = draft_.config.client_metadata;
    for (const auto& [name, sent] : {std::pair{"host", metadata.host},
                                     {"service", metadata.service},
                                     {"remote-host", metadata.remote_host}}) {
      if (!sent || !metadata.pairs.contains(name)) continue;
      return wrong_key("client_metadata", name,
                       "is the name of a fact that `send` names: rename the pair, or do not send "
                       "the fact");
    }
    return {};
  }

  Checked check_limits() {
    LimitsConfig& limits = draft_.config.limits;
    Checked part = check_part("failures_unknown_origin", &limits.failures_unknown_origin,
                              "failures", limits.failures);
    if (!part) return part;
    return check_part("first_logins_per_source", &limits.first_logins_per_source, "first_logins",
                      limits.first_logins);
  }

  // A number of [limits] that is a part of another one: a default is lowered with it.
  Checked check_part(const char* key, unsigned* part, std::string_view whole_key, unsigned whole) {
    if (*part <= whole) return {};
    if (draft_.config.given.contains({"limits", key}))
      return wrong_key("limits", key, "is more than " + std::string(whole_key) + ": lower it");
    *part = whole;
    return {};
  }

  // [service locker]: for the user's own processes, such as lockers and `cognitoctl`.
  Checked check_reauth() {
    const auto own = draft_.config.services.find(kUserService);
    if (own != draft_.config.services.end() && own->second.reauth == Reauth::none)
      return wrong_key(section_of_service(kUserService), "reauth",
                       "is none, which is for services that run as root: any process of the user "
                       "could sign in by it; use password or full");
    return check_reauth_from();
  }

  Checked check_reauth_from() {
    for (const auto& [name, service] : draft_.config.services) {
      if (service.reauth_from != ReauthFrom::origin) continue;
      const std::string section = section_of_service(name);
      if (name == kUserService)
        return wrong_key(section, "reauth_from",
                         "is origin, which is for services that run as root: of the user's own "
                         "processes no remote address is known; use login");
      if (service.reauth != Reauth::password)
        return wrong_key(section, "reauth_from",
                         "is origin, which is accepted with reauth = password only: anybody at the "
                         "same address could sign in without a password otherwise");
    }
    return {};
  }

  Checked take_client_secret() {
    auto secret = read_client_secret();
    if (!secret) return std::unexpected(std::move(secret.error()));
    draft_.config.pool.client_secret = std::move(*secret);
    return {};
  }

  void warn() {
    constexpr unsigned kAttemptsBeforeLock = 5;
    Config& config = draft_.config;
    const AccessConfig& access = config.access;
    if (access.allow_all) {
      warn_of(
          "access", "allow_users",
          "opens this machine to everybody in the pool: if people may sign themselves up there, "
          "name groups in allow_groups instead");
    } else if (access.allow_groups.empty() && access.allow_users.empty()) {
      config.warnings.push_back(path_ +
                                ": nobody may sign in: name Cognito groups in allow_groups of "
                                "[access]");
    }
    if (access.allow_all && access.identity != Identity::pinned) {
      warn_of(
          "access", "identity",
          "ties a Linux user to the account that signs in first under its name, and allow_users "
          "= * lets everybody in the pool do so: name users or groups, or set identity = pinned");
    }
    if (config.limits.failures >= kAttemptsBeforeLock) {
      warn_of("limits", "failures",
              "lets an attacker lock a user out of the pool: Cognito locks after five failures");
    }
    const bool only_custom = config.mfa.methods == std::vector{Method::custom};
    if (config.pool.auth_flow == AuthFlow::custom && config.mfa.require && only_custom) {
      warn_of(
          "mfa", "methods",
          "lets nobody in: with auth_flow = custom a custom answer stands for the password, and "
          "no other second factor is accepted");
    }
    warn_of_sessions();
  }

  void warn_of_sessions() {
    const Config& config = draft_.config;
    const SessionConfig& session = config.session;
    const bool no_sessions = session.lifetime == std::chrono::seconds::zero();
    if (!no_sessions && session.unreachable_grace > session.lifetime) {
      warn_of("session", "unreachable_grace",
              "is longer than lifetime, which ends a session all the same");
    }
    for (const auto& [name, service] : config.services) {
      const Reauth reauth = service.reauth.value_or(Reauth::full);
      if (reauth == Reauth::full) continue;
      if (no_sessions) {
        warn_of(section_of_service(name), "reauth",
                "is " + std::string(to_string(reauth)) +
                    " without effect: lifetime = 0 of [session] means that there are no sessions");
      }
      if (reauth == Reauth::password && config.pool.auth_flow == AuthFlow::custom) {
        warn_of(section_of_service(name), "reauth",
                "is password without effect: with auth_flow = custom there is no password, and "
                "every sign-in is full");
      }
    }
    const std::string& textfile = config.metrics.textfile;
    if (!textfile.empty() && !textfile.ends_with(".prom")) {
      warn_of("metrics", "textfile",
              "does not end in .prom: Prometheus' node exporter reads no other files");
    }
  }

  static std::string place(const ConfigText& file, unsigned line) {
    return file.path + ":" + std::to_string(line);
  }
  static std::string named(const std::string& section, const std::string& key) {
    return key + " of [" + section + "] ";
  }
  static std::unexpected<std::string> wrong(const std::string& where, const std::string& what) {
    return std::unexpected(where + ": " + what);
  }
  // The file and line of the key; the main file, if no file has it.
  [[nodiscard]] std::string place_of(const std::string& section, const std::string& key) const {
    const auto found = draft_.config.given.find({section, key});
    return found == draft_.config.given.end() ? path_ : found->second.place;
  }
  [[nodiscard]] std::unexpected<std::string> wrong_key(const std::string& section,
                                                       const std::string& key,
                                                       const std::string& what) const {
    return wrong(place_of(section, key), named(section, key) + what);
  }
  [[nodiscard]] std::unexpected<std::string> missing(const std::string& key) const {
    return wrong(path_, named("pool", key) + "is missing: set it to connect a user pool");
  }
  void warn_of(const std::string& section, const std::string& key, const std::string& what) {
    draft_.config.warnings.push_back(place_of(section, key) + ": " + named(section, key) + what);
  }

  std::string path_;
  Draft draft_;
};

}  // namespace

ConfigResult load_config(const std::string& path) {
  return Loader(path).load();
}

}  // namespace pamcognito::policy
