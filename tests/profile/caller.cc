// caller UID KIND VALUE COMMAND…: runs COMMAND as a local user who has set one resource limit
// before, as `sh -c 'ulimit …; exec su'` does. KIND `none` sets no limit.

#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

struct Kind {
  std::string_view name;
  __rlimit_resource resource;
};

constexpr std::array kKinds = {
    Kind{"AS", RLIMIT_AS},         Kind{"DATA", RLIMIT_DATA},   Kind{"STACK", RLIMIT_STACK},
    Kind{"NOFILE", RLIMIT_NOFILE}, Kind{"NPROC", RLIMIT_NPROC}, Kind{"FSIZE", RLIMIT_FSIZE},
};

bool set_limit(std::string_view name, const char* value) {
  if (name == "none") return true;
  const rlim_t number = std::strtoull(value, nullptr, 10);
  for (const Kind& kind : kKinds) {
    if (kind.name != name) continue;
    const rlimit limit{.rlim_cur = number, .rlim_max = number};
    return ::setrlimit(kind.resource, &limit) == 0;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const auto uid = static_cast<uid_t>(std::strtoul(argv[1], nullptr, 10));
  if (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 ||
      ::setresuid(uid, uid, uid) != 0 || !set_limit(argv[2], argv[3])) {
    std::perror("caller");
    return 2;
  }
  ::execv(argv[4], argv + 4);
  return 126;
}
