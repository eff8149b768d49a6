// cognitod-accounts [--root DIR] [--idle SECONDS] [--lists]: stores what cognitod reports about
// users whom no local file names. systemd starts it as root with its socket
// (cognitod-accounts.socket).
// --lists: what cognitod-directory reports, on a socket of its own
// (cognitod-directory-list.socket).

#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "accounts/server.h"
#include "common/fd.h"

namespace {

using namespace pamcognito;
using namespace pamcognito::accounts;

constexpr char kUser[] = "cognitod";
constexpr char kDirectoryUser[] = "cognitod-directory";
constexpr unsigned kMaxIdle = 3600;
constexpr std::chrono::seconds kListIdle{5};

int fail(const std::string& what) {
  (void)std::fprintf(stderr, "<3>cognitod-accounts: %s\n", what.c_str());
  return 1;
}

bool parse_seconds(std::string_view text, std::chrono::seconds& seconds) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > kMaxIdle) return false;
  seconds = std::chrono::seconds(number);
  return true;
}

struct Options {
  std::string root;
  std::optional<std::chrono::seconds> idle;
  bool lists = false;
};

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--lists") {
      options.lists = true;
      continue;
    }
    if (++i == argc) return false;
    if (option == "--root") {
      options.root = argv[i];
    } else if (option != "--idle" || !parse_seconds(argv[i], options.idle.emplace())) {
      return false;
    }
  }
  return true;
}

// Besides root it alone may connect; without such a user, root.
uid_t uid_of_user(const char* name) {
  const passwd* const user = ::getpwnam(name);
  return user == nullptr ? 0 : user->pw_uid;
}

int run(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    (void)std::fputs("usage: cognitod-accounts [--root DIR] [--idle SECONDS] [--lists]\n", stderr);
    return 2;
  }
  if (::geteuid() != 0) return fail("only root may run it");
  if (sd_listen_fds(1) != 1 ||
      sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, nullptr, 0) <= 0)
    return fail("systemd has passed no socket; start its socket unit");
  Fd listener(SD_LISTEN_FDS_START);
  // A peer that has gone between poll() and accept() must not make it wait.
  const int flags = ::fcntl(listener.get(), F_GETFL);
  if (flags < 0 || ::fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return fail("the socket cannot be used");
  ServerSettings settings;
  settings.root = std::move(options.root);
  settings.peer = uid_of_user(options.lists ? kDirectoryUser : kUser);
  // Lists come once an hour, sign-ins often.
  settings.idle = options.idle.value_or(options.lists ? kListIdle : settings.idle);
  return options.lists ? serve_lists(std::move(listener), settings)
                       : serve(std::move(listener), settings);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception&) {
    return fail("not enough memory");
  }
}
