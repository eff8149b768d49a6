#include "cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <span>
#include <utility>

#include "common/ascii.h"

namespace pamcognito::cli {
namespace {

// The data with which a signal handler restores the terminal. Set only while echo is off.
volatile std::sig_atomic_t g_terminal = -1;
termios g_before{};

constexpr std::array kEndingSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM};

// tcsetattr() and raise() are async-signal-safe (signal-safety(7)).
extern "C" void restore_and_die(int number) {
  if (g_terminal >= 0) (void)::tcsetattr(g_terminal, TCSAFLUSH, &g_before);
  (void)::raise(number);  // SA_RESETHAND: now with its default action
}

// Keeps what is typed from being shown, as long as it lives.
class EchoOff {
 public:
  explicit EchoOff(int terminal) : terminal_(terminal) {
    if (::tcgetattr(terminal_, &g_before) != 0) return;
    g_terminal = terminal_;
    struct sigaction action{};
    action.sa_handler = &restore_and_die;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    for (std::size_t i = 0; i < kEndingSignals.size(); ++i)
      (void)::sigaction(kEndingSignals[i], &action, &previous_[i]);
    // A shell would get a terminal back that shows nothing.
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    (void)::sigaction(SIGTSTP, &ignore, &stop_);
    termios silent = g_before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    on_ = ::tcsetattr(terminal_, TCSAFLUSH, &silent) == 0;
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  ~EchoOff() {
    if (g_terminal < 0) return;
    (void)::tcsetattr(terminal_, TCSAFLUSH, &g_before);
    g_terminal = -1;
    for (std::size_t i = 0; i < kEndingSignals.size(); ++i)
      (void)::sigaction(kEndingSignals[i], &previous_[i], nullptr);
    (void)::sigaction(SIGTSTP, &stop_, nullptr);
  }
  [[nodiscard]] bool on() const noexcept { return on_; }

 private:
  int terminal_;
  bool on_ = false;
  std::array<struct sigaction, kEndingSignals.size()> previous_{};
  struct sigaction stop_{};
};

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Waits for a byte; false: `watched` came first.
bool wait_for_input(int input, int watched) {
  while (true) {
    std::array<pollfd, 2> polled{pollfd{.fd = input, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = watched, .events = POLLIN, .revents = 0}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno == EINTR) continue;
    if (polled[0].revents != 0) return true;
    return polled[1].revents == 0;
  }
}

std::expected<Secret, Terminal::Error> read_line(int input, int watched) {
  std::array<char, Secret::kCapacity + 1> line{};
  struct Wipe {
    std::span<char> memory;
    ~Wipe() { wipe(memory); }
  };
  const Wipe wipe_line{line};
  std::size_t size = 0;
  bool too_long = false;
  while (true) {
    if (!wait_for_input(input, watched)) return std::unexpected(Terminal::Error::interrupted);
    char byte = 0;
    const ssize_t got = ::read(input, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::unexpected(Terminal::Error::ended);
    if (byte == '\n') break;
    if (size < Secret::kCapacity) {
      line[size++] = byte;
    } else {
      too_long = true;
    }
  }
  if (too_long) return std::unexpected(Terminal::Error::too_long);
  auto secret = Secret::copy_of({line.data(), size});
  if (!secret) return std::unexpected(Terminal::Error::ended);
  return std::move(*secret);
}

}  // namespace

Terminal::Terminal()
    : interactive_(::isatty(STDIN_FILENO) == 1), input_(STDIN_FILENO), output_(STDERR_FILENO) {
  if (!interactive_) return;
  tty_ = above_stdio(Fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)));
  if (!tty_) return;
  input_ = tty_.get();
  output_ = tty_.get();
}

void Terminal::show(std::string_view text) const {
  write_all(output_, text);
}

std::expected<Secret, Terminal::Error> Terminal::ask(std::string_view prompt, bool echo,
                                                     int watched) const {
  if (!interactive_) {
    show(prompt);
    auto answer = read_line(input_, watched);
    show("\n");  // no Enter of the user's has moved the cursor
    return answer;
  }
  std::optional<EchoOff> echo_off;
  if (!echo) {
    echo_off.emplace(input_);
    if (!echo_off->on()) return std::unexpected(Error::ended);
  }
  show(prompt);
  return read_line(input_, watched);
}

bool Terminal::confirm(std::string_view question, bool otherwise) const {
  const auto answer =
      ask(std::string(question) + (otherwise ? " [Y/n] " : " [y/N] "), /*echo=*/true);
  if (!answer) return false;
  if (answer->empty()) return otherwise;
  return answer->reveal().front() == 'y' || answer->reveal().front() == 'Y';
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
    if (value == nullptr || *value == '\0') continue;
    const std::string text = ascii::lower(value);
    return text.contains("utf-8") || text.contains("utf8");
  }
  return false;
}

bool output_wants_colour() {
  const char* forbidden = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): one thread
  const char* terminal = std::getenv("TERM");       // NOLINT(concurrency-mt-unsafe): one thread
  if (forbidden != nullptr && *forbidden != '\0') return false;
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return false;
  return ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace pamcognito::cli
