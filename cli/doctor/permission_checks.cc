#include <cstdio>

#include "cli/doctor/checks.h"

namespace pamcognito::cli {
namespace {

constexpr char kConfigDirectory[] = "/etc/pam-cognito";
constexpr char kStateDirectory[] = "/var/lib/cognitod";

std::string octal(mode_t mode) {
  char text[16];
  (void)std::snprintf(text, sizeof(text), "%04o", static_cast<unsigned>(mode));
  return text;
}

Finding check_configuration_files(const System& system) {
  const Check check{"etc-permissions", "only root may change /etc/pam-cognito"};
  std::vector<std::string> paths{kConfigDirectory};
  for (const std::string& name : system.list(kConfigDirectory))
    paths.push_back(std::string(kConfigDirectory) + "/" + name);
  for (const std::string& name : system.list(std::string(kConfigDirectory) + "/cognitod.conf.d"))
    paths.push_back(std::string(kConfigDirectory) + "/cognitod.conf.d/" + name);
  for (const std::string& path : paths) {
    const auto status = system.status(path);
    if (!status)
      return path == kConfigDirectory
                 ? check.fault(path + " does not exist", "install the package again")
                 : check.skipped(path + " cannot be looked at");
    if (status->owner != 0)
      return check.fault(path + " belongs to uid " + std::to_string(status->owner),
                         "chown root:root " + path);
    if ((status->mode & 022U) != 0)
      return check.fault(
          path + " can be changed by others than root (mode " + octal(status->mode) + ")",
          "chmod go-w " + path);
  }
  return check.ok();
}

// systemd hands the app client's secret over; the file should be the encrypted form, root's alone.
Finding check_credential(const System& system) {
  const Check check{"credential-permissions", "nobody but root reads the app client's secret"};
  bool any = false;
  for (const std::string& name : system.list(kConfigDirectory)) {
    if (!name.starts_with("client_secret")) continue;
    any = true;
    const std::string path = std::string(kConfigDirectory) + "/" + name;
    const auto status = system.status(path);
    if (status && (status->mode & 077U) == 0) continue;
    const std::string remedy = "chmod 0600 " + path;
    if (name.ends_with(".cred"))
      return check.warning(path + " can be read by others (it is encrypted)", remedy);
    return check.fault(path + " can be read by others, and is not encrypted",
                       remedy + ", and ask AWS for a new secret");
  }
  return check.ok(any ? "" : "there is none in /etc/pam-cognito");
}

Finding check_state(const System& system) {
  const Check check{"state-permissions", "only cognitod reads its state"};
  const auto status = system.status(kStateDirectory);
  if (!status)
    return check.warning(std::string(kStateDirectory) + " does not exist (yet)",
                         "start cognitod once: systemctl restart cognitod");
  const auto daemon = system.account("cognitod");
  if (!daemon)
    return check.fault("there is no user cognitod",
                       "systemd-sysusers, or install the package again");
  if (status->owner != daemon->uid || (status->mode & 077U) != 0)
    return check.fault(
        std::string(kStateDirectory) + " belongs to uid " + std::to_string(status->owner) +
            ", mode " + octal(status->mode),
        "chown -R cognitod: " + std::string(kStateDirectory) + " && chmod 0700 " + kStateDirectory);
  return check.ok();
}

Finding check_identities(const System& system) {
  const Check check{"identities-file", "the file of the identities is whole"};
  constexpr std::string_view magic = "SQLite format 3";
  for (const std::string& name : system.list(kStateDirectory)) {
    if (!name.ends_with(".db") && !name.ends_with(".sqlite") && !name.ends_with(".sqlite3"))
      continue;
    const std::string path = std::string(kStateDirectory) + "/" + name;
    const auto text = system.read(path);
    // A large one is not read whole, and is none the worse for it.
    if (!text && text.error() == EFBIG) continue;
    if (!text) return check.skipped(path + " cannot be read: run it as root");
    if (!text->empty() && !text->starts_with(magic))
      return check.fault(path + " is no SQLite file: nobody can sign in",
                         "restore it from a backup; or remove it, and every user is pinned anew at "
                         "the next sign-in");
  }
  return check.ok();
}

}  // namespace

Findings check_permissions(const System& system) {
  return {check_configuration_files(system), check_credential(system), check_state(system),
          check_identities(system)};
}

}  // namespace pamcognito::cli
