#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "accounts/fleet_key.h"
#include "accounts/keeper.h"
#include "tests/cmocka_cpp.h"

namespace pamcognito::accounts {

inline constexpr char kTestPool[] = "eu-central-1_AbCdEfGhI";
inline constexpr char kTestConf[] =
    "[accounts]\nrange = 1879048192-2099999999\nnames = *.* x-* web?\nprefixes = x-\n"
    "suffixes = -adm\n[groups]\nsudo = linux-admins ops\ndocker = linux-docker\n";

inline AddOptions with_uid(uid_t uid) {
  AddOptions options;
  options.pool = kTestPool;
  options.uid = uid;
  return options;
}

inline AddOptions usual() {
  AddOptions options;
  options.pool = kTestPool;
  return options;
}

inline SignIn sign_in_of(const std::string& name, std::vector<std::string> groups = {}) {
  return {.name = name,
          .pool = kTestPool,
          .sub = "sub-of-" + name,
          .cognito_groups = std::move(groups)};
}

inline Result<Changed> sign_in(Keeper& keeper, const SignIn& change) {
  std::vector<Result<Changed>> results = keeper.sign_in({change});
  assert_int_equal(results.size(), 1);
  return std::move(results[0]);
}

// A root of its own, removed with this object.
class Machine {
 public:
  Machine() {
    char path[] = "/tmp/accounts-XXXXXX";
    if (::mkdtemp(path) == nullptr) std::abort();
    root_ = path;
    for (const char* const directory : {"/etc", "/etc/pam-cognito", "/var", "/var/lib"})
      if (::mkdir((root_ + directory).c_str(), 0755) != 0) std::abort();
    write("/etc/passwd",
          "root:x:0:0:root:/root:/bin/bash\ncarol:x:1000:1000::/home/carol:/bin/sh\n");
    write("/etc/group", "root:x:0:\nsudo:x:27:carol\ndocker:x:995:\ncarol:x:1000:\n");
    write("/etc/pam-cognito/accounts.conf", kTestConf);
    // The bytes 0 to 31.
    std::string digits;
    for (int i = 0; i < 32; ++i) {
      digits += "0123456789abcdef"[i / 16];
      digits += "0123456789abcdef"[i % 16];
    }
    write("/etc/pam-cognito/fleet.key", digits + "\n", 0600);
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string path(const std::string& name) const { return root_ + name; }

  void write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << text;
    if (::chmod(path(name).c_str(), mode) != 0) std::abort();
  }
  void append(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary | std::ios::app) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  [[nodiscard]] Keeper open(bool create = true) const {
    auto keeper = Keeper::open(root_, create);
    if (!keeper) fail_msg("open: %s", keeper.error().text.c_str());
    return std::move(*keeper);
  }

 private:
  std::string root_;
};

template <class T>
void assert_refused(const Result<T>& result, Refusal refusal, int line) {
  if (result) fail_msg("line %d: not refused", line);
  if (result.error().refusal != refusal)
    fail_msg("line %d: refusal %d, expected %d: %s", line, static_cast<int>(result.error().refusal),
             static_cast<int>(refusal), result.error().text.c_str());
  if (result.error().text.empty()) fail_msg("line %d: no text", line);
}
#define ASSERT_REFUSED(result, refusal) assert_refused(result, Refusal::refusal, __LINE__)

template <class T>
T good(Result<T> result, int line) {
  if (!result) fail_msg("line %d: %s", line, result.error().text.c_str());
  return std::move(*result);
}
#define GOOD(result) good(result, __LINE__)

}  // namespace pamcognito::accounts
