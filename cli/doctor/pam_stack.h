#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/doctor/system.h"

namespace pamcognito::cli {

// One line of a PAM stack, with its includes put in (pam.d(5)).
struct PamRule {
  std::map<std::string, std::string> control;  // return code, or "default" -> action
  std::string module;                          // "pam_unix.so"; "" marks where a substack begins
  std::vector<std::string> arguments;
  std::string place;                // "/etc/pam.d/common-auth:17"
  bool missing_is_ignored = false;  // '-' before the type
  unsigned level = 0;               // substacks that it is inside of
};

struct PamStack {
  std::vector<PamRule> rules;
  std::vector<std::string> problems;  // lines that libpam would not understand either

  [[nodiscard]] bool names(std::string_view module) const;
};

// The names of all services: of the administrator's files, and of those that packages bring for
// libpam 1.5.3 and later. The shared files are judged by what includes them.
std::set<std::string> pam_services(const System& system);

// The stack of a service for a type: "auth", "account", "password" or "session".
PamStack read_pam_stack(const System& system, const std::string& service, const std::string& type);

// How a stack ends: the code that the program gets ("success", "auth_err", …), and the line that
// decided it (null: the end of the stack was reached).
struct StackResult {
  std::string code;
  const PamRule* decided_by = nullptr;

  [[nodiscard]] bool success() const { return code == "success"; }
};

// Walks the stack as libpam's dispatcher does (Linux-PAM 1.5, libpam/pam_dispatch.c describes it by
// its code). `answer` gives the return value of each module.
StackResult walk_pam_stack(const std::vector<PamRule>& rules,
                           const std::function<std::string(const PamRule&)>& answer);

}  // namespace pamcognito::cli
