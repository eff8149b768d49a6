// cognitod-accounts [--root DIR] [--idle SECONDS]: stores what cognitod reports about users whom no
// local file names. systemd starts it as root with its socket (cognitod-accounts.socket).

#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
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
constexpr unsigned kMaxIdle = 3600;

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

bool parse(int argc, char** argv, ServerSettings& settings) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    if (i + 1 == argc) return false;
    if (option == "--root") {
      settings.root = argv[i + 1];
    } else if (option != "--idle" || !parse_seconds(argv[i + 1], settings.idle)) {
      return false;
    }
  }
  return true;
}

int run(int argc, char** argv) {
  ServerSettings settings;
  if (!parse(argc, argv, settings)) {
    (void)std::fputs("usage: cognitod-accounts [--root DIR] [--idle SECONDS]\n", stderr);
    return 2;
  }
  if (::geteuid() != 0) return fail("only root may run it");
  const passwd* const user = ::getpwnam(kUser);
  // root alone may connect then.
  if (user != nullptr) settings.cognitod = user->pw_uid;
  if (sd_listen_fds(1) != 1 ||
      sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, nullptr, 0) <= 0)
    return fail("systemd has passed no socket; start cognitod-accounts.socket");
  Fd listener(SD_LISTEN_FDS_START);
  // A peer that has gone between poll() and accept() must not make it wait.
  const int flags = ::fcntl(listener.get(), F_GETFL);
  if (flags < 0 || ::fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return fail("the socket cannot be used");
  return serve(std::move(listener), settings);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception&) {
    return fail("not enough memory");
  }
}
