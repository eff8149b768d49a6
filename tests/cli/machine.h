#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>

#include "cli/doctor/checks.h"
#include "cli/doctor/system.h"

namespace pamcognito::test {

// A directory tree that looks like a machine on which pam-cognito is rightly installed: the shipped
// bus policy, unit and PAM profile, as Debian's pam-auth-update would have written it. Tests plant
// faults into it. Root only, as files must be root's.
class Machine {
 public:
  Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  void write(const std::string& path, const std::string& text, mode_t mode = 0644);
  [[nodiscard]] std::string text(const std::string& path) const;
  void replace(const std::string& path, const std::string& from, const std::string& to);
  void remove(const std::string& path);
  void chmod(const std::string& path, mode_t mode);
  void chown(const std::string& path, uid_t uid);
  // The account ann.lee, that no local file names, with uid 1900000001.
  void add_accounts();
  // The output of `sshd -T`.
  void set_sshd(const std::string& key, const std::string& value) { sshd_[key] = value; }
  void remove_sshd() { sshd_.clear(); }
  // A property of cognitod.service, as `systemctl show` prints it.
  void set_unit(const std::string& key, const std::string& value) { unit_[key] = value; }
  void remove_unit_property(const std::string& key) { unit_.erase(key); }
  // The users whom `sudo -l -U` permits a shell as root. "(hangs for) bob": sudo has no answer
  // about bob.
  void set_sudoers(const std::set<std::string>& users) { sudoers_ = users; }
  // The output of `systemctl cat`.
  void set_unit_files(const std::string& text) { unit_files_ = text; }
  // systemctl fails.
  void remove_systemd() { unit_.clear(); }
  [[nodiscard]] const std::map<std::string, std::string>& unit() const { return unit_; }
  // Makes the credential one that is encrypted for another machine.
  void lose_host_key() { host_key_ = false; }
  // The output of `pam-cognito-local-users --check`.
  void set_local_users(const std::string& said) { local_users_ = said; }

  // All checks but those that need a network or a bus.
  [[nodiscard]] cli::Findings findings() const;
  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  std::string root_;
  std::map<std::string, std::string> sshd_;
  std::map<std::string, std::string> unit_;
  std::string unit_files_;
  std::set<std::string> sudoers_ = {"root", "admin"};
  bool host_key_ = true;
  std::string local_users_;
};

}  // namespace pamcognito::test
