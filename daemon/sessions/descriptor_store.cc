#include "daemon/sessions/descriptor_store.h"

#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <map>
#include <string>
#include <utility>

namespace pamcognito::sessions {
namespace {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId&) const = default;
};

FileId id_of(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

// The descriptor that systemd holds under a name, as far as this process knows.
std::map<std::string, FileId>& held() {
  static std::map<std::string, FileId> held;
  return held;
}

}  // namespace

Fd take_kept_descriptor(const char* name) {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  Fd taken;
  unsigned of_that_name = 0;
  for (int i = 0; i < count; ++i) {
    Fd fd(SD_LISTEN_FDS_START + i);  // nothing else is expected, so the rest is closed
    if (names != nullptr && std::string(name) == names[i]) {
      ++of_that_name;
      taken = std::move(fd);
    }
    if (names != nullptr) std::free(names[i]);
  }
  std::free(static_cast<void*>(names));
  if (of_that_name == 1) held()[name] = id_of(taken.get());
  return taken;
}

bool keep_descriptor(const char* name, int fd) {
  const FileId id = id_of(fd);
  if (held().contains(name) && held()[name] == id) return true;
  // Nothing that is held under the name is wanted any more. Not so above: killed between the
  // two messages, the daemon would lose what is held.
  const std::string fd_name = std::string("\nFDNAME=") + name;
  (void)sd_pid_notify(0, 0, ("FDSTOREREMOVE=1" + fd_name).c_str());
  const std::string message = "FDSTORE=1" + fd_name + "\nFDPOLL=0";
  if (sd_pid_notify_with_fds(0, 0, message.c_str(), &fd, 1) <= 0) return false;
  held()[name] = id;
  return true;
}

}  // namespace pamcognito::sessions
