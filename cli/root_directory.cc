#include "cli/root_directory.h"

#include <cstddef>
#include <filesystem>
#include <system_error>

#include "common/text.h"

namespace pamcognito::cli {
namespace {

constexpr std::size_t kMostShown = 256;  // characters of a path in a message

// The files that commands write are below these directories. They read /etc/passwd and the other
// files to find names and uids that are free.
constexpr const char* kPaths[] = {"/etc",
                                  "/etc/group",
                                  "/etc/pam-cognito",
                                  "/etc/passwd",
                                  "/etc/ssh",
                                  "/etc/subgid",
                                  "/etc/subuid",
                                  "/run",
                                  "/run/pam-cognito",
                                  "/usr",
                                  "/var",
                                  "/var/lib",
                                  "/var/lib/cognitod",
                                  "/var/lib/pam-cognito-accounts",
                                  "/var/lib/pam-cognito-accounts/keys",
                                  "/var/lib/pam-cognito-accounts-db"};

bool is_inside(const std::filesystem::path& root, const std::filesystem::path& path) {
  auto at = path.begin();
  for (const std::filesystem::path& component : root) {
    if (at == path.end() || *at != component) return false;
    ++at;
  }
  return true;
}

}  // namespace

std::optional<Failure> find_root_fault(const std::string& root) {
  if (root.empty()) return std::nullopt;
  std::error_code error;
  const std::filesystem::path real_root = std::filesystem::canonical(root, error);
  // The command reports a root that does not exist.
  if (error) return std::nullopt;
  for (const char* const path : kPaths) {
    const std::filesystem::path real = std::filesystem::weakly_canonical(root + path, error);
    if (!error && is_inside(real_root, real)) continue;
    return Failure{ExitCode::usage, "usage",
                   printable(root + path, kMostShown) +
                       " leads out of --root by a symbolic link, so a command would use files of "
                       "this machine: make the link relative, or run cognitoctl in a chroot"};
  }
  return std::nullopt;
}

}  // namespace pamcognito::cli
