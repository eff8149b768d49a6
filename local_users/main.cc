// pam-cognito-local-users [--check | --class USER…]: brings /etc/pam-cognito/local-users up to
// date, or prints what a run would change, or how pam_cognito classifies users. The packages,
// cognitoctl setup and pam-cognito-local-users.path run it; cognitoctl doctor runs it with --check,
// the packages' scripts with --class.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>
#include <string>

#include "common/fd.h"
#include "common/membership.h"
#include "common/text.h"
#include "common/users_conf.h"
#include "local_users/local_users.h"
#include "nss/accounts_conf.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::local_users;

// For all of a run: a directory that does not answer ends it, and the list stays as it is.
constexpr unsigned kMaxSeconds = 120;
// Runs in a row because accounts changed meanwhile; each of them leaves a list.
constexpr int kMaxRounds = 5;

int fail(const std::string& what) {
  std::fprintf(stderr, "pam-cognito-local-users: %s\n", what.c_str());
  return 1;
}

int check() {
  const List list = read_list();
  const Wanted wanted = decide(list.names);
  if (!list.fault.empty())
    std::printf("%s %s\n", list.absent ? "missing" : "unsafe", list.fault.c_str());
  if (!wanted.undecided.empty()) std::printf("undecided %s\n", wanted.undecided.c_str());
  for (const std::string& name : wanted.names)
    if (!list.names.contains(name)) std::printf("add %s\n", name.c_str());
  for (const std::string& name : list.names)
    if (!wanted.names.contains(name)) std::printf("remove %s\n", printable(name, 64).c_str());
  return 0;
}

// Prints a line for each user: "local NAME", "cognito NAME", or "refused NAME REASON" if users.conf
// has a fault or a look-up failed. A user whose name alone is refused belongs to Cognito, as in
// local_users.cc.
int print_classes(const char* const* names) {
  for (; *names != nullptr; ++names) {
    const std::string name = printable(*names, 64);
    std::string reason;
    switch (classify_user(kUsersConfPath, *names, &reason)) {
      case Membership::not_cognito_user:
        std::printf("local %s\n", name.c_str());
        break;
      case Membership::cognito_user:
      case Membership::denied:
      case Membership::no_account:
      case Membership::locked:
      case Membership::damaged:
        std::printf("cognito %s\n", name.c_str());
        break;
      case Membership::malformed:
      case Membership::unknown:
      case Membership::local_fault:
        std::printf("refused %s %s\n", name.c_str(), printable(reason, 256).c_str());
        break;
    }
  }
  return std::fflush(stdout) == 0 ? 0 : fail("cannot write the answer");
}

// Tells one state of the files that decide from another: systemd watches none of them during a run.
struct Stamp {
  static constexpr const char* kPaths[] = {"/etc/passwd", "/etc/group", kUsersConfPath,
                                           accounts::kConfPath};
  struct stat files[std::size(kPaths)] = {};

  static Stamp now() {
    Stamp stamp;
    std::size_t i = 0;
    for (const char* path : kPaths) {
      if (::stat(path, &stamp.files[i]) != 0) stamp.files[i] = {};
      ++i;
    }
    return stamp;
  }

  bool operator==(const Stamp& other) const {
    for (std::size_t i = 0; i < std::size(kPaths); ++i)
      if (files[i].st_dev != other.files[i].st_dev || files[i].st_ino != other.files[i].st_ino ||
          files[i].st_size != other.files[i].st_size ||
          files[i].st_ctim.tv_sec != other.files[i].st_ctim.tv_sec ||
          files[i].st_ctim.tv_nsec != other.files[i].st_ctim.tv_nsec)
        return false;
    return true;
  }
};

int update() {
  // One run at a time: an older decision must not replace a newer one.
  const Fd directory(::open(kDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::flock(directory.get(), LOCK_EX) != 0)
    return fail(std::string(kDirectory) + ": " + std::string(errno_name(errno)));
  std::string undecided;
  for (int round = 0; round < kMaxRounds; ++round) {
    const Stamp before = Stamp::now();
    const List list = read_list();
    const Wanted wanted = decide(list.names);
    undecided = wanted.undecided;
    if (!list.fault.empty() || wanted.names != list.names)
      if (const auto written = write_list(wanted.names); !written) return fail(written.error());
    if (before == Stamp::now()) break;
  }
  if (!undecided.empty()) return fail("nobody was added to the list: " + undecided);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  (void)::alarm(kMaxSeconds);
  try {
    if (argc == 1) return update();
    if (argc == 2 && std::strcmp(argv[1], "--check") == 0) return check();
    if (argc >= 3 && std::strcmp(argv[1], "--class") == 0) return print_classes(argv + 2);
  } catch (const std::exception&) {
    return fail("not enough memory");
  }
  (void)std::fputs("usage: pam-cognito-local-users [--check | --class USER...]\n", stderr);
  return 2;
}
