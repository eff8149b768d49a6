#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "cli/doctor/checks.h"

namespace pamcognito::cli {
namespace {

constexpr char kConfigDirectory[] = "/etc/pam-cognito";
constexpr char kStateDirectory[] = "/var/lib/cognitod";
// The app client's secret.
constexpr char kEncryptedDirectory[] = "/etc/credstore.encrypted";
constexpr char kEncrypted[] = "/etc/credstore.encrypted/cognitod.client_secret";

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

// systemd decrypts the app client's secret and hands it over, from where the unit names it.
Finding check_credential(const System& system) {
  const Check check{"credential-permissions", "nobody but root reads the app client's secret"};
  const std::string encrypted = kEncrypted;
  const std::string plain = "/etc/credstore/cognitod.client_secret";
  if (const auto status = system.status(plain)) {
    const std::string leaked =
        (status->mode & 077U) == 0 ? "" : "; others could read it: ask AWS for a new secret";
    return check.fault(plain + " is not encrypted", "systemd-creds encrypt --name=client_secret " +
                                                        plain + " " + encrypted + " && shred -u " +
                                                        plain + leaked);
  }
  const auto status = system.status(encrypted);
  if (!status)
    return status.error() == ENOENT ? check.ok("there is none")
                                    : check.skipped(encrypted + " cannot be looked at");
  // systemd-creds leaves the file readable, but a directory of root's alone lets nobody get there.
  const auto directory = system.status(kEncryptedDirectory);
  const bool closed = directory && directory->owner == 0 && (directory->mode & 077U) == 0;
  if (!closed && (status->mode & 077U) != 0)
    return check.warning(encrypted + " can be read by others (it is encrypted)",
                         "chmod 0600 " + encrypted);
  return check.ok();
}

// A cloned image, a host key that is gone, another TPM: the unit does not start without its secret.
Finding check_decryption(const System& system) {
  const Check check{"credential-decrypts", "the app client's secret can be decrypted here"};
  if (!system.status(kEncrypted)) return check.ok("there is none, or it cannot be looked at");
  const auto secret =
      system.run({"/usr/bin/systemd-creds", "decrypt", "--name=client_secret", kEncrypted, "-"});
  if (secret) return check.ok();
  if (secret.error().kind != ProgramError::Kind::failed) return check.skipped(secret.error().text);
  return check.fault(
      std::string(kEncrypted) + " cannot be decrypted on this machine: cognitod does not start",
      "encrypt it anew: systemd-creds encrypt --name=client_secret - " + std::string(kEncrypted));
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
  if (daemon->uid >= 1000)
    return check.fault("the user cognitod is an ordinary account or a directory's (uid " +
                           std::to_string(daemon->uid) + "): its user can answer all sign-ins",
                       "rename that account, then: systemd-sysusers pam-cognito.conf");
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
  return {check_configuration_files(system), check_credential(system), check_decryption(system),
          check_state(system), check_identities(system)};
}

}  // namespace pamcognito::cli
