#pragma once

#include <sys/types.h>

#include <map>
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
  // The output of `sshd -T`.
  void set_sshd(const std::string& key, const std::string& value) { sshd_[key] = value; }
  void remove_sshd() { sshd_.clear(); }
  // The output of `systemctl --version`; empty: there is no systemctl.
  void set_systemd(const std::string& said) { systemd_ = said; }
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
  std::string systemd_ = "systemd 257 (257.13-1~deb13u1)\n+PAM +AUDIT\n";
  bool host_key_ = true;
  std::string local_users_;
};

}  // namespace pamcognito::test
